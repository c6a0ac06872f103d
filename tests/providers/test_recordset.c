/* SPDX-License-Identifier: Apache-2.0 */
/* Writing whole sets, with a vendor in memory that compares what a write replaces, and other writers beside us. */
#include "dns-providers/recordset.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dns_provider {
	pthread_mutex_t lock;
	struct provider_owners owners;
	struct str_list values;
	int64_t ttl;
	int reads, writes, conflicts;
	int disturbed; /* writes before which somebody else adds a value */
};

static bool read_set(struct dns_provider *vendor, const char *step, const char *zone_id, const char *name,
		     struct deadline deadline, struct provider_set *ret, struct error *err)
{
	(void)step, (void)zone_id, (void)name, (void)deadline;
	(void)pthread_mutex_lock(&vendor->lock);
	vendor->reads++;
	ret->ttl = vendor->ttl;
	bool ok = str_list_copy(&ret->values, &vendor->values, err);
	(void)pthread_mutex_unlock(&vendor->lock);
	return ok;
}

static bool same(const struct str_list *a, const struct str_list *b)
{
	for (size_t i = 0; i < a->len; i++) {
		if (!str_list_has(b, a->items[i]))
			return false;
	}
	return a->len == b->len;
}

static enum provider_written write_set(struct dns_provider *vendor, const char *step, const char *zone_id,
				       const char *name, const struct provider_set *was,
				       const struct provider_set *next, struct deadline deadline, struct error *err)
{
	char foreign[32];
	(void)zone_id, (void)name, (void)deadline;
	(void)pthread_mutex_lock(&vendor->lock);
	vendor->writes++;
	if (vendor->disturbed > 0) {
		(void)snprintf(foreign, sizeof(foreign), "\"foreign-%d\"", vendor->disturbed--);
		CHECK_OK(str_list_add(&vendor->values, foreign, err), *err);
	}
	bool swapped = same(&was->values, &vendor->values) && (was->values.len == 0 || was->ttl == vendor->ttl);
	if (swapped) {
		CHECK_OK(str_list_copy(&vendor->values, &next->values, err), *err);
		vendor->ttl = next->ttl;
	} else {
		vendor->conflicts++;
		(void)error_set(err, ERROR_DNS, step, "it changed meanwhile");
	}
	(void)pthread_mutex_unlock(&vendor->lock);
	return swapped ? PROVIDER_WRITTEN : PROVIDER_WRITE_CONFLICT;
}

static const struct provider_sets guessing = {
	.before = "\"", .after = "\"", .ttl = 60, .guesses = true, .read = read_set, .write = write_set};
static const struct provider_sets reading = {
	.before = "\"", .after = "\"", .ttl = 60, .guesses = false, .read = read_set, .write = write_set};

static void begin(struct dns_provider *vendor)
{
	*vendor = (struct dns_provider){0};
	(void)pthread_mutex_init(&vendor->lock, NULL);
	provider_owners_init(&vendor->owners);
}

static void end(struct dns_provider *vendor)
{
	provider_owners_done(&vendor->owners);
	str_list_done(&vendor->values);
}

static bool add(const struct provider_sets *sets, struct dns_provider *vendor, const char *value, struct error *err)
{
	return provider_sets_add(sets, &vendor->owners, vendor, "Z", "name", value, deadline_in(20000, NULL), err);
}

static bool drop(const struct provider_sets *sets, struct dns_provider *vendor, const char *value, struct error *err)
{
	return provider_sets_remove(sets, &vendor->owners, vendor, "Z", "name", value, deadline_in(20000, NULL), err);
}

TEST(guessing_two_values_come_and_go_in_four_calls)
{
	struct dns_provider vendor;
	struct error err = {0};
	begin(&vendor);
	CHECK_OK(add(&guessing, &vendor, "a", &err), err);
	CHECK_OK(add(&guessing, &vendor, "b", &err), err);
	CHECK(str_list_has(&vendor.values, "\"a\"") && str_list_has(&vendor.values, "\"b\""));
	CHECK_INT(vendor.ttl, 60);
	CHECK_OK(drop(&guessing, &vendor, "a", &err), err);
	CHECK(vendor.values.len == 1 && str_list_has(&vendor.values, "\"b\""));
	CHECK_OK(drop(&guessing, &vendor, "b", &err), err);
	CHECK_INT(vendor.values.len, 0);
	CHECK_INT(vendor.writes, 4);
	CHECK_INT(vendor.reads, 0);
	end(&vendor);
}

TEST(foreign_values_and_their_ttl_stay)
{
	const struct provider_sets *const kinds[] = {&guessing, &reading};
	for (size_t i = 0; i < 2; i++) {
		struct dns_provider vendor;
		struct error err = {0};
		begin(&vendor);
		vendor.ttl = 300;
		CHECK_OK(str_list_add(&vendor.values, "\"v=spf1\" \" -all\"", &err), err);
		CHECK_OK(add(kinds[i], &vendor, "a", &err), err);
		CHECK_OK(drop(kinds[i], &vendor, "a", &err), err);
		CHECK_OK(drop(kinds[i], &vendor, "a", &err), err);
		CHECK(vendor.values.len == 1 && str_list_has(&vendor.values, "\"v=spf1\" \" -all\""));
		CHECK_INT(vendor.ttl, 300);
		end(&vendor);
	}
}

TEST(twice_is_once_and_gone_is_gone)
{
	const struct provider_sets *const kinds[] = {&guessing, &reading};
	for (size_t i = 0; i < 2; i++) {
		struct dns_provider vendor;
		struct error err = {0};
		begin(&vendor);
		CHECK_OK(add(kinds[i], &vendor, "a", &err), err);
		CHECK_OK(add(kinds[i], &vendor, "a", &err), err);
		CHECK_INT(vendor.values.len, 1);
		CHECK_INT(vendor.writes, 1);
		CHECK_OK(drop(kinds[i], &vendor, "a", &err), err);
		CHECK_OK(drop(kinds[i], &vendor, "a", &err), err);
		CHECK_INT(vendor.values.len, 0);
		CHECK_INT(vendor.writes, 2);
		end(&vendor);
	}
}

TEST(another_writer_in_between_loses_nothing)
{
	const struct provider_sets *const kinds[] = {&guessing, &reading};
	for (size_t i = 0; i < 2; i++) {
		struct dns_provider vendor;
		struct error err = {0};
		begin(&vendor);
		vendor.disturbed = 2;
		CHECK_OK(add(kinds[i], &vendor, "a", &err), err);
		CHECK_INT(vendor.values.len, 3);
		vendor.disturbed = 1;
		CHECK_OK(drop(kinds[i], &vendor, "a", &err), err);
		CHECK_INT(vendor.values.len, 3);
		CHECK(!str_list_has(&vendor.values, "\"a\""));
		end(&vendor);
	}
}

TEST(conflicts_for_ever_end_cleanly)
{
	struct dns_provider vendor;
	struct error err = {0};
	begin(&vendor);
	vendor.disturbed = 1000;
	CHECK(!add(&reading, &vendor, "a", &err));
	CHECK_STR(err.message, "it changed meanwhile");
	CHECK(err.transient);
	CHECK_INT(vendor.writes, 8);
	CHECK(!str_list_has(&vendor.values, "\"a\""));
	end(&vendor);
}

struct writer {
	struct dns_provider *vendor;
	const struct provider_sets *sets;
	char value[8];
};

static void *write_in_thread(void *ctx)
{
	struct writer *writer = ctx;
	struct error err = {0};
	return add(writer->sets, writer->vendor, writer->value, &err) ? ctx : NULL;
}

TEST(threads_of_one_instance_queue)
{
	const struct provider_sets *const kinds[] = {&guessing, &reading};
	for (size_t kind = 0; kind < 2; kind++) {
		struct dns_provider vendor;
		struct writer writers[12];
		pthread_t threads[12];
		begin(&vendor);
		for (size_t i = 0; i < 12; i++) {
			writers[i] = (struct writer){.vendor = &vendor, .sets = kinds[kind]};
			(void)snprintf(writers[i].value, sizeof(writers[i].value), "v%zu", i);
			CHECK(pthread_create(&threads[i], NULL, write_in_thread, &writers[i]) == 0);
		}
		for (size_t i = 0; i < 12; i++) {
			void *done = NULL;
			CHECK(pthread_join(threads[i], &done) == 0);
			CHECK(done != NULL);
		}
		CHECK_INT(vendor.values.len, 12);
		CHECK_INT(vendor.conflicts, 0);
		end(&vendor);
	}
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* The search for the zone of a name, with a vendor made of a table. */
#include "base/str.h"
#include "dns-providers/zones.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct dns_provider {
	struct provider_zones zones;
	const char *const *there;
	const char *pending;
	atomic_int asked;
	int slow_ms;
};

static bool ask(struct dns_provider *vendor, const char *name, struct deadline deadline, char **ret_id,
		struct buf *unusable, struct error *err)
{
	atomic_fetch_add(&vendor->asked, 1);
	if (vendor->slow_ms > 0 && !deadline_sleep(deadline, vendor->slow_ms, "find-zone", err))
		return false;
	if (vendor->pending != NULL && str_equal(vendor->pending, name))
		buf_str(unusable, "it sleeps");
	for (size_t i = 0; vendor->there[i] != NULL; i++) {
		if (str_equal(vendor->there[i], name))
			return str_set(ret_id, name, err);
	}
	return true;
}

static const struct provider_zone_search search = {
	.title = "Vendor",
	.source = "the setting token",
	.hint = "look elsewhere",
	.unusable_hint = "wake it",
	.ask = ask,
};

static bool find(struct dns_provider *vendor, const char *name, char **ret_zone, struct error *err)
{
	char *id = NULL;
	bool found =
		provider_zones_find(&vendor->zones, &search, vendor, name, deadline_in(5000, NULL), &id, ret_zone, err);
	free(id);
	return found;
}

static const char *const some[] = {"example.com", "sub.example.com", "_acme-challenge.own.example.com", NULL};

TEST(the_longest_zone_wins_in_any_spelling)
{
	static const struct {
		const char *name, *zone;
	} cases[] = {
		{"_acme-challenge.www.example.com", "example.com"},
		{"_acme-challenge.WWW.Sub.Example.com.", "sub.example.com"},
		{"_acme-challenge.own.example.com", "_acme-challenge.own.example.com"},
		{"a.b.c.d.sub.example.com", "sub.example.com"},
	};
	struct dns_provider vendor = {.there = some};
	struct error err = {0};
	provider_zones_init(&vendor.zones);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *zone = NULL;
		CHECK_OK(find(&vendor, cases[i].name, &zone, &err), err);
		CHECK_STR(zone, cases[i].zone);
		free(zone);
	}
	provider_zones_done(&vendor.zones);
}

TEST(a_top_level_domain_and_a_malformed_name_are_not_asked_for)
{
	struct dns_provider vendor = {.there = some};
	struct error err = {0};
	char *zone = NULL;
	provider_zones_init(&vendor.zones);
	CHECK(!find(&vendor, "_acme-challenge.a.test", &zone, &err));
	CHECK_INT(vendor.asked, 2);
	CHECK_CONTAINS(err.message,
		       "Vendor: the setting token sees no zone that holds _acme-challenge.a.test; asked for "
		       "_acme-challenge.a.test, a.test");
	CHECK_STR(err.hint, "look elsewhere");
	error_clear(&err);
	CHECK(!find(&vendor, "a b.example.com", &zone, &err));
	CHECK_INT(vendor.asked, 2);
	provider_zones_done(&vendor.zones);
}

TEST(an_unusable_zone_is_told_of_each_time)
{
	struct dns_provider vendor = {.there = (const char *const[]){NULL}, .pending = "example.org"};
	char *zone = NULL;
	provider_zones_init(&vendor.zones);
	for (int i = 0; i < 2; i++) {
		struct error err = {0};
		CHECK(!find(&vendor, "_acme-challenge.example.org", &zone, &err));
		CHECK_CONTAINS(err.message, "; the zone example.org is there, but it sleeps");
		CHECK_STR(err.hint, "wake it");
	}
	CHECK_INT(vendor.asked, 3);
	provider_zones_done(&vendor.zones);
}

static void *find_in_thread(void *ctx)
{
	struct error err = {0};
	char *zone = NULL;
	bool found = find(ctx, "_acme-challenge.www.example.com", &zone, &err);
	free(zone);
	return found ? ctx : NULL;
}

TEST(many_at_once_ask_once)
{
	struct dns_provider vendor = {.there = some, .slow_ms = 20};
	pthread_t threads[8];
	provider_zones_init(&vendor.zones);
	for (size_t i = 0; i < 8; i++)
		CHECK(pthread_create(&threads[i], NULL, find_in_thread, &vendor) == 0);
	for (size_t i = 0; i < 8; i++) {
		void *found = NULL;
		CHECK(pthread_join(threads[i], &found) == 0);
		CHECK(found != NULL);
	}
	CHECK_INT(vendor.asked, 3);
	provider_zones_done(&vendor.zones);
}

TEST(waiting_for_another_search_ends_with_the_deadline)
{
	struct dns_provider vendor = {.there = some};
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	provider_zones_init(&vendor.zones);
	CHECK(pthread_mutex_lock(&vendor.zones.lock) == 0);
	CHECK(!provider_zones_find(&vendor.zones, &search, &vendor, "a.example.com", deadline_in(150, NULL), &id, &zone,
				   &err));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	(void)pthread_mutex_unlock(&vendor.zones.lock);
	provider_zones_done(&vendor.zones);
}

TEST(relative_names)
{
	static const struct {
		const char *name, *zone, *relative;
	} cases[] = {
		{"_acme-challenge.www.example.com", "example.com", "_acme-challenge.www"},
		{"_acme-challenge.Example.COM", "example.com", "_acme-challenge"},
		{"example.com", "example.com", "@"},
		{"notexample.com", "example.com", NULL},
		{".example.com", "example.com", NULL},
		{"example.com", "www.example.com", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = {0};
		char *relative = NULL;
		CHECK(provider_relative_name(cases[i].name, cases[i].zone, &relative, &err) ==
		      (cases[i].relative != NULL));
		if (cases[i].relative != NULL)
			CHECK_STR(relative, cases[i].relative);
		free(relative);
	}
}

TEST_MAIN()

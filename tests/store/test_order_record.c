/* SPDX-License-Identifier: Apache-2.0 */
/* orders/<name>.json. */
#include "store/order_record.h"

#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <string.h>

static struct order_record sample(void)
{
	struct order_record record = {.placed_at = 1790000000, .identifier_count = 2};
	struct error err = {0};
	record.identifiers = calloc(2, sizeof(*record.identifiers));
	CHECK(record.identifiers != NULL);
	CHECK_OK(identifier_parse("example.com", &record.identifiers[0], &err), err);
	CHECK_OK(identifier_parse("192.0.2.1", &record.identifiers[1], &err), err);
	CHECK_OK(str_set(&record.ca_url, "https://ca.test/dir", &err), err);
	CHECK_OK(str_set(&record.account, "https://ca.test/acct/1", &err), err);
	return record;
}

TEST(an_order_comes_back_before_and_after_it_has_a_url)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = store_open(scratch("orders"), true, &err);
	struct order_record record CLEANUP(order_record_done) = sample();
	bool found = true;
	CHECK_OK(store != NULL, err);
	for (int round = 0; round < 2; round++) {
		struct order_record loaded CLEANUP(order_record_done) = {0};
		CHECK_OK(order_record_save(store, "example.com", &record, &err), err);
		CHECK_OK(order_record_load(store, "example.com", &loaded, &found, &err), err);
		CHECK(found);
		CHECK_STR(loaded.url, record.url);
		CHECK_STR(loaded.ca_url, record.ca_url);
		CHECK_STR(loaded.account, record.account);
		CHECK_INT(loaded.placed_at, 1790000000);
		CHECK_INT(loaded.identifier_count, 2);
		CHECK(identifier_equal(&loaded.identifiers[1], &record.identifiers[1]));
		CHECK_OK(str_set(&record.url, "https://ca.test/order/\"7\"", &err), err);
	}
	struct order_record none CLEANUP(order_record_done) = {0};
	CHECK_OK(store_delete_record(store, STORE_ORDER, "example.com", &err), err);
	CHECK_OK(order_record_load(store, "example.com", &none, &found, &err), err);
	CHECK(!found);
}

TEST(a_damaged_order_says_what_to_do)
{
	static const char *const texts[] = {
		"",
		"{",
		"{\"version\":1}",
		"{\"version\":1,\"domains\":[\"a.test\"]}",
		"{\"version\":1,\"domains\":[\"a.test\"],\"ca_url\":7}",
		"{\"version\":1,\"domains\":[\"a.test\"],\"ca_url\":\"https://x\",\"placed_at\":\"now\"}"};
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = store_open(scratch("damaged"), true, &err);
	CHECK_OK(store != NULL, err);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct order_record record CLEANUP(order_record_done) = {0};
		struct error failure = {0};
		bool found = false;
		spoil(scratch("damaged/orders/a.test.json"), texts[i], strlen(texts[i]));
		CHECK(!order_record_load(store, "a.test", &record, &found, &failure));
		CHECK_INT(failure.category, ERROR_STORE);
		CHECK_CONTAINS(failure.message, "orders/a.test.json");
		CHECK_CONTAINS(failure.hint, "remove ");
		CHECK_CONTAINS(failure.hint, scratch("damaged/orders/a.test.json"));
	}
}

TEST(an_order_without_names_or_ca_is_not_written)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = store_open(scratch("refused"), true, &err);
	struct order_record record CLEANUP(order_record_done) = sample();
	CHECK_OK(store != NULL, err);
	record.identifier_count = 0;
	CHECK(!order_record_save(store, "a.test", &record, &err));
	error_clear(&err);
	record.identifier_count = 1;
	CHECK_OK(str_set(&record.ca_url, NULL, &err), err);
	CHECK(!order_record_save(store, "a.test", &record, &err));
	CHECK_CONTAINS(err.message, "ca_url");
}

TEST_MAIN()

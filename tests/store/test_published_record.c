/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in DNS, remembered: kept as it was, gone when it is empty, and a damaged record is no empty one. */
#include "store/published_record.h"

#include "base/limits.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct store *open_store(void)
{
	char dir[256];
	struct error err = {0};
	(void)snprintf(dir, sizeof(dir), "%s/state", test_temp_dir());
	struct store *store = store_open(dir, /* create= */ true, &err);
	CHECK_OK(store != NULL, err);
	return store;
}

static void add(struct published_record *record, const char *name, const char *handle)
{
	struct error err = {0};
	struct published_value *value = published_record_add(record, &err);
	CHECK_OK(value != NULL, err);
	CHECK_OK(str_set(&value->provider, "corp", &err) && str_set(&value->zone_id, "z", &err) &&
			 str_set(&value->name, name, &err) && str_set(&value->value, "-v", &err) &&
			 str_set(&value->record, handle, &err),
		 err);
}

TEST(values_come_back_as_they_were)
{
	struct published_record record = {0}, read = {0};
	struct error err = {0};
	struct store *store = open_store();
	add(&record, "_acme-challenge.a.test", "42");
	add(&record, "_acme-challenge.b.test", NULL);
	CHECK_OK(published_record_save(store, "a.test", &record, &err), err);
	CHECK_OK(published_record_load(store, "a.test", &read, &err), err);
	CHECK_INT(read.count, 2);
	CHECK_STR(read.values[0].name, "_acme-challenge.a.test");
	CHECK_STR(read.values[0].record, "42");
	CHECK_STR(read.values[1].value, "-v");
	CHECK(read.values[1].record == NULL && read.values[1].credentials == NULL);
	published_record_done(&read);
	published_record_done(&record);

	CHECK_OK(published_record_save(store, "a.test", &record, &err), err);
	struct str_list names = {0};
	CHECK_OK(store_list_records(store, STORE_PUBLISHED, &names, &err), err);
	CHECK_INT(names.len, 0);
	CHECK_OK(published_record_load(store, "a.test", &read, &err), err);
	CHECK_INT(read.count, 0);
	store_close(store);
}

TEST(a_damaged_record_is_told_and_not_taken_for_none)
{
	static const char *const texts[] = {"{", "{\"version\":1,\"values\":[{\"provider\":\"corp\"}]}",
					    "{\"version\":1,\"values\":{}}", "{\"version\":99}"};
	struct store *store = open_store();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct published_record read = {0};
		struct error err = {0};
		CHECK_OK(store_write_record(store, STORE_PUBLISHED, "b.test", texts[i], strlen(texts[i]), &err), err);
		CHECK(!published_record_load(store, "b.test", &read, &err));
		CHECK_INT(err.category, ERROR_STORE);
		CHECK_CONTAINS(err.message, "published/b.test.json");
		CHECK_CONTAINS(err.hint, i == 3 ? "newer" : "TXT records");
	}
	store_close(store);
}

TEST(what_cannot_be_ours_is_damage)
{
	static const char *const values[] = {
		"{\"webroot\":\"/w\",\"name\":\"../x\",\"value\":\"v\"}",
		"{\"webroot\":\"/w\",\"name\":\"a.b\",\"value\":\"v\"}",
		"{\"webroot\":\"/w\",\"provider\":\"p\",\"zone_id\":\"z\",\"name\":\"n\",\"value\":\"v\"}",
		"{\"provider\":\"p\",\"name\":\"n\",\"value\":\"v\"}",
		"{\"webroot\":\"/w\",\"name\":\"n\"}",
		"7",
	};
	static const char file[] = "{\"webroot\":\"/w\",\"name\":\"a-_Z9\",\"value\":\"v\"}";
	struct published_record record CLEANUP(published_record_done) = {0};
	struct error err = {0};
	char text[256];
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		err = (struct error){0};
		(void)snprintf(text, sizeof(text), "{\"version\":1,\"values\":[%s]}", values[i]);
		CHECK(!published_record_parse(text, strlen(text), "a.test", &record, &err));
		CHECK_CONTAINS(err.message, "published/a.test.json is damaged");
	}
	err = (struct error){0};
	(void)snprintf(text, sizeof(text), "{\"version\":1,\"values\":[%s]}", file);
	CHECK_OK(published_record_parse(text, strlen(text), "a.test", &record, &err), err);
	CHECK_STR(record.values[0].webroot, "/w");
}

TEST(a_handle_that_is_no_text_is_not_remembered)
{
	struct published_record record CLEANUP(published_record_done) = {0};
	struct error err = {0};
	char long_handle[9000];
	memset(long_handle, 'x', sizeof(long_handle) - 1);
	long_handle[sizeof(long_handle) - 1] = '\0';
	add(&record, "_acme-challenge.a.test", "42");
	CHECK_OK(published_value_set_record(&record.values[0], "43\n", &err), err);
	CHECK_STR(record.values[0].record, "43\n");
	CHECK_OK(published_value_set_record(&record.values[0], "\xff\xfe", &err), err);
	CHECK(record.values[0].record == NULL);
	CHECK_OK(published_value_set_record(&record.values[0], long_handle, &err), err);
	CHECK(record.values[0].record == NULL);
	CLEANUP(store_closep) struct store *store = open_store();
	CHECK_OK(published_record_save(store, "b.test", &record, &err), err);
}

TEST(a_record_that_is_too_long_can_be_read_again)
{
	struct published_record record CLEANUP(published_record_done) = {0};
	struct published_record back CLEANUP(published_record_done) = {0};
	struct buf text CLEANUP(buf_done);
	struct error err = {0};
	buf_init(&text, LIMIT_STATE_FILE);
	for (int i = 0; i < LIMIT_JSON_ARRAY + 1; i++)
		add(&record, "_acme-challenge.a.test", NULL);
	CHECK_OK(published_record_serialize(&record, &text, &err), err);
	CHECK_OK(published_record_parse(buf_cstr(&text), text.len, "a.test", &back, &err), err);
	CHECK_INT(back.count, LIMIT_JSON_ARRAY);
}

TEST_MAIN()

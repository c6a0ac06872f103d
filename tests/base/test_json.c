/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/buf.h"
#include "base/limits.h"
#include "tests/support/test.h"

#include <string.h>

static json_t *read_text(const char *text, struct error *err)
{
	return json_read(text, strlen(text), "the answer", err);
}

static void check_refused(const char *text, const char *reason)
{
	struct error err = {0};
	json_t *json AUTO_JSON = read_text(text, &err);
	if (json != NULL)
		test_fail(__FILE__, __LINE__, "accepted: %.60s", text);
	CHECK_INT(err.category, ERROR_DATA);
	CHECK_CONTAINS(err.message, "the answer");
	CHECK_CONTAINS(err.message, reason);
	CHECK(strpbrk(err.message, "\n\x1b") == NULL);
}

TEST(malformed_documents_are_refused)
{
	static const char *const cases[] = {
		"",
		"null",
		"1",
		"\"text\"",
		"{",
		"[1,]",
		"{\"a\":1}x",
		"{\"a\":1,\"a\":2}",
		"{'a':1}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\x80\"}",
		"{\"a\":99999999999999999999}",
		"{\"a\":\"\n\"}",
		"]",
		"}{",
		"{\"a\":\"\\",
		"{\"\x1b[2J\":}",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_refused(cases[i], "line ");
}

static const char *nested(int depth)
{
	static char text[2 * LIMIT_JSON_DEPTH + 8];
	memset(text, '[', (size_t)depth);
	memset(text + depth, ']', (size_t)depth);
	text[2 * depth] = '\0';
	return text;
}

TEST(depth_is_capped)
{
	struct error err = {0};
	json_t *json AUTO_JSON = read_text(nested(LIMIT_JSON_DEPTH), &err);
	CHECK_OK(json != NULL, err);
	check_refused(nested(LIMIT_JSON_DEPTH + 1), "deeper");
	/* Brackets inside strings do not count. */
	json_t *quoted AUTO_JSON = read_text("{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\"}", &err);
	CHECK_OK(quoted != NULL, err);
}

TEST(a_million_brackets_do_not_exhaust_the_stack)
{
	struct buf text;
	struct error err = {0};
	buf_init(&text, 2000000);
	for (int i = 0; i < 1000000; i++)
		buf_char(&text, '[');
	CHECK(json_read(text.data, text.len, "the answer", &err) == NULL);
	buf_done(&text);
}

TEST(list_length_is_capped)
{
	for (int count = LIMIT_JSON_ARRAY; count <= LIMIT_JSON_ARRAY + 1; count++) {
		struct buf text;
		struct error err = {0};
		buf_init(&text, 100000);
		buf_str(&text, "{\"list\":[{\"a\":[1,2],\"b\":2}");
		for (int i = 1; i < count; i++)
			buf_str(&text, ",\"x,y\"");
		buf_str(&text, "]}");
		json_t *json AUTO_JSON = json_read(text.data, text.len, "the answer", &err);
		CHECK((json != NULL) == (count == LIMIT_JSON_ARRAY));
		buf_done(&text);
	}
}

TEST(string_length_is_capped)
{
	for (int len = LIMIT_JSON_STRING; len <= LIMIT_JSON_STRING + 1; len++) {
		struct buf text;
		struct error err = {0};
		buf_init(&text, 100000);
		buf_str(&text, "[\"");
		for (int i = 0; i < len; i++)
			buf_char(&text, 's');
		buf_str(&text, "\"]");
		json_t *json AUTO_JSON = json_read(text.data, text.len, "the answer", &err);
		CHECK((json != NULL) == (len == LIMIT_JSON_STRING));
		buf_done(&text);
	}
}

TEST(strings)
{
	struct error err = {0};
	const char *value = "unchanged";
	json_t *json AUTO_JSON = read_text("{\"s\":\"hello\",\"n\":null,\"i\":1}", &err);
	CHECK_OK(json_need_str(json, "s", 5, &value, &err), err);
	CHECK_STR(value, "hello");
	CHECK(!json_need_str(json, "s", 4, &value, &err));
	CHECK_CONTAINS(err.message, "\"s\"");
	error_clear(&err);
	CHECK_OK(json_opt_str(json, "n", 5, &value, &err), err);
	CHECK_OK(json_opt_str(json, "none", 5, &value, &err), err);
	CHECK_STR(value, "hello");
	CHECK(!json_need_str(json, "n", 5, &value, &err));
	CHECK_CONTAINS(err.message, "missing");
	error_clear(&err);
	CHECK(!json_opt_str(json, "i", 5, &value, &err));
	CHECK_INT(err.category, ERROR_DATA);
	error_clear(&err);
	CHECK(!json_need_str(json_object_get(json, "i"), "x", 5, &value, &err));
	error_clear(&err);
	CHECK(!json_need_str(NULL, "x", 5, &value, &err));
}

TEST(a_string_with_a_nul_is_refused)
{
	struct error err = {0};
	const char *value = NULL;
	json_t *json AUTO_JSON = json_object();
	CHECK(json_object_set_new(json, "s", json_stringn("a\0b", 3)) == 0);
	CHECK(!json_need_str(json, "s", 10, &value, &err));
	CHECK(value == NULL);
}

TEST(integers)
{
	struct error err = {0};
	int64_t value = 77;
	json_t *json AUTO_JSON =
		read_text("{\"i\":5,\"r\":5.0,\"s\":\"5\",\"min\":-9223372036854775808,\"b\":true}", &err);
	CHECK_OK(json_need_int(json, "i", 5, 5, &value, &err), err);
	CHECK_INT(value, 5);
	CHECK_OK(json_need_int(json, "min", INT64_MIN, 0, &value, &err), err);
	CHECK(value == INT64_MIN);
	CHECK_OK(json_opt_int(json, "none", 0, 1, &value, &err), err);
	static const char *const wrong[] = {"r", "s", "b"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		error_clear(&err);
		CHECK(!json_opt_int(json, wrong[i], INT64_MIN, INT64_MAX, &value, &err));
	}
	error_clear(&err);
	CHECK(!json_need_int(json, "i", 6, 10, &value, &err));
	error_clear(&err);
	CHECK(!json_need_int(json, "i", 0, 4, &value, &err));
	error_clear(&err);
	CHECK(!json_need_int(json, "none", 0, 4, &value, &err));
}

TEST(booleans_objects_and_lists)
{
	struct error err = {0};
	bool flag = false;
	const json_t *object = NULL, *array = NULL;
	json_t *json AUTO_JSON = read_text("{\"b\":true,\"o\":{},\"a\":[]}", &err);
	CHECK_OK(json_opt_bool(json, "b", &flag, &err), err);
	CHECK(flag);
	CHECK_OK(json_opt_bool(json, "none", &flag, &err), err);
	CHECK_OK(json_opt_object(json, "o", &object, &err), err);
	CHECK(json_is_object(object));
	CHECK_OK(json_opt_array(json, "a", &array, &err), err);
	CHECK(json_is_array(array));
	CHECK(!json_opt_object(json, "a", &object, &err));
	error_clear(&err);
	CHECK(!json_opt_array(json, "o", &array, &err));
	error_clear(&err);
	CHECK(!json_opt_bool(json, "o", &flag, &err));
}

TEST(writes_compact_and_pretty)
{
	struct buf out;
	struct error err = {0};
	json_t *json AUTO_JSON = read_text("{\"z\":1,\"a\":[true,null]}", &err);
	buf_init(&out, 1000);
	CHECK_OK(json_write(json, false, &out, &err), err);
	CHECK_STR(buf_cstr(&out), "{\"z\":1,\"a\":[true,null]}");
	buf_reset(&out);
	CHECK_OK(json_write(json, true, &out, &err), err);
	CHECK_STR(buf_cstr(&out), "{\n  \"z\": 1,\n  \"a\": [\n    true,\n    null\n  ]\n}\n");
	buf_done(&out);
	buf_init(&out, 10);
	CHECK(!json_write(json, false, &out, &err));
	CHECK_INT(err.category, ERROR_INTERNAL);
	buf_done(&out);
}

TEST_MAIN()

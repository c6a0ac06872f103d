/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_message.h"

#include "base/limits.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static bool add(struct http_response *response, const char *name, const char *value, struct error *err)
{
	return http_response_add_header(response, name, strlen(name), value, strlen(value), err);
}

TEST(headers_are_found_in_any_case_and_in_order)
{
	struct http_response response = {0};
	struct error err = {0};
	CHECK_OK(add(&response, "Link", " <a>;rel=index \t", &err), err);
	CHECK_OK(add(&response, "Replay-Nonce", "n1", &err), err);
	CHECK_OK(add(&response, "link", "<b>;rel=up", &err), err);
	CHECK_STR(http_response_header(&response, "LINK", 0), "<a>;rel=index");
	CHECK_STR(http_response_header(&response, "link", 1), "<b>;rel=up");
	CHECK(http_response_header(&response, "Link", 2) == NULL);
	CHECK(http_response_header(&response, "Lin", 0) == NULL);
	CHECK_STR(http_response_header(&response, "replay-nonce", 0), "n1");
	http_response_done(&response);
	http_response_done(&response);
	http_response_done(NULL);
}

TEST(malformed_headers_are_refused)
{
	static const struct {
		const char *name, *value;
		size_t value_len;
	} cases[] = {
		{"", "x", 1},     {"A B", "x", 1},  {"A:", "x", 1},   {"A\n", "x", 1},
		{"A", "x\ry", 3}, {"A", "x\ny", 3}, {"A", "x\0y", 3}, {"A", "x\x1by", 3},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_response response = {0};
		struct error err = {0};
		CHECK(!http_response_add_header(&response, cases[i].name, strlen(cases[i].name), cases[i].value,
						cases[i].value_len, &err));
		CHECK_INT(err.category, ERROR_DATA);
		CHECK_INT(response.header_count, 0);
	}
}

TEST(the_number_of_headers_is_capped)
{
	struct http_response response = {0};
	struct error err = {0};
	for (int i = 0; i < LIMIT_HTTP_HEADER_COUNT; i++)
		CHECK_OK(add(&response, "X", "y", &err), err);
	CHECK(!add(&response, "X", "y", &err));
	CHECK_INT(response.header_count, LIMIT_HTTP_HEADER_COUNT);
	http_response_done(&response);
}

TEST(the_size_of_headers_is_capped)
{
	struct http_response response = {0};
	struct error err = {0};
	char *value = malloc(LIMIT_HTTP_HEADER + 1);
	CHECK(value != NULL);
	memset(value, 'v', LIMIT_HTTP_HEADER + 1);
	CHECK(!http_response_add_header(&response, "N", 1, value, LIMIT_HTTP_HEADER, &err));
	error_clear(&err);
	for (int i = 0; i < LIMIT_HTTP_HEADERS_TOTAL / LIMIT_HTTP_HEADER; i++)
		CHECK_OK(http_response_add_header(&response, "N", 1, value, LIMIT_HTTP_HEADER - 1, &err), err);
	CHECK(!http_response_add_header(&response, "N", 1, value, 0, &err));
	CHECK_CONTAINS(err.message, "65536 bytes");
	http_response_done(&response);
	free(value);
}

TEST(the_media_type_is_compared_without_parameters)
{
	struct http_response response = {0};
	struct error err = {0};
	CHECK(!http_response_is(&response, "application/json"));
	CHECK_OK(add(&response, "content-type", "Application/JSON ; charset=utf-8", &err), err);
	CHECK(http_response_is(&response, "application/json"));
	CHECK(!http_response_is(&response, "application/jso"));
	CHECK(!http_response_is(&response, "application/json2"));
	CHECK(!http_response_is(&response, "application/problem+json"));
	http_response_done(&response);
}

TEST(methods_have_names)
{
	CHECK_STR(http_method_name(HTTP_GET), "GET");
	CHECK_STR(http_method_name(HTTP_DELETE), "DELETE");
}

TEST_MAIN()

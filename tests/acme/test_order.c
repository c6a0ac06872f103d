/* SPDX-License-Identifier: Apache-2.0 */
/* Orders: built as the RFC shows them, parsed in every state a CA has been seen to send. */
#include "acme/order.h"

#include "base/buf.h"
#include "tests/support/test.h"

#include <string.h>

static struct identifier name(const char *text)
{
	struct identifier identifier;
	struct error err = {0};
	CHECK_OK(identifier_parse(text, &identifier, &err), err);
	return identifier;
}

static struct order parse(const char *text)
{
	struct order order;
	struct error err = {0};
	CHECK_OK(order_parse(text, strlen(text), &order, &err), err);
	return order;
}

TEST(requests)
{
	struct error err = {0};
	struct buf text;
	struct identifier names[] = {name("*.Example.org"), name("2001:DB8::1")};
	buf_init(&text, 4096);
	CHECK_OK(order_request(names, 2, &(struct order_wishes){0}, &text, &err), err);
	CHECK_STR(buf_cstr(&text), "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"*.example.org\"},"
				   "{\"type\":\"ip\",\"value\":\"2001:db8::1\"}]}");
	buf_reset(&text);
	const struct order_wishes wishes = {.profile = "short\"lived", .not_after = 1790000000};
	CHECK_OK(order_request(names, 1, &wishes, &text, &err), err);
	CHECK_CONTAINS(buf_cstr(&text), "\"notAfter\":\"2026-09-21T14:13:20Z\"");
	CHECK(strstr(buf_cstr(&text), "notBefore") == NULL);
	CHECK_CONTAINS(buf_cstr(&text), "\"profile\":\"short\\\"lived\"");
	buf_reset(&text);
	CHECK_OK(order_finalize_request("\x30\x00\xff", 3, &text, &err), err);
	CHECK_STR(buf_cstr(&text), "{\"csr\":\"MAD_\"}");
	buf_done(&text);
}

TEST(whole)
{
	struct order order = parse(
		"{\"status\":\"valid\",\"expires\":\"2016-01-05T14:09:07.99Z\",\"notBefore\":null,\"identifiers\":["
		"{\"type\":\"dns\",\"value\":\"WWW.example.org\"},{\"type\":\"ip\",\"value\":\"192.0.2.1\"}],"
		"\"authorizations\":[\"https://ca/1\",\"https://ca/2\",\"https://ca/1\"],\"finalize\":\"https://ca/f\","
		"\"certificate\":\"https://ca/c\",\"profile\":\"x\",\"replaces\":\"y\"}");
	CHECK_INT(order.status, ORDER_VALID);
	CHECK_INT(order.expires, 1452002947);
	CHECK_INT(order.identifier_count, 2);
	CHECK_STR(order.identifiers[0].value, "www.example.org");
	CHECK_INT(order.authorizations.len, 2);
	CHECK_STR(order.certificate, "https://ca/c");
	CHECK_STR(order.profile, "x");
	CHECK(!error_is_set(&order.error));
	order_done(&order);
}

TEST(least)
{
	static const char *const cases[] = {
		"{\"status\":\"ready\"}",
		"{\"status\":\"ready\",\"authorizations\":null,\"identifiers\":null,\"error\":null,\"finalize\":null}",
		"{\"status\":\"ready\",\"authorizations\":[],\"expires\":\"never\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct order order = parse(cases[i]);
		CHECK_INT(order.status, ORDER_READY);
		CHECK_INT(order.authorizations.len, 0);
		CHECK_INT(order.expires, 0);
		CHECK(order.finalize == NULL && order.certificate == NULL);
		order_done(&order);
	}
}

TEST(every_status)
{
	static const struct {
		const char *text;
		enum order_status status;
	} cases[] = {
		{"{\"status\":\"pending\"}", ORDER_PENDING},       {"{\"status\":\"ready\"}", ORDER_READY},
		{"{\"status\":\"processing\"}", ORDER_PROCESSING}, {"{\"status\":\"valid\"}", ORDER_VALID},
		{"{\"status\":\"invalid\"}", ORDER_INVALID},       {"{\"status\":\"foo\"}", ORDER_OTHER},
		{"{\"status\":\"unknown\"}", ORDER_OTHER},         {"{\"status\":\"\"}", ORDER_OTHER},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct order order = parse(cases[i].text);
		CHECK_INT(order.status, cases[i].status);
		order_done(&order);
	}
}

TEST(error_of_an_invalid_order)
{
	struct order order = parse("{\"status\":\"invalid\",\"error\":{\"type\":\"urn:ietf:params:acme:error:caa\","
				   "\"detail\":\"no\"}}");
	CHECK_STR(order.error.type, "urn:ietf:params:acme:error:caa");
	CHECK_STR(order.error.said, "no");
	order_done(&order);
}

TEST(refused)
{
	static const char *const cases[] = {
		"",
		"{}",
		"[]",
		"{\"status\":null}",
		"{\"status\":7}",
		"{\"status\":\"ready\",\"authorizations\":\"https://ca/1\"}",
		"{\"status\":\"ready\",\"authorizations\":[7]}",
		"{\"status\":\"ready\",\"identifiers\":[{\"type\":\"dns\"}]}",
		"{\"status\":\"ready\",\"identifiers\":[{\"type\":\"ip\",\"value\":\"a.example\"}]}",
		"{\"status\":\"ready\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"../x\"}]}",
		"{\"status\":\"ready\",\"identifiers\":[null]}",
		"{\"status\":\"ready\",\"error\":\"bad\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct order order;
		struct error err = {0};
		if (order_parse(cases[i], strlen(cases[i]), &order, &err))
			test_fail(__FILE__, __LINE__, "taken: %s", cases[i]);
		CHECK_INT(err.category, ERROR_DATA);
	}
}

TEST(same_names_in_any_order)
{
	struct order order = parse("{\"status\":\"ready\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"b.example\"},"
				   "{\"type\":\"dns\",\"value\":\"a.example\"}]}");
	struct identifier names[] = {name("a.example"), name("b.example"), name("c.example")};
	CHECK(order_is_for(&order, names, 2));
	CHECK(!order_is_for(&order, names, 1));
	CHECK(!order_is_for(&order, names, 3));
	CHECK(!order_is_for(&order, names + 1, 2));
	order_done(&order);
}

TEST_MAIN()

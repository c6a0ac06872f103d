/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/http01_request.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define PATH "/.well-known/acme-challenge/"

static enum http01_verdict verdict(const char *text)
{
	return http01_parse_request(text, strlen(text)).verdict;
}

static void check_token(const char *text, const char *token, bool head)
{
	struct http01_request request = http01_parse_request(text, strlen(text));
	CHECK_INT(request.verdict, HTTP01_TOKEN);
	CHECK_MEM(request.token, request.token_len, token, strlen(token));
	CHECK_INT(request.head, head);
}

TEST(what_a_ca_sends)
{
	check_token("GET " PATH TOKEN " HTTP/1.1\r\nHost: example.org\r\nUser-Agent: x\r\n\r\n", TOKEN, false);
	check_token("GET " PATH TOKEN " HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", TOKEN, false);
	check_token("GET " PATH TOKEN " HTTP/1.0\r\n\r\n", TOKEN, false);
	check_token("HEAD " PATH TOKEN " HTTP/1.1\r\nHost: example.org\r\n\r\n", TOKEN, true);
	check_token("GET http://example.org" PATH TOKEN " HTTP/1.1\r\n\r\n", TOKEN, false);
	check_token("\r\nGET " PATH "a-_Z9 HTTP/1.1\n\n", "a-_Z9", false);
}

TEST(it_waits_for_the_end_of_the_head_and_no_longer)
{
	static const char whole[] = "GET " PATH TOKEN " HTTP/1.1\r\nHost: a\r\n\r\n";
	for (size_t len = 0; len < strlen(whole); len++)
		CHECK_INT(http01_parse_request(whole, len).verdict, HTTP01_INCOMPLETE);
	CHECK_INT(http01_parse_request(whole, strlen(whole)).verdict, HTTP01_TOKEN);
}

TEST(anything_else_is_not_found)
{
	static const char *const targets[] = {
		"/",
		PATH,
		"/.well-known/acme-challenge",
		(PATH TOKEN "/"),
		(PATH TOKEN "?x=1"),
		(PATH "../" TOKEN),
		(PATH "%4c"),
		(PATH "a.b"),
		("/x" PATH TOKEN),
		("/.WELL-KNOWN/acme-challenge/" TOKEN),
		"http://example.org",
	};
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		char text[512];
		(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
		if (verdict(text) != HTTP01_OTHER)
			test_fail(__FILE__, __LINE__, "not \"other\": %s", targets[i]);
	}
}

TEST(a_token_has_its_length)
{
	char token[130], text[512];
	memset(token, 'a', sizeof(token));
	token[128] = '\0';
	(void)snprintf(text, sizeof(text), "GET %s%s HTTP/1.1\r\n\r\n", PATH, token);
	CHECK_INT(verdict(text), HTTP01_TOKEN);
	token[128] = 'a';
	token[129] = '\0';
	(void)snprintf(text, sizeof(text), "GET %s%s HTTP/1.1\r\n\r\n", PATH, token);
	CHECK_INT(verdict(text), HTTP01_OTHER);
}

TEST(other_methods_are_told_so)
{
	CHECK_INT(verdict("POST " PATH TOKEN " HTTP/1.1\r\n\r\n"), HTTP01_METHOD);
	CHECK_INT(verdict("OPTIONS / HTTP/1.1\r\n\r\n"), HTTP01_METHOD);
}

TEST(what_is_no_request_ends_at_once)
{
	static const char *const malformed[] = {
		("GET " PATH TOKEN "\r\n\r\n"), /* HTTP/0.9 */
		("GET  " PATH TOKEN " HTTP/1.1\r\n\r\n"),
		("GET " PATH TOKEN " HTTP/1.1 \r\n\r\n"),
		("GET " PATH TOKEN " HTTP/2\r\n\r\n"),
		("get " PATH TOKEN " HTTP/1.1\r\n\r\n"),
		" GET / HTTP/1.1\r\n\r\n",
		"GET * HTTP/1.1\r\n\r\n",
		"CONNECT example.org:443 HTTP/1.1\r\n\r\n",
		"GET /\tx HTTP/1.1\r\n\r\n",
		"\x16\x03\x01\x02", /* a TLS handshake's first bytes */
		"GET \xff",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
		if (verdict(malformed[i]) != HTTP01_MALFORMED)
			test_fail(__FILE__, __LINE__, "not \"malformed\": %s", malformed[i]);
	CHECK_INT(http01_parse_request("GET /\0 HTTP/1.1\r\n\r\n", 19).verdict, HTTP01_MALFORMED);
}

TEST_MAIN()

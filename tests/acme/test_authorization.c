/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizations: wildcards, challenges of any kind and order, and the choice among them. */
#include "acme/authorization.h"

#include "base/buf.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define FOR_A "\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"}"

static struct authorization parse(const char *text)
{
	struct authorization authorization;
	struct error err = {0};
	CHECK_OK(authorization_parse(text, strlen(text), &authorization, &err), err);
	return authorization;
}

TEST(wildcard_is_put_back)
{
	struct authorization authorization = parse("{" FOR_A ",\"wildcard\":true}");
	CHECK_STR(authorization.identifier.value, "*.a.example");
	authorization_done(&authorization);
	authorization = parse("{" FOR_A ",\"wildcard\":false}");
	CHECK_STR(authorization.identifier.value, "a.example");
	authorization_done(&authorization);
	authorization = parse("{\"status\":\"valid\",\"identifier\":{\"type\":\"dns\",\"value\":\"*.a.example\"},"
			      "\"wildcard\":true}");
	CHECK_STR(authorization.identifier.value, "*.a.example");
	authorization_done(&authorization);
}

TEST(chosen_by_type_not_by_place)
{
	struct error err = {0};
	struct authorization authorization = parse(
		"{" FOR_A ",\"challenges\":[{\"type\":\"bar-99\",\"token\":[]},"
		"{\"type\":\"dns-01\",\"url\":\"https://ca/d\",\"token\":\"" TOKEN "\",\"status\":\"processing\"},"
		"{\"type\":\"http-01\",\"url\":\"https://ca/h\",\"token\":\"" TOKEN "\"}]}");
	const struct challenge *challenge = authorization_choose(&authorization, CHALLENGE_HTTP_01, &err);
	CHECK_OK(challenge != NULL, err);
	CHECK_STR(challenge->url, "https://ca/h");
	CHECK_INT(challenge->status, CHALLENGE_STATUS_PENDING);
	challenge = authorization_choose(&authorization, CHALLENGE_DNS_01, &err);
	CHECK_INT(challenge->status, CHALLENGE_STATUS_PROCESSING);
	CHECK(authorization_choose(&authorization, CHALLENGE_TLS_ALPN_01, &err) == NULL);
	CHECK_STR(err.message, "this CA does not offer tls-alpn-01 for a.example; it offers bar-99, dns-01, http-01");
	CHECK_STR(err.hint,
		  "for this name it would take dns-01 by --dns PROVIDER (in the config dns_provider); or http-01 "
		  "by --webroot DIR or --standalone 80 (in the config webroot, or challenge: {type: http-01, "
		  "listen: \":80\"})");
	authorization_done(&authorization);
}

TEST(nothing_on_offer)
{
	struct error err = {0};
	struct authorization authorization = parse("{" FOR_A ",\"challenges\":null,\"wildcard\":true}");
	CHECK(authorization_choose(&authorization, CHALLENGE_HTTP_01, &err) == NULL);
	CHECK_CONTAINS(err.message, "it offers nothing");
	CHECK_CONTAINS(err.hint, "wildcards need a DNS challenge");
	authorization_done(&authorization);
}

TEST(advice_fits_the_name)
{
	static const char offers[] = "\"challenges\":[{\"type\":\"http-01\",\"url\":\"https://ca/h\"},"
				     "{\"type\":\"http-01\",\"url\":\"https://ca/again\"},"
				     "{\"type\":\"dns-01\",\"url\":\"https://ca/d\"}]}";
	static const struct {
		const char *identifier, *advice, *not ;
		enum challenge_type type;
	} cases[] = {
		/* A wildcard by http-01, which no CA should offer; an address by dns-01, which none should either. */
		{"{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"},\"wildcard\":true,",
		 "dns-01 by --dns", "http-01", CHALLENGE_TLS_ALPN_01},
		{"{\"status\":\"pending\",\"identifier\":{\"type\":\"ip\",\"value\":\"2001:db8::1\"},",
		 "http-01 by --webroot", "dns-01", CHALLENGE_TLS_ALPN_01},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		char text[1024];
		(void)snprintf(text, sizeof(text), "%s%s", cases[i].identifier, offers);
		struct authorization authorization = parse(text);
		CHECK(authorization_choose(&authorization, cases[i].type, &err) == NULL);
		CHECK_CONTAINS(err.message, "it offers http-01, dns-01");
		CHECK_CONTAINS(err.hint, cases[i].advice);
		CHECK(strstr(err.hint, cases[i].not ) == NULL);
		authorization_done(&authorization);
	}
}

TEST(a_ca_that_offers_only_what_is_unknown)
{
	struct error err = {0};
	struct authorization authorization = parse("{" FOR_A ",\"challenges\":[{\"type\":\"bar-99\"}]}");
	CHECK(authorization_choose(&authorization, CHALLENGE_HTTP_01, &err) == NULL);
	CHECK_CONTAINS(err.message, "it offers bar-99");
	CHECK_CONTAINS(err.hint, "another CA");
	authorization_done(&authorization);
}

TEST(challenge_without_what_it_needs)
{
	static const char *const cases[] = {
		"{\"type\":\"http-01\",\"url\":\"https://ca/h\"}",
		"{\"type\":\"http-01\",\"token\":\"" TOKEN "\"}",
		"{\"type\":\"http-01\",\"url\":\"https://ca/h\",\"token\":\"../../../etc/passwd\"}",
		"{\"type\":\"http-01\",\"url\":\"https://ca/h\",\"token\":\"" TOKEN "=\"}",
		"{\"type\":\"http-01\",\"url\":\"https://ca/h\",\"token\":\"short\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		char text[1024];
		(void)snprintf(text, sizeof(text), "{" FOR_A ",\"challenges\":[%s]}", cases[i]);
		struct authorization authorization = parse(text);
		CHECK(authorization_choose(&authorization, CHALLENGE_HTTP_01, &err) == NULL);
		CHECK_INT(err.category, ERROR_CA);
		authorization_done(&authorization);
	}
}

TEST(failures_of_all_challenges)
{
	struct error err = {0};
	struct buf said;
	struct authorization authorization = parse(
		"{\"status\":\"invalid\",\"identifier\":{\"type\":\"ip\",\"value\":\"192.0.2.1\"},\"challenges\":["
		"{\"type\":\"http-01\",\"status\":\"invalid\",\"error\":{\"type\":\"urn:ietf:params:acme:error:dns\","
		"\"detail\":\"one\"}},{\"type\":\"tls-alpn-01\",\"status\":\"invalid\",\"error\":{\"detail\":\"two\"}}]"
		"}");
	buf_init(&said, 4096);
	authorization_failures(&authorization, &said, &err);
	CHECK_STR(buf_cstr(&said), "192.0.2.1 (http-01): one\n192.0.2.1 (tls-alpn-01): two");
	CHECK_STR(err.type, "urn:ietf:params:acme:error:dns");
	buf_done(&said);
	authorization_done(&authorization);
}

TEST(refused)
{
	static const char *const cases[] = {
		"",
		"{}",
		"{\"status\":\"pending\"}",
		"{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"a/b.example\"}}",
		"{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"192.0.2.1\"}}",
		"{\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"}}",
		"{" FOR_A ",\"wildcard\":\"yes\"}",
		"{" FOR_A ",\"challenges\":{}}",
		"{" FOR_A ",\"challenges\":[{}]}",
		"{" FOR_A ",\"challenges\":[7]}",
		"{" FOR_A ",\"challenges\":[{\"type\":\"http-01\",\"token\":7}]}",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct authorization authorization;
		struct error err = {0};
		if (authorization_parse(cases[i], strlen(cases[i]), &authorization, &err))
			test_fail(__FILE__, __LINE__, "taken: %s", cases[i]);
		CHECK_INT(err.category, ERROR_DATA);
	}
}

TEST_MAIN()

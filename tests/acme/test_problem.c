/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents into errors: what the operator gets to read. */
#include "acme/problem.h"

#include "base/limits.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { NOW = 1795478400 };

static struct error describe(long status, const char *type, const char *retry_after, const char *body)
{
	struct error err = {0}, header = {0};
	struct http_response response = {.status = status};
	buf_init(&response.body, LIMIT_JSON_BODY);
	buf_str(&response.body, body);
	if (type != NULL)
		CHECK_OK(http_response_add_header(&response, "Content-Type", 12, type, strlen(type), &header), header);
	if (retry_after != NULL)
		CHECK_OK(http_response_add_header(&response, "Retry-After", 11, retry_after, strlen(retry_after),
						  &header),
			 header);
	CHECK(!acme_problem_from_response(&response, "https://ca.example/new-order", "new-order", NOW, &err));
	http_response_done(&response);
	CHECK_INT(err.category, ERROR_CA);
	CHECK_INT(err.http_status, status);
	return err;
}

#define PROBLEM "application/problem+json"

TEST(detail_type_and_advice)
{
	struct error err = describe(403, PROBLEM, NULL,
				    "{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"CAA record forbids\"}");
	CHECK_STR(err.message, "ca.example answered with HTTP status 403");
	CHECK_STR(err.said, "CAA record forbids");
	CHECK_STR(err.type, "urn:ietf:params:acme:error:caa");
	CHECK_CONTAINS(err.hint, "CAA record");
	CHECK(!err.transient);
}

TEST(title_when_there_is_no_detail)
{
	struct error err = describe(400, PROBLEM, NULL, "{\"title\":\"Go away\",\"type\":\"about:blank\"}");
	CHECK_STR(err.said, "Go away");
	CHECK_STR(err.type, "");
}

TEST(compound_takes_the_first_part)
{
	struct error err =
		describe(400, PROBLEM, NULL,
			 "{\"type\":\"urn:ietf:params:acme:error:compound\",\"detail\":\"several\",\"subproblems\":["
			 "{\"type\":\"urn:ietf:params:acme:error:dns\",\"detail\":\"SERVFAIL\","
			 "\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"}},"
			 "{\"type\":\"urn:ietf:params:acme:error:caa\"}]}");
	CHECK(err.transient);
	CHECK_CONTAINS(err.hint, "name servers");
	CHECK_STR(err.said, "several\na.example: SERVFAIL\nurn:ietf:params:acme:error:caa");
}

TEST(retry_after_is_clamped)
{
	CHECK_INT(describe(429, PROBLEM, "120", "{}").retry_at, NOW + 120);
	CHECK_INT(describe(429, PROBLEM, "Tue, 24 Nov 2026 01:00:00 GMT", "{}").retry_at, NOW + 3600);
	CHECK_INT(describe(429, PROBLEM, "1000000000", "{}").retry_at, NOW + LIMIT_RETRY_AFTER_RATE);
	CHECK_INT(describe(503, NULL, "1000000000", "").retry_at, NOW + LIMIT_RETRY_AFTER_RATE);
	CHECK_INT(describe(500, PROBLEM, "1000000000", "{}").retry_at, NOW + LIMIT_RETRY_AFTER_FAILURE);
	CHECK_INT(describe(429, PROBLEM, "soon", "{}").retry_at, 0);
	CHECK_INT(describe(429, PROBLEM, "-5", "{}").retry_at, 0);
	CHECK_INT(describe(429, PROBLEM, NULL, "{}").retry_at, 0);
}

TEST(rate_limit_keeps_the_link_whole)
{
	char body[4096], link[3001];
	memset(link, 'x', sizeof(link) - 1);
	link[sizeof(link) - 1] = '\0';
	(void)snprintf(
		body, sizeof(body),
		"{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"paused: https://ca.example/%s\"}",
		link);
	struct error err = describe(429, PROBLEM, NULL, body);
	CHECK_CONTAINS(err.said, link);
	CHECK(err.transient);
}

TEST(body_that_is_no_problem)
{
	struct error_part part;
	struct error err = describe(502, "text/html", NULL, "<html>Bad Gateway</html>");
	CHECK_STR(err.said, "<html>Bad Gateway</html>");
	CHECK(err.transient);
	err = describe(404, NULL, NULL, "");
	CHECK_STR(err.said, "");
	CHECK(!err.transient);
	err = describe(400, PROBLEM, NULL, "[1,2]");
	CHECK_STR(err.said, "[1,2]");
	err = describe(400, PROBLEM, NULL, "{\"type\":3,\"detail\":[],\"subproblems\":{},\"instance\":7}");
	CHECK_STR(err.said, "");
	err = describe(400, PROBLEM, NULL, "{\"subproblems\":[1,null,{\"identifier\":3}]}");
	CHECK_STR(err.said, "");
	err = describe(400, PROBLEM, NULL, "{\"detail\":\"d\",\"subproblems\":[]}");
	CHECK_STR(err.said, "d");
	CHECK(!error_part_at(&err, 0, &part));
	err = describe(
		400, PROBLEM, NULL,
		"{\"detail\":\"d\",\"subproblems\":[{\"type\":\"urn:x\",\"detail\":\"why\",\"identifier\":{\"type\":"
		"\"dns\",\"value\":\"a.example\"}}]}");
	CHECK(error_part_at(&err, 0, &part));
	CHECK_STR(part.identifier, "a.example");
	CHECK_STR(part.type, "urn:x");
	CHECK_STR(part.detail, "why");
}

TEST(long_html_is_cut)
{
	char body[1001];
	memset(body, 'h', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	struct error err = describe(500, "text/html", NULL, body);
	CHECK_INT(strlen(err.said), 200);
}

TEST(names_of_errors)
{
	CHECK(acme_problem_is("urn:ietf:params:acme:error:badNonce", "badNonce"));
	CHECK(acme_problem_is("urn:acme:error:badNonce", "badNonce"));
	CHECK(!acme_problem_is("urn:ietf:params:acme:error:badNonceX", "badNonce"));
	CHECK(!acme_problem_is("badNonce", "badNonce"));
	CHECK(!acme_problem_is(NULL, "badNonce"));
	CHECK(acme_problem_advice("urn:ietf:params:acme:error:userActionRequired") != NULL);
	CHECK(acme_problem_advice("urn:ietf:params:acme:error:notAnError") == NULL);
	CHECK(acme_problem_advice(NULL) == NULL);
}

TEST(first_cause_wins)
{
	struct error err = {0};
	struct http_response response = {.status = 500};
	(void)error_set(&err, ERROR_NETWORK, "x", "before");
	CHECK(!acme_problem_from_response(&response, "https://ca.example/", "new-order", NOW, &err));
	CHECK_STR(err.message, "before");
	CHECK_INT(err.http_status, 0);
}

TEST_MAIN()

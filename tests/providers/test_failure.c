/* SPDX-License-Identifier: Apache-2.0 */
/* What vendors say when they refuse: every form gives the words for a person and the codes to act upon. */
#include "dns-providers/failure.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

/* JSON must read as TEXT and have each of CODES (ends with NULL). */
static void check(const char *json, const char *text, const char *const *codes)
{
	struct provider_failure failure = {0};
	CHECK(provider_failure_read(json, strlen(json), &failure));
	CHECK_STR(failure.text, text);
	for (size_t i = 0; codes[i] != NULL; i++)
		CHECK(provider_failure_has(&failure, codes[i]));
}

TEST(each_vendors_form)
{
	check("{\"success\":false,\"errors\":[{\"code\":6003,\"message\":\"Invalid request headers\",\"error_chain\":["
	      "{\"code\":6111,\"message\":\"Invalid format\"},{\"code\":7,\"message\":\"x\"}]},{\"code\":8}]}",
	      "6003: Invalid request headers (6111: Invalid format, 7: x); 8",
	      (const char *const[]){"6003", "6111", "7", "8", NULL});
	check("{\"id\":\"unauthorized\",\"message\":\"Unable to authenticate you\",\"request_id\":\"r\"}",
	      "unauthorized: Unable to authenticate you", (const char *const[]){"unauthorized", NULL});
	check("{\"error\":{\"code\":412,\"message\":\"Precondition not met\",\"status\":\"FAILED_PRECONDITION\","
	      "\"errors\":[{\"reason\":\"conditionNotMet\"}],\"details\":[{\"reason\":\"WHY\"}]}}",
	      "412: Precondition not met",
	      (const char *const[]){"412", "conditionNotMet", "FAILED_PRECONDITION", "WHY", NULL});
	check("{\"code\":\"PreconditionFailed\",\"message\":\"No.\"}", "PreconditionFailed: No.",
	      (const char *const[]){"PreconditionFailed", NULL});
	check("{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT\"}", "invalid_grant: Invalid JWT",
	      (const char *const[]){"invalid_grant", NULL});
	check("{\"error\":\"Could not find domain\"}", "Could not find domain", (const char *const[]){NULL});
}

TEST(what_is_no_refusal_is_not_taken_for_one)
{
	static const char *const others[] = {
		"{\"success\":true,\"errors\":[],\"result\":{\"id\":\"a\",\"message\":\"m\"}}",
		"{\"domain\":{\"name\":\"example.com\"}}",
		"[{\"code\":1}]",
		"<html><body>502</body></html>",
		"",
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct provider_failure failure = {.count = 3};
		CHECK(!provider_failure_read(others[i], strlen(others[i]), &failure));
		CHECK_INT(failure.count, 3);
	}
}

TEST(hostile_words_stay_harmless_and_bounded)
{
	struct provider_failure failure = {0};
	char many[8192] = "{\"success\":false,\"errors\":[";
	check("{\"error\":\"\\u001b[2J\\nnext\"}", "\\x1b[2J\\x0anext", (const char *const[]){NULL});
	check("{\"success\":false,\"errors\":[]}", "no reason given", (const char *const[]){NULL});
	for (int i = 0; i < 100; i++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "%s{\"code\":%d,\"message\":\"m\"}",
			       i > 0 ? "," : "", i);
	(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "]}");
	CHECK(provider_failure_read(many, strlen(many), &failure));
	CHECK_INT(failure.count, PROVIDER_CODES_MAX);
}

TEST_MAIN()

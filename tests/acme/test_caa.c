/* SPDX-License-Identifier: Apache-2.0 */
/* CAA sets judged as RFC 8659 and RFC 8657 have it. */
#include "acme/caa.h"

#include "tests/support/test.h"

#include <string.h>

#define ACCOUNT "https://ca.example/acct/1"

static char identity[] = "ca.example", second[] = "second.example";

static struct caa_finding judge(const char *const *texts, size_t count, enum challenge_type method, bool wildcard)
{
	char *identities[] = {identity, second};
	const struct str_list list = {identities, 2};
	const struct caa_question question = {&list, ACCOUNT, method, wildcard};
	CLEANUP(str_list_done) struct str_list records = {0};
	struct caa_finding finding = {0};
	struct error err = {0};
	for (size_t i = 0; i < count; i++)
		CHECK_OK(str_list_add(&records, texts[i], &err), err);
	CHECK_OK(caa_judge(&records, &question, &finding, &err), err);
	return finding;
}

#define TEXTS(...) (const char *const[]){__VA_ARGS__}, ARRAY_LEN(((const char *const[]){__VA_ARGS__}))
#define JUDGE(...) judge(TEXTS(__VA_ARGS__), CHALLENGE_DNS_01, false)
#define JUDGE_WILD(...) judge(TEXTS(__VA_ARGS__), CHALLENGE_DNS_01, true)

TEST(allowed)
{
	CHECK(judge(NULL, 0, CHALLENGE_HTTP_01, false).allowed);
	CHECK(JUDGE("0 issue ca.example").allowed);
	CHECK(JUDGE("0 issue other.example", "0 issue second.example").allowed);
	CHECK(JUDGE("0 issue CA.Example ; policy=ev").allowed);
	CHECK(JUDGE("128 issue ca.example").allowed);
	/* Nothing about issuing: anybody may. */
	CHECK(JUDGE("0 iodef mailto:x@y.example").allowed);
	CHECK(JUDGE("0 issuewild other.example").allowed);
	CHECK(JUDGE("0 issue ca.example; accounturi=" ACCOUNT).allowed);
	CHECK(JUDGE("0 issue ca.example; validationmethods=http-01,dns-01").allowed);
	CHECK(JUDGE("0 issue ca.example; accounturi=x", "0 issue ca.example; accounturi=" ACCOUNT).allowed);
}

TEST(forbidden)
{
	struct caa_finding finding = JUDGE("0 issue other.example");
	CHECK(!finding.allowed);
	CHECK_STR(finding.reason, "its records do not name this CA (ca.example)");
	CHECK_STR(finding.fix, "0 issue \"ca.example\"");
	CHECK(!JUDGE("0 issue ;").allowed);
	CHECK(!JUDGE("0 issue ").allowed);
	CHECK(!JUDGE("0 issue %%%%").allowed);
	CHECK(!JUDGE("0 issue ca.example.org").allowed);
	CHECK(!JUDGE("0 issue ca.example; broken").allowed);
}

TEST(wildcards_go_by_issuewild_where_there_is_one)
{
	CHECK(JUDGE_WILD("0 issue ca.example").allowed);
	CHECK(!JUDGE_WILD("0 issue other.example").allowed);
	CHECK(JUDGE_WILD("0 issue other.example", "0 issuewild ca.example").allowed);
	struct caa_finding finding = JUDGE_WILD("0 issue ca.example", "0 issuewild ;");
	CHECK(!finding.allowed);
	CHECK_STR(finding.fix, "0 issuewild \"ca.example\"");
}

TEST(another_account)
{
	struct caa_finding finding = JUDGE("0 issue ca.example; accounturi=https://ca.example/acct/2");
	CHECK(!finding.allowed);
	CHECK_STR(finding.reason, "its record for this CA is for another account: https://ca.example/acct/2");
	CHECK_STR(finding.fix, "0 issue \"ca.example; accounturi=" ACCOUNT "\"");
	finding = JUDGE("0 issue ca.example; accounturi=" ACCOUNT "; accounturi=" ACCOUNT);
	CHECK(!finding.allowed);
	CHECK_CONTAINS(finding.reason, "two accounts");
}

TEST(another_method)
{
	struct caa_finding finding = JUDGE("0 issue ca.example; validationmethods=http-01,tls-alpn-01");
	CHECK(!finding.allowed);
	CHECK_STR(finding.reason, "its record for this CA does not allow dns-01, only: http-01,tls-alpn-01");
	CHECK_STR(finding.fix, "0 issue \"ca.example; validationmethods=dns-01\"");
	CHECK(!JUDGE("0 issue ca.example; validationmethods=").allowed);
	CHECK(!JUDGE("0 issue ca.example; validationmethods=dns-010,xdns-01").allowed);
	/* The nearest miss is told: here the account fits. */
	finding = JUDGE("0 issue ca.example; accounturi=x",
			"0 issue ca.example; accounturi=" ACCOUNT "; validationmethods=a");
	CHECK_CONTAINS(finding.reason, "does not allow dns-01, only: a");
	CHECK_STR(finding.fix, "0 issue \"ca.example; accounturi=" ACCOUNT "; validationmethods=dns-01\"");
}

TEST(critical_and_unknown)
{
	struct caa_finding finding = JUDGE("128 future x", "0 issue ca.example");
	CHECK(finding.allowed);
	CHECK_STR(finding.critical, "future");
	CHECK_STR(JUDGE("0 future x").critical, "");
	CHECK_STR(JUDGE("128 iodef mailto:x@y").critical, "");
	CHECK_STR(JUDGE("129 future x").critical, "future");
}

TEST(shown_as_in_a_zone_file)
{
	char *texts[] = {(char[]){"0 issue ca.example"}, (char[]){"128 iodef mailto:\x1b[31m"}, (char[]){"nothing"}};
	const struct str_list records = {texts, 3};
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, 4096);
	caa_show(&records, &text);
	CHECK_STR(buf_cstr(&text), "0 issue \"ca.example\", 128 iodef \"mailto:\\x1b[31m\"");
	buf_reset(&text);
	caa_property("ca.example", ACCOUNT, CHALLENGE_DNS_PERSIST_01, false, &text);
	CHECK_STR(buf_cstr(&text), "0 issue \"ca.example; accounturi=" ACCOUNT "; validationmethods=dns-persist-01\"");
}

TEST_MAIN()

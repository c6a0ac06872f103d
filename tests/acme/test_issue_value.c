/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of RFC 8659 §4.2. */
#include "acme/issue_value.h"

#include "base/limits.h"
#include "tests/support/test.h"

#include <string.h>

static bool parse(const char *text, struct issue_value *ret, struct error *err)
{
	return issue_value_parse(text, strlen(text), ret, err);
}

TEST(taken)
{
	static const struct {
		const char *text, *issuer;
		size_t count;
	} cases[] = {
		{"ca.example", "ca.example", 0},
		{"", "", 0},
		{";", "", 0},
		{" \t; ", "", 0},
		{"ca.example;", "ca.example", 0},
		{"  CA1.Example\t;  ", "ca1.example", 0},
		{"ca1.example.net; account=230123", "ca1.example.net", 1},
		{"ca;a=;b=x=y", "ca", 2},
		{"; x = 1 ;\ty\t=\t2\t", "", 2},
		{"xn--nicode-example-fsb.com; accounturi=https://a/b?c=d&e#f:~!", "xn--nicode-example-fsb.com", 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(issue_value_done) struct issue_value value = {0};
		struct error err = {0};
		CHECK_OK(parse(cases[i].text, &value, &err), err);
		CHECK_STR(value.issuer, cases[i].issuer);
		CHECK_INT(value.count, cases[i].count);
	}
}

TEST(refused)
{
	static const char *const cases[] = {
		"ca.example; a=b;",
		"a b",
		".ca.example",
		"ca.example.",
		"ca..example",
		"-ca.example",
		"ca-.example",
		"ca_1.example",
		"ca.example; a",
		"ca.example; =b",
		"ca.example; a_b=c",
		"ca.example; -a=c",
		"ca.example; a=b c",
		"ca.example; a=\x01",
		"ca.example; a=\xc3\xa9",
		"ca.example;;a=b",
		"\"ca.example\"",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct issue_value value = {0};
		struct error err = {0};
		if (parse(cases[i], &value, &err))
			test_fail(__FILE__, __LINE__, "taken: %s", cases[i]);
		CHECK_INT(err.category, ERROR_DATA);
	}
}

TEST(tags_without_regard_to_case)
{
	CLEANUP(issue_value_done) struct issue_value value = {0};
	struct error err = {0};
	size_t count = 0;
	CHECK_OK(parse("ca.example; AccountURI=One; accounturi=two", &value, &err), err);
	CHECK_STR(issue_value_get(&value, "accounturi", &count), "One");
	CHECK_INT(count, 2);
	CHECK(issue_value_get(&value, "policy", NULL) == NULL);
}

TEST(limits)
{
	char text[LIMIT_ISSUE_VALUE + 2];
	struct issue_value value = {0};
	struct error err = {0};
	memset(text, 'v', sizeof(text));
	memcpy(text, "ca;a=", 5);
	CHECK_OK(issue_value_parse(text, LIMIT_ISSUE_VALUE, &value, &err), err);
	issue_value_done(&value);
	CHECK(!issue_value_parse(text, LIMIT_ISSUE_VALUE + 1, &value, &err));

	err = (struct error){0};
	size_t len = 2;
	for (int i = 0; i < LIMIT_ISSUE_PARAMETERS; i++, len += 4)
		memcpy(text + len, ";a=b", 4);
	CHECK_OK(issue_value_parse(text, len, &value, &err), err);
	issue_value_done(&value);
	memcpy(text + len, ";a=b", 4);
	CHECK(!issue_value_parse(text, len + 4, &value, &err));
}

TEST(who_is_meant)
{
	CHECK(issue_value_names("CA.example ; broken", 19, "ca.example"));
	CHECK(issue_value_names("ca.example", 10, "ca.example"));
	CHECK(!issue_value_names("ca.example.org; a=b", 19, "ca.example"));
	CHECK(!issue_value_names("; a=b", 5, "ca.example"));
	CHECK(issuer_name_is_valid("ca.example") && issuer_name_is_valid("ca"));
	CHECK(!issuer_name_is_valid("CA.example") && !issuer_name_is_valid("ca.example.") && !issuer_name_is_valid(""));
}

TEST_MAIN()

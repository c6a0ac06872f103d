/* SPDX-License-Identifier: Apache-2.0 */
#include "base/identifier.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static const char LABEL63[] = "a23456789012345678901234567890123456789012345678901234567890123";

TEST(names_and_addresses_become_canonical)
{
	static const struct {
		const char *text, *want;
		enum identifier_type type;
	} cases[] = {
		{"Example.COM", "example.com", IDENTIFIER_DNS},
		{"example.com.", "example.com", IDENTIFIER_DNS},
		{"*.Example.com", "*.example.com", IDENTIFIER_DNS},
		{"xn--bcher-kva.example", "xn--bcher-kva.example", IDENTIFIER_DNS},
		{"1.2.3.4.example", "1.2.3.4.example", IDENTIFIER_DNS},
		{"a-b.c", "a-b.c", IDENTIFIER_DNS},
		{"192.0.2.1", "192.0.2.1", IDENTIFIER_IP},
		{"2001:0DB8:0:0:0:0:0:1", "2001:db8::1", IDENTIFIER_IP},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", IDENTIFIER_IP},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", IDENTIFIER_IP},
		{"2001:DB8::00ff", "2001:db8::ff", IDENTIFIER_IP},
		{"::", "::", IDENTIFIER_IP},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identifier id;
		struct error err = {0};
		CHECK_OK(identifier_parse(cases[i].text, &id, &err), err);
		CHECK_STR(id.value, cases[i].want);
		CHECK_INT(id.type, cases[i].type);
	}
}

TEST(refuses_what_no_ca_would_sign)
{
	static const char *const cases[] = {
		"",
		".",
		"..",
		"localhost",
		"com.",
		"*",
		"*.com",
		"a.*.example",
		"*.*.example",
		"*example.com",
		"ex_ample.com",
		"-a.example",
		"a-.example",
		"a..example",
		".example.com",
		"example.com..",
		"exa mple.com",
		"example.com\n",
		"192.0.2.256",
		"192.0.2",
		"1.2.3.4.5",
		"010.0.0.1",
		"[2001:db8::1]",
		"2001:db8::1%eth0",
		"*.192.0.2.1",
		"2001:db8::/32",
		"192.0.2.1.",
		"münchen.de",
		"example.com/path",
		"https://example.com",
		"a@b.example",
		"$(id).example.com",
		"example.com:80",
		"2001:db8:::1",
		"12345:db8::1",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identifier id = {.value = "untouched"};
		struct error err = {0};
		if (identifier_parse(cases[i], &id, &err))
			test_fail(__FILE__, __LINE__, "accepted: %s", cases[i]);
		CHECK_INT(err.category, ERROR_USAGE);
		CHECK_STR(id.value, "untouched");
	}
}

TEST(length_limits_hold_exactly)
{
	char name[300];
	struct identifier id;
	struct error err = {0};
	(void)snprintf(name, sizeof(name), "%s.example", LABEL63);
	CHECK_OK(identifier_parse(name, &id, &err), err);
	(void)snprintf(name, sizeof(name), "%sx.example", LABEL63);
	CHECK(!identifier_parse(name, &id, &err));
	CHECK_CONTAINS(err.message, "63");
	error_clear(&err);
	/* 3 * 64 + 61 = 253 */
	(void)snprintf(name, sizeof(name), "%s.%s.%s.%.61s", LABEL63, LABEL63, LABEL63, LABEL63);
	name[252] = 'z';
	CHECK_INT(strlen(name), 253);
	CHECK_OK(identifier_parse(name, &id, &err), err);
	CHECK(host_is_valid(name));
	(void)snprintf(name + 253, sizeof(name) - 253, ".");
	CHECK_OK(identifier_parse(name, &id, &err), err);
	(void)snprintf(name + 253, sizeof(name) - 253, "z");
	CHECK(!identifier_parse(name, &id, &err));
	CHECK_CONTAINS(err.message, "253");
	CHECK(!host_is_valid(name));
}

TEST(errors_help)
{
	struct identifier id;
	struct error err = {0};
	CHECK(!identifier_parse("bücher.example", &id, &err));
	CHECK_CONTAINS(err.message, "bücher.example");
	CHECK_CONTAINS(err.hint, "xn--");
	error_clear(&err);
	CHECK(!identifier_parse("a\x1b[2J\nb.example", &id, &err));
	CHECK(strpbrk(err.message, "\x1b\n") == NULL);
	error_clear(&err);
	CHECK(!identifier_parse("[::1]", &id, &err));
	CHECK_CONTAINS(err.hint, "brackets");
}

TEST(wildcards_have_a_base_name)
{
	struct identifier wild, plain;
	struct error err = {0};
	CHECK_OK(identifier_parse("*.example.com", &wild, &err), err);
	CHECK_OK(identifier_parse("example.com", &plain, &err), err);
	CHECK(identifier_is_wildcard(&wild) && !identifier_is_wildcard(&plain));
	CHECK_STR(identifier_base(&wild), "example.com");
	CHECK_STR(identifier_base(&plain), "example.com");
	CHECK(!identifier_equal(&wild, &plain));
	CHECK(identifier_equal(&plain, &plain));
	CHECK_STR(identifier_type_name(IDENTIFIER_DNS), "dns");
	CHECK_STR(identifier_type_name(IDENTIFIER_IP), "ip");
}

TEST(certificate_and_server_names)
{
	char name[102];
	CHECK(name_is_valid("web-1"));
	CHECK(name_is_valid("example.com"));
	CHECK(name_is_valid("0"));
	CHECK(name_is_valid("a_b"));
	static const char *const refused[] = {"",  ".",   "..",  "a..b", "-a", "_a",          ".a",
					      "A", "a/b", "a b", "a\n",  "ä",  "2001:db8::1", "*.a"};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		CHECK(!name_is_valid(refused[i]));
	CHECK(!name_is_valid(NULL));
	memset(name, 'a', sizeof(name));
	name[100] = '\0';
	CHECK(name_is_valid(name));
	name[100] = 'a';
	name[101] = '\0';
	CHECK(!name_is_valid(name));
}

TEST(hosts)
{
	static const char *const accepted[] = {"localhost", "web-1",       "WEB.example.com",
					       "192.0.2.1", "2001:db8::1", "::1"};
	static const char *const refused[] = {"",           "-oProxyCommand=x",
					      "a b",        "a;b",
					      "$(id)",      "a/b",
					      "[::1]",      "a..b",
					      "10.0.0.256", "123",
					      "a_b",        "a:22",
					      "*.a",        "user@a",
					      "a.",         "a\n"};
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++)
		CHECK(host_is_valid(accepted[i]));
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (host_is_valid(refused[i]))
			test_fail(__FILE__, __LINE__, "accepted: %s", refused[i]);
	CHECK(!host_is_valid(NULL));
}

static struct identifier parsed(const char *text)
{
	struct identifier id;
	struct error err = {0};
	CHECK_OK(identifier_parse(text, &id, &err), err);
	return id;
}

TEST(addresses_are_written_as_rfc_5952_says)
{
	static const char *const cases[][2] = {
		{"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:DB8::00ff", "2001:db8::ff"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identifier id = parsed(cases[i][0]);
		CHECK_INT(id.type, IDENTIFIER_IP);
		CHECK_STR(id.value, cases[i][1]);
	}
}

TEST(server_names_of_tls_alpn_01)
{
	static const char *const cases[][2] = {
		{"Example.ORG", "example.org"},
		{"192.0.2.1", "1.2.0.192.in-addr.arpa"},
		{"2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
		{"2001:db8::1:0:0:1", "1.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identifier id = parsed(cases[i][0]);
		char name[IDENTIFIER_MAX];
		CHECK_STR(identifier_server_name(&id, name), cases[i][1]);
	}
}

TEST(what_a_certificate_is_called_by_itself)
{
	static const char *const cases[][2] = {
		{"www.example.com", "www.example.com"},
		{"*.example.com", "example.com"},
		{"192.0.2.1", "192.0.2.1"},
		{"2001:db8::1", "2001-db8--1"},
		{"::1", "0--1"},
		{"::", "0--"},
		{"fe80::", "fe80--"},
		{"::ffff:192.0.2.1", "0--ffff-192.0.2.1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identifier id = parsed(cases[i][0]);
		char name[IDENTIFIER_MAX];
		CHECK_STR(identifier_certificate_name(&id, name), cases[i][1]);
		CHECK(name_is_valid(name));
	}
}

TEST_MAIN()

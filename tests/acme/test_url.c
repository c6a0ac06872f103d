/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of a CA: what is taken, what is refused, and what counts as the same server. */
#include "acme/url.h"

#include "base/limits.h"
#include "tests/support/test.h"

#include <string.h>

static struct acme_url parse(const char *text)
{
	struct acme_url url = {0};
	struct error err = {0};
	CHECK_OK(acme_url_parse(text, &url, &err), err);
	return url;
}

TEST(parts)
{
	struct acme_url url = parse("https://CA.Example/acme/new-order?x=1");
	CHECK(url.secure);
	CHECK_STR(url.host, "ca.example");
	CHECK_INT(url.port, 443);
	url = parse("http://127.0.0.1:14000");
	CHECK(!url.secure && acme_url_is_loopback(&url));
	CHECK_INT(url.port, 14000);
	url = parse("https://[::1]:14000/dir");
	CHECK_STR(url.host, "[::1]");
	CHECK(acme_url_is_loopback(&url));
}

TEST(refused)
{
	static const char *const cases[] = {
		"",
		"ca.example/dir",
		"ftp://ca.example/",
		"https:/ca.example/",
		"https://",
		"https:///dir",
		"https://user@ca.example/",
		"https://user:password@ca.example/",
		"https://ca.example@evil.example/",
		"https://ca.example\\@evil.example/",
		"https://ca.example/#fragment",
		"https://ca.example#@evil.example/",
		"https://ca.example:0/",
		"https://ca.example:65536/",
		"https://ca.example:/",
		"https://ca.example:44x/",
		"https://ca.example:443:443/",
		"https://ca%2eexample/",
		"https://[::1/",
		"https://[::1]x/",
		"https://[1::2::3]/",
		"https://ca.example/a b",
		"https://ca.example/a\nb",
		"https://ca.example/a\x7f",
		"https://ca.example/\"",
		"https://ca.example/\xc3\xa9",
		" https://ca.example/",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct acme_url url;
		struct error err = {0};
		if (acme_url_parse(cases[i], &url, &err))
			test_fail(__FILE__, __LINE__, "taken: %s", cases[i]);
		CHECK_INT(err.category, ERROR_DATA);
	}
}

TEST(length_cap)
{
	char text[LIMIT_URL + 2];
	struct acme_url url;
	struct error err = {0};
	memset(text, 'a', sizeof(text));
	memcpy(text, "https://h/", 10);
	text[LIMIT_URL] = '\0';
	CHECK_OK(acme_url_parse(text, &url, &err), err);
	text[LIMIT_URL] = 'a';
	text[LIMIT_URL + 1] = '\0';
	CHECK(!acme_url_parse(text, &url, &err));
}

TEST(same_origin)
{
	struct acme_url base = parse("https://ca.example/directory");
	static const struct {
		const char *text;
		bool same;
	} cases[] = {
		{"https://ca.example/order/1", true},     {"https://CA.EXAMPLE:443/", true},
		{"https://ca.example:444/", false},       {"http://ca.example/", false},
		{"https://ca.example.evil.test/", false}, {"https://xca.example/", false},
		{"https://ca.example./", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct acme_url url = parse(cases[i].text);
		CHECK_INT(acme_url_same_origin(&base, &url), cases[i].same);
	}
}

TEST(loopback_is_literal)
{
	struct acme_url url = parse("http://localhost/");
	CHECK(!acme_url_is_loopback(&url));
	url = parse("http://127.0.0.1.evil.example/");
	CHECK(!acme_url_is_loopback(&url));
	url = parse("http://128.0.0.1/");
	CHECK(!acme_url_is_loopback(&url));
	url = parse("http://[::2]/");
	CHECK(!acme_url_is_loopback(&url));
}

static const char *resolve(const char *base, const char *target)
{
	static char *resolved;
	struct error err = {0};
	free(resolved);
	resolved = acme_url_resolve(base, target, strlen(target), &err);
	if (resolved == NULL)
		CHECK_INT(err.category, ERROR_DATA);
	return resolved;
}

/* RFC 3986 section 5.2. */
TEST(links_are_resolved)
{
	static const char base[] = "https://ca.example:8443/cert/1?x=/y";
	CHECK_STR(resolve(base, "https://other.example/a"), "https://other.example/a");
	CHECK_STR(resolve(base, "//other.example/a"), "https://other.example/a");
	CHECK_STR(resolve(base, "/cert/1/2"), "https://ca.example:8443/cert/1/2");
	CHECK_STR(resolve(base, "2"), "https://ca.example:8443/cert/2");
	CHECK_STR(resolve(base, "a/b?c=d"), "https://ca.example:8443/cert/a/b?c=d");
	CHECK_STR(resolve(base, "?y"), "https://ca.example:8443/cert/1?y");
	CHECK_STR(resolve("https://ca.example", "2"), "https://ca.example/2");
	CHECK_STR(resolve("https://ca.example?q", "/2"), "https://ca.example/2");
}

TEST(links_that_lead_nowhere)
{
	static const char *const cases[] = {"", ".", "..", "../x", "a/../b", "/a/./b", "/a/..", "ftp://x/y", "data:x"};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (resolve("https://ca.example/cert/1", cases[i]) != NULL)
			test_fail(__FILE__, __LINE__, "followed: %s", cases[i]);
	CHECK_STR(resolve("https://ca.example/", ""), NULL);
}

TEST_MAIN()

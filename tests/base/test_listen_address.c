/* SPDX-License-Identifier: Apache-2.0 */
#include "base/listen_address.h"

#include "tests/support/test.h"

TEST(every_form_has_one_spelling)
{
	static const char *const cases[][2] = {
		{"80", ":80"},
		{":80", ":80"},
		{":65535", ":65535"},
		{"192.0.2.1:80", "192.0.2.1:80"},
		{"0.0.0.0:443", "0.0.0.0:443"},
		{"[2001:0DB8::1]:443", "[2001:db8::1]:443"},
		{"[::]:80", "[::]:80"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct listen_address address, again;
		char text[LISTEN_ADDRESS_SIZE], same[LISTEN_ADDRESS_SIZE];
		CHECK(listen_address_parse(cases[i][0], &address));
		CHECK_STR(listen_address_format(&address, text), cases[i][1]);
		CHECK(listen_address_parse(text, &again));
		CHECK_STR(listen_address_format(&again, same), text);
	}
}

TEST(what_is_none_is_refused)
{
	static const char *const refused[] = {
		"",         ":",       ":0",    ":65536",     "http",           "localhost:80", "example.com:80",
		"::1:80",   "[::1]",   "[]:80", "[:80",       "192.0.2.1:",     "192.0.2.1",    "[192.0.2.1]:80",
		" :80",     ":80 ",    ":+80",  "::",         "[fe80::1%1]:80", "--email",      "0x50",
		"1.2.3:80", "[::1]80", ":080x", "[::1]:80:1",
	};
	struct listen_address address;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (listen_address_parse(refused[i], &address))
			test_fail(__FILE__, __LINE__, "accepted: %s", refused[i]);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

TEST(compares)
{
	CHECK(str_equal("a", "a"));
	CHECK(!str_equal("a", "A"));
	CHECK(!str_equal(NULL, NULL));
	CHECK(!str_equal("", NULL));
	CHECK(str_equal_nocase("Content-TYPE", "content-type"));
	CHECK(!str_equal_nocase("content", "content-type"));
	CHECK(!str_equal_nocase("content-type", "content"));
	CHECK(!str_equal_nocase("[", "{"));
	CHECK(!str_equal_nocase(NULL, ""));
	CHECK(str_starts("certferry", "cert"));
	CHECK(!str_starts("cer", "cert"));
	CHECK(!str_starts(NULL, ""));
	CHECK(str_ends("key.pem", ".pem"));
	CHECK(!str_ends("pem", ".pem"));
	CHECK(str_is_empty(NULL) && str_is_empty("") && !str_is_empty(" "));
}

TEST(sets_copies)
{
	struct error err = {0};
	char *text = NULL;
	CHECK_OK(str_set(&text, "hello", &err), err);
	CHECK_STR(text, "hello");
	CHECK_OK(str_set(&text, text + 1, &err), err);
	CHECK_STR(text, "ello");
	CHECK_OK(str_set_n(&text, "world", 2, &err), err);
	CHECK_STR(text, "wo");
	CHECK_OK(str_set(&text, NULL, &err), err);
	CHECK(text == NULL);
	char *formatted = str_format(&err, "%s:%d", "host", 22);
	CHECK_STR(formatted, "host:22");
	free(formatted);
}

TEST(parses_decimal_numbers_only)
{
	static const char *const refused[] = {
		"", "-1", "+1", " 1", "1 ", "1e3", "0x1", "12abc", "18446744073709551616"};
	uint64_t value = 7;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		CHECK(!parse_u64(refused[i], strlen(refused[i]), UINT64_MAX, &value));
	CHECK_INT(value, 7);
	CHECK(parse_u64("18446744073709551615", 20, UINT64_MAX, &value) && value == UINT64_MAX);
	CHECK(parse_u64("0042", 4, 42, &value) && value == 42);
	CHECK(parse_u64("65535", 5, 65535, &value) && value == 65535);
	CHECK(!parse_u64("65536", 5, 65535, &value));
	CHECK(!parse_u64("9", 1, 5, &value));
	CHECK(parse_u64("12abc", 2, 100, &value) && value == 12);
}

TEST(measures_how_far_words_are_apart)
{
	static const struct {
		const char *a, *b;
		size_t limit, want;
	} cases[] = {
		{"", "", 3, 0},
		{"domains", "domains", 3, 0},
		{"domain", "domains", 3, 1},
		{"domians", "domains", 3, 2},
		{"kitten", "sitting", 5, 3},
		{"kitten", "sitting", 3, 3},
		{"kitten", "sitting", 2, 3},
		{"", "abc", 3, 3},
		{"abc", "", 2, 3},
		{"abcdefgh", "hgfedcba", 2, 3},
		{"renew", "list", 9, 5},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(str_distance(cases[i].a, cases[i].b, cases[i].limit), cases[i].want);
}

TEST(distance_of_very_long_words_is_capped)
{
	char a[258], b[258];
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	a[255] = b[255] = '\0';
	CHECK_INT(str_distance(a, b, 3), 0);
	a[255] = b[255] = 'x';
	a[256] = b[256] = '\0';
	CHECK_INT(str_distance(a, b, 3), 4);
}

TEST(lists_grow_and_copy)
{
	struct str_list list = {0}, copy = {0};
	struct error err = {0};
	for (int i = 0; i < 100; i++) {
		char text[16] = {(char)('a' + i % 26), (char)('a' + i / 26), '\0'};
		CHECK_OK(str_list_add(&list, text, &err), err);
	}
	CHECK_INT(list.len, 100);
	CHECK_STR(list.items[27], "bb");
	CHECK_OK(str_list_add_once(&list, "bb", &err), err);
	CHECK_INT(list.len, 100);
	CHECK_OK(str_list_add_once(&list, "new", &err), err);
	CHECK_INT(list.len, 101);
	CHECK_OK(str_list_add(&copy, "old", &err), err);
	CHECK_OK(str_list_copy(&copy, &list, &err), err);
	CHECK_INT(copy.len, 101);
	CHECK(str_list_has(&copy, "new") && !str_list_has(&copy, "old"));
	str_list_done(&list);
	CHECK_STR(copy.items[100], "new");
	CHECK_OK(str_list_copy(&copy, &list, &err), err);
	CHECK_INT(copy.len, 0);
	str_list_done(&copy);
	str_list_done(NULL);
}

TEST_MAIN()

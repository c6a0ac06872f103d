/* SPDX-License-Identifier: Apache-2.0 */
/* Names to paths and back. */
#include "store/layout.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

TEST(links_lead_to_generations_of_their_own_name_only)
{
	static const struct {
		const char *target;
		uint64_t number; /* 0: refused */
	} cases[] = {
		{"../archive/a.test/1", 1},
		{"../archive/a.test/9223372036854775806", INT64_MAX - 1},
		{"../archive/a.test/9223372036854775807", 0},
		{"../archive/a.test/99999999999999999999", 0},
		{"../archive/a.test/0", 0},
		{"../archive/a.test/01", 0},
		{"../archive/a.test/", 0},
		{"../archive/a.test", 0},
		{"../archive/a.test/1/", 0},
		{"../archive/a.test/-1", 0},
		{"../archive/a.test/.next", 0},
		{"../archive/a.test.evil/1", 0},
		{"../archive/b.test/1", 0},
		{"/archive/a.test/1", 0},
		{"", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t number = 0;
		CHECK_INT(layout_link_parse(cases[i].target, "a.test", &number), cases[i].number != 0);
		CHECK_INT(number, cases[i].number);
	}
}

TEST(the_longest_name_fits_everywhere)
{
	char name[101], target[LAYOUT_TARGET_SIZE], file[LAYOUT_FILE_SIZE];
	struct error err = {0};
	uint64_t number = 0;
	memset(name, 'x', 100);
	name[100] = '\0';
	CHECK_OK(layout_check_name(name, &err), err);
	layout_link_target(name, INT64_MAX - 1, target);
	CHECK(layout_link_parse(target, name, &number));
	CHECK(number == INT64_MAX - 1);
	CHECK_OK(layout_lock_file("certificate", name, file, &err), err);
	CHECK(str_ends(file, "x.lock"));
	layout_record_file(STORE_RENEWAL, name, file);
	CHECK(str_ends(file, "x.json"));
	CHECK(layout_record_name(STORE_RENEWAL, file));
	CHECK_STR(file, name);
}

TEST(a_refused_name_is_shown_safely)
{
	struct error err = {0};
	CHECK(!layout_check_name("a\x1b[2J\nb", &err));
	CHECK_INT(err.category, ERROR_USAGE);
	CHECK(strchr(err.message, '\x1b') == NULL && strchr(err.message, '\n') == NULL);
	error_clear(&err);
	CHECK(!layout_check_name(NULL, &err));
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/excerpt.h"

#include "tests/support/test.h"

#include <string.h>

/* Byte number AT of what is said. */
static char byte_at(size_t at)
{
	return (char)('a' + at * 7 % 26 + at / 5 % 3);
}

TEST(what_fits_is_kept_whole)
{
	struct excerpt excerpt = {0};
	excerpt_init(&excerpt, 16);
	excerpt_add(&excerpt, "0123456789", 10);
	excerpt_add(&excerpt, "abcdef", 6);
	CHECK_STR(buf_cstr(&excerpt.kept), "0123456789abcdef");
	CHECK_INT(excerpt.left_out, 0);
	excerpt_done(&excerpt);
}

/* However it comes in, the beginning and the end are there, and what is missing is counted. */
TEST(of_more_than_fits_both_ends_are_kept)
{
	enum { MAX = 64, ALL = 5000 };
	char all[ALL];
	for (size_t i = 0; i < ALL; i++)
		all[i] = byte_at(i);
	for (size_t step = 1; step < 200; step++) {
		struct excerpt excerpt = {0};
		excerpt_init(&excerpt, MAX);
		for (size_t at = 0; at < ALL; at += step) {
			excerpt_add(&excerpt, all + at, at + step < ALL ? step : ALL - at);
			size_t said = at + step < ALL ? at + step : ALL, kept = excerpt.kept.len;
			size_t first = excerpt.left_out > 0 ? MAX / 2 : kept;
			CHECK_INT(kept + excerpt.left_out, said);
			CHECK(memcmp(excerpt.kept.data, all, first) == 0);
			CHECK(memcmp(excerpt.kept.data + first, all + said - (kept - first), kept - first) == 0);
		}
		CHECK(excerpt.kept.len >= MAX / 2 + MAX / 4 && excerpt_missing(&excerpt, 0) == excerpt.left_out);
		CHECK_INT(excerpt_missing(&excerpt, MAX / 2 + 1), 0);
		excerpt_done(&excerpt);
	}
}

TEST_MAIN()

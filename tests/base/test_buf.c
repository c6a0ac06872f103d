/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

TEST(fills_to_its_maximum_and_fails_one_above)
{
	struct buf buf;
	struct error err = {0};
	buf_init(&buf, 1000);
	for (int i = 0; i < 1000; i++)
		buf_char(&buf, 'x');
	CHECK(!buf.failed);
	CHECK_INT(buf.len, 1000);
	CHECK_INT(strlen(buf_cstr(&buf)), 1000);
	buf_char(&buf, 'y');
	CHECK(buf.failed);
	CHECK_INT(buf.len, 1000);
	CHECK(!buf_check(&buf, "order request", &err));
	CHECK_CONTAINS(err.message, "order request");
	buf_done(&buf);
}

TEST(stays_failed_until_reset)
{
	struct buf buf;
	struct error err = {0};
	buf_init(&buf, 4);
	buf_str(&buf, "12345");
	buf_str(&buf, "1");
	CHECK(buf.failed);
	CHECK_STR(buf_cstr(&buf), "");
	CHECK(buf_take(&buf, "text", &err) == NULL);
	buf_reset(&buf);
	buf_str(&buf, "1234");
	CHECK_STR(buf_cstr(&buf), "1234");
	buf_done(&buf);
}

TEST(prints_at_the_cap_and_not_above)
{
	struct buf buf;
	buf_init(&buf, 6);
	buf_printf(&buf, "%s-%d", "abc", 42);
	CHECK_STR(buf_cstr(&buf), "abc-42");
	buf_printf(&buf, "%d", 1);
	CHECK(buf.failed);
	CHECK_STR(buf_cstr(&buf), "abc-42");
	buf_done(&buf);
}

TEST(writes_integers_and_strings_in_wire_order)
{
	static const unsigned char want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 2, 'h', 'i'};
	struct buf buf;
	buf_init(&buf, 64);
	buf_u8(&buf, 0x01);
	buf_u16(&buf, 0x0203);
	buf_u32(&buf, 0x04050607);
	buf_u64(&buf, 0x08090a0b0c0d0e0f);
	buf_string(&buf, "hi", 2);
	CHECK_MEM(buf.data, buf.len, want, sizeof(want));
	buf_done(&buf);
}

TEST(keeps_its_content_while_growing)
{
	struct buf buf;
	buf_init(&buf, 100000);
	for (size_t i = 0; i < 20000; i++)
		buf_append(&buf, "abcde", 5);
	CHECK(!buf.failed);
	for (size_t i = 0; i < buf.len; i++)
		CHECK_INT(buf.data[i], "abcde"[i % 5]);
	buf_done(&buf);
}

TEST(gives_its_content_away)
{
	struct buf buf;
	struct error err = {0};
	buf_init(&buf, 100);
	char *empty = buf_take(&buf, "text", &err);
	CHECK_STR(empty, "");
	buf_str(&buf, "hello");
	char *text = buf_take(&buf, "text", &err);
	CHECK_STR(text, "hello");
	CHECK_INT(buf.len, 0);
	CHECK_STR(buf_cstr(&buf), "");
	buf_str(&buf, "again");
	CHECK_STR(buf_cstr(&buf), "again");
	buf_done(&buf);
	free(empty);
	free(text);
}

TEST(reset_wipes_what_was_there)
{
	struct buf buf;
	buf_init(&buf, 100);
	buf_str(&buf, "secret");
	buf_reset(&buf);
	for (size_t i = 0; i < buf.cap; i++)
		CHECK_INT(buf.data[i], 0);
	buf_done(&buf);
	buf_done(&buf);
	buf_done(NULL);
}

TEST(refuses_a_length_that_would_wrap)
{
	struct buf buf;
	buf_init(&buf, 100);
	buf_str(&buf, "x");
	buf_append(&buf, "y", (size_t)-1);
	CHECK(buf.failed);
	buf_done(&buf);
}

TEST_MAIN()

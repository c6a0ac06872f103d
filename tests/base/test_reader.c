/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"

#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

TEST(reads_in_wire_order)
{
	static const unsigned char wire[] = {1,  2,  3,  4,  5, 6, 7, 8, 9,   10,  11,
					     12, 13, 14, 15, 0, 0, 0, 2, 'h', 'i', 'z'};
	struct reader reader;
	size_t len = 0;
	reader_init(&reader, wire, sizeof(wire));
	CHECK_INT(reader_u8(&reader), 0x01);
	CHECK_INT(reader_u16(&reader), 0x0203);
	CHECK_INT(reader_u32(&reader), 0x04050607);
	CHECK(reader_u64(&reader) == 0x08090a0b0c0d0e0f);
	const unsigned char *text = reader_string(&reader, 2, &len);
	CHECK_MEM(text, len, "hi", 2);
	CHECK_INT(reader_left(&reader), 1);
	CHECK(!reader_finished(&reader));
	CHECK_MEM(reader_bytes(&reader, 1), 1, "z", 1);
	CHECK(reader_finished(&reader));
}

TEST(fails_instead_of_overrunning_and_stays_failed)
{
	static const unsigned char wire[] = {1, 2, 3};
	struct reader reader;
	reader_init(&reader, wire, sizeof(wire));
	CHECK_INT(reader_u32(&reader), 0);
	CHECK(reader.failed);
	CHECK_INT(reader_u8(&reader), 0);
	CHECK(reader_bytes(&reader, 0) == NULL);
	CHECK_INT(reader_left(&reader), 0);
	CHECK(!reader_finished(&reader));
}

TEST(refuses_a_string_above_its_maximum)
{
	static const unsigned char wire[] = {0, 0, 0, 3, 'a', 'b', 'c'};
	struct reader reader;
	size_t len = 99;
	reader_init(&reader, wire, sizeof(wire));
	char *text = reader_cstring(&reader, 3);
	CHECK_STR(text, "abc");
	free(text);
	reader_init(&reader, wire, sizeof(wire));
	CHECK(reader_string(&reader, 2, &len) == NULL);
	CHECK_INT(len, 0);
	CHECK(reader.failed);
}

TEST(refuses_a_string_longer_than_the_input)
{
	static const unsigned char wire[] = {0xff, 0xff, 0xff, 0xff, 'a'};
	struct reader reader;
	size_t len = 99;
	reader_init(&reader, wire, sizeof(wire));
	CHECK(reader_string(&reader, SIZE_MAX, &len) == NULL);
	CHECK_INT(len, 0);
}

TEST(refuses_an_embedded_nul_in_a_c_string)
{
	static const unsigned char wire[] = {0, 0, 0, 3, 'a', 0, 'c'};
	struct reader reader;
	reader_init(&reader, wire, sizeof(wire));
	CHECK(reader_cstring(&reader, 10) == NULL);
	CHECK(reader.failed);
}

TEST(an_empty_input_is_finished)
{
	struct reader reader;
	reader_init(&reader, NULL, 0);
	CHECK(reader_finished(&reader));
	CHECK(reader_bytes(&reader, 0) != NULL);
	CHECK_INT(reader_u8(&reader), 0);
	CHECK(!reader_finished(&reader));
}

TEST_MAIN()

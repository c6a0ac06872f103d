/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64url.h"

#include "base/buf.h"
#include "tests/support/test.h"

#include <string.h>

/* RFC 4648 §10 without padding, and the octets of RFC 7515 appendix C. */
static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} pairs[] = {
	{"", 0, ""},
	{"f", 1, "Zg"},
	{"fo", 2, "Zm8"},
	{"foo", 3, "Zm9v"},
	{"foob", 4, "Zm9vYg"},
	{"fooba", 5, "Zm9vYmE"},
	{"foobar", 6, "Zm9vYmFy"},
	{"\x03\xec\xff\xe0\xc1", 5, "A-z_4ME"},
};

TEST(encodes_and_decodes_the_published_examples)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct buf text, bytes;
		buf_init(&text, 64);
		buf_init(&bytes, 64);
		base64url_encode(&text, pairs[i].bytes, pairs[i].len);
		CHECK_STR(buf_cstr(&text), pairs[i].text);
		CHECK(base64url_decode(&bytes, pairs[i].text, strlen(pairs[i].text)));
		CHECK_MEM(buf_cstr(&bytes), bytes.len, pairs[i].bytes, pairs[i].len);
		buf_done(&text);
		buf_done(&bytes);
	}
}

TEST(every_byte_survives_the_round_trip)
{
	unsigned char all[256];
	struct buf text, bytes;
	buf_init(&text, 1024);
	buf_init(&bytes, 1024);
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	base64url_encode(&text, all, sizeof(all));
	CHECK(base64url_decode(&bytes, text.data, text.len));
	CHECK_MEM(bytes.data, bytes.len, all, sizeof(all));
	buf_done(&text);
	buf_done(&bytes);
}

TEST(refuses_malformed_text)
{
	static const char *const cases[] = {"Z",    "Zg==", "Zm8=", "Zm9v\n",    " Zm9",
					    "A+z/", "Zh",   "Zm9",  "Zm9vYmFyA", "Zm\xc3\xa4"};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf bytes;
		buf_init(&bytes, 64);
		if (base64url_decode(&bytes, cases[i], strlen(cases[i])))
			test_fail(__FILE__, __LINE__, "accepted: %s", cases[i]);
		buf_done(&bytes);
	}
}

TEST(fails_when_the_bytes_do_not_fit)
{
	struct buf bytes;
	buf_init(&bytes, 5);
	CHECK(!base64url_decode(&bytes, "Zm9vYmFy", 8));
	buf_done(&bytes);
	buf_init(&bytes, 6);
	CHECK(base64url_decode(&bytes, "Zm9vYmFy", 8));
	buf_done(&bytes);
}

TEST_MAIN()

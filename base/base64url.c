/* SPDX-License-Identifier: Apache-2.0 */
/* base64url, RFC 4648 §5, without padding. Strict decoding: one text per value, so that comparing texts compares
 * values. */
#include "base/base64url.h"

#include "base/buf.h"

#include <stdint.h>

void base64url_encode(struct buf *out, const void *data, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *bytes = data;
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < len; i++) {
		bits = (bits << 8 | bytes[i]) & 0xffff;
		for (held += 8; held >= 6; held -= 6)
			buf_char(out, alphabet[bits >> (held - 6) & 63]);
	}
	if (held > 0)
		buf_char(out, alphabet[bits << (6 - held) & 63]);
}

static int digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool base64url_decode(struct buf *out, const char *text, size_t len)
{
	uint32_t bits = 0;
	unsigned held = 0;
	if (len % 4 == 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		int value = digit_value(text[i]);
		if (value < 0)
			return false;
		bits = (bits << 6 | (uint32_t)value) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			buf_u8(out, (uint8_t)(bits >> held & 0xff));
		}
	}
	/* What the last digit holds beyond the last byte must be zero. */
	return (bits & ((1U << held) - 1)) == 0 && !out->failed;
}

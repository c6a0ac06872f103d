/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor over foreign bytes: every access goes through reader_bytes(), which is the only place that checks bounds.
 */
#include "base/reader.h"

#include <string.h>

void reader_init(struct reader *reader, const void *data, size_t len)
{
	/* NULL + 0 is undefined in C17: an empty input without memory gets some. */
	static const unsigned char nothing[1];
	reader->at = data != NULL ? data : nothing;
	reader->end = reader->at + (data != NULL ? len : 0);
	reader->failed = data == NULL && len > 0;
}

size_t reader_left(const struct reader *reader)
{
	return reader->failed ? 0 : (size_t)(reader->end - reader->at);
}

const unsigned char *reader_bytes(struct reader *reader, size_t len)
{
	if (reader->failed || len > reader_left(reader)) {
		reader->failed = true;
		return NULL;
	}
	const unsigned char *bytes = reader->at;
	reader->at += len;
	return bytes;
}

static uint64_t reader_integer(struct reader *reader, size_t bytes)
{
	const unsigned char *wire = reader_bytes(reader, bytes);
	uint64_t value = 0;
	if (wire == NULL)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | wire[i];
	return value;
}

uint8_t reader_u8(struct reader *reader)
{
	return (uint8_t)reader_integer(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
	return (uint16_t)reader_integer(reader, 2);
}

uint32_t reader_u32(struct reader *reader)
{
	return (uint32_t)reader_integer(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
	return reader_integer(reader, 8);
}

const unsigned char *reader_string(struct reader *reader, size_t max, size_t *ret_len)
{
	size_t len = reader_u32(reader);
	if (len > max)
		reader->failed = true;
	const unsigned char *bytes = reader_bytes(reader, len);
	*ret_len = bytes != NULL ? len : 0;
	return bytes;
}

char *reader_cstring(struct reader *reader, size_t max)
{
	size_t len = 0;
	const unsigned char *bytes = reader_string(reader, max, &len);
	if (bytes == NULL)
		return NULL;
	char *text = memchr(bytes, '\0', len) == NULL ? malloc(len + 1) : NULL;
	if (text == NULL) {
		reader->failed = true;
		return NULL;
	}
	memcpy(text, bytes, len);
	text[len] = '\0';
	return text;
}

bool reader_finished(const struct reader *reader)
{
	return !reader->failed && reader->at == reader->end;
}

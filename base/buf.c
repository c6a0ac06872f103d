/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer. Never realloc: that could leave an unwiped copy of a secret behind, so growth copies and wipes.
 */
#include "base/buf.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

enum { BUF_FIRST = 256 };

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

static void buf_release(struct buf *buf)
{
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->cap);
	free(buf->data);
	buf->data = NULL;
	buf->cap = 0;
}

void buf_done(struct buf *buf)
{
	if (buf == NULL)
		return;
	buf_release(buf);
	buf->len = 0;
	buf->failed = false;
}

void buf_reset(struct buf *buf)
{
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->cap);
	buf->len = 0;
	buf->failed = false;
}

/* Room for LEN more bytes and the NUL; false (and marked failed) when there is none. */
static bool buf_room(struct buf *buf, size_t len)
{
	if (buf->failed)
		return false;
	if (buf->max == SIZE_MAX || len > buf->max - buf->len) {
		buf->failed = true;
		return false;
	}
	size_t need = buf->len + len + 1;
	if (need <= buf->cap)
		return true;

	size_t cap = buf->cap <= SIZE_MAX / 2 ? buf->cap * 2 : need;
	if (cap < BUF_FIRST)
		cap = BUF_FIRST;
	if (cap < need)
		cap = need;
	if (cap > buf->max + 1)
		cap = buf->max + 1;
	char *data = malloc(cap);
	if (data == NULL) {
		buf->failed = true;
		return false;
	}
	if (buf->len > 0)
		memcpy(data, buf->data, buf->len);
	data[buf->len] = '\0';
	buf_release(buf);
	buf->data = data;
	buf->cap = cap;
	return true;
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
	if (!buf_room(buf, len))
		return;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_str(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
	buf_append(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	buf_vprintf(buf, format, args);
	va_end(args);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list measure;
	va_copy(measure, args);
	int len = vsnprintf(NULL, 0, format, measure);
	va_end(measure);
	if (len < 0) {
		buf->failed = true;
		return;
	}
	if (!buf_room(buf, (size_t)len))
		return;
	(void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
	buf->len += (size_t)len;
}

static void buf_integer(struct buf *buf, uint64_t value, size_t bytes)
{
	unsigned char wire[8];
	for (size_t i = 0; i < bytes; i++)
		wire[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
	buf_append(buf, wire, bytes);
}

void buf_u8(struct buf *buf, uint8_t value)
{
	buf_integer(buf, value, 1);
}

void buf_u16(struct buf *buf, uint16_t value)
{
	buf_integer(buf, value, 2);
}

void buf_u32(struct buf *buf, uint32_t value)
{
	buf_integer(buf, value, 4);
}

void buf_u64(struct buf *buf, uint64_t value)
{
	buf_integer(buf, value, 8);
}

void buf_string(struct buf *buf, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		buf->failed = true;
		return;
	}
	buf_u32(buf, (uint32_t)len);
	buf_append(buf, data, len);
}

const char *buf_cstr(const struct buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

bool buf_check(const struct buf *buf, const char *what, struct error *err)
{
	if (!buf->failed)
		return true;
	return error_set(err, ERROR_INTERNAL, NULL, "%s is larger than %zu bytes, or memory ran out", what, buf->max);
}

char *buf_take(struct buf *buf, const char *what, struct error *err)
{
	if (!buf_check(buf, what, err)) {
		buf_done(buf);
		return NULL;
	}
	/* An empty buffer has no memory yet. */
	if (!buf_room(buf, 0)) {
		(void)error_oom(err);
		return NULL;
	}
	char *taken = STEAL(buf->data);
	buf->len = 0;
	buf->cap = 0;
	return taken;
}

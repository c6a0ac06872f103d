/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one growing buffer. Its maximum is stated when it is made; going beyond it, or running out of memory, marks it
 * failed and later appends do nothing, so that a builder appends freely and checks once at the end. Its memory is
 * wiped whenever it is released or moved: no caller has to remember whether a secret passed through.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/compiler.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

API_BEGIN

struct error;

struct buf {
	char *data; /* NUL-terminated at data[len] when not NULL */
	size_t len;
	size_t cap;
	size_t max; /* bytes without the final NUL */
	bool failed;
};

/* A buffer that may grow to MAX bytes. Allocates nothing yet. */
void buf_init(struct buf *buf, size_t max);

/* Wipe and free the content; the buffer may be used again with the same maximum. Accepts NULL and a zeroed struct. */
void buf_done(struct buf *buf);

/* Forget the content and the failure, keep (and wipe) the memory. */
void buf_reset(struct buf *buf);

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_str(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *buf, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Big-endian integers and length-prefixed (u32) bytes, as SSH, SFTP and our own messages have them. */
void buf_u8(struct buf *buf, uint8_t value);
void buf_u16(struct buf *buf, uint16_t value);
void buf_u32(struct buf *buf, uint32_t value);
void buf_u64(struct buf *buf, uint64_t value);
void buf_string(struct buf *buf, const void *data, size_t len);

/* The content as a C string; "" when empty. Borrowed until the next change. */
const char *buf_cstr(const struct buf *buf);

/* False, with an error naming WHAT (a static string such as "order request"), when an append did not fit. */
MUST_CHECK bool buf_check(const struct buf *buf, const char *what, struct error *err);

/* The content as a malloc'd C string that the caller owns; the buffer is empty afterwards. NULL and ERR on failure. */
MUST_CHECK char *buf_take(struct buf *buf, const char *what, struct error *err);

API_END

#endif

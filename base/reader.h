/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one cursor over bytes from outside. It fails instead of overrunning: after the first failure every read gives
 * zero or NULL and `failed` stays set, so that a parser reads its fields in wire order and checks once at the end.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	const unsigned char *at;
	const unsigned char *end;
	bool failed;
};

/* Read LEN bytes at DATA, which stay the caller's. */
void reader_init(struct reader *reader, const void *data, size_t len);

size_t reader_left(const struct reader *reader);

/* Big-endian integers. */
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);

/* The next LEN bytes, borrowed from the input; NULL on failure. */
const unsigned char *reader_bytes(struct reader *reader, size_t len);

/* A u32 length and that many bytes, refused above MAX. Borrowed; NULL and 0 on failure. */
const unsigned char *reader_string(struct reader *reader, size_t max, size_t *ret_len);

/* The same as a malloc'd C string owned by the caller; an embedded NUL is a failure. NULL on failure. */
char *reader_cstring(struct reader *reader, size_t max);

/* True when nothing failed and nothing is left over. */
bool reader_finished(const struct reader *reader);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reaches escape_text() and escape_ends(). The first byte chooses the size of the output and whether lines are kept.
 * The output fits, ends in a NUL, holds no control character and no broken UTF-8 (told by applying it again: nothing
 * may change).
 */
#include "base/escape.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *out, size_t room, bool keep_lines)
{
	char again[1024];
	size_t len = strnlen(out, room);
	if (len == room)
		abort();
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)out[i] < 0x20 && !(keep_lines && out[i] == '\n')) || out[i] == 0x7f)
			abort();
	(void)escape_text(again, sizeof(again), out, len, keep_lines);
	/* A cut may leave white space at the end, which the second pass drops. */
	if (strncmp(again, out, strlen(again)) != 0 || strspn(out + strlen(again), " \n") != len - strlen(again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { BOTH_ENDS = 128 }; /* less room has none for them */
	if (size == 0)
		return 0;
	bool keep_lines = (data[0] & 1) != 0;
	size_t room = (size_t)(data[0] >> 1) + 1;
	/* Exactly as large as announced, so that a sanitizer sees a byte written behind it. */
	char *out AUTO_FREE = malloc(room), *ends AUTO_FREE = malloc(room + BOTH_ENDS);
	if (out == NULL || ends == NULL)
		return 0;
	check(escape_text(out, room, (const char *)data + 1, size - 1, keep_lines), room, keep_lines);
	check(escape_ends(ends, room + BOTH_ENDS, (const char *)data + 1, size - 1, size % 3), room + BOTH_ENDS, true);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way from foreign text to a terminal, a log or an error: valid UTF-8 is kept; C0 and C1 controls, DEL, line
 * and paragraph separators, bidirectional controls and broken bytes become \xNN or \u{N}. A newline never passes.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * Write LEN bytes of TEXT safely into OUT of SIZE bytes (NUL-terminated). What does not fit is cut at a character and
 * replaced by "…". Leading and trailing white space is dropped. With KEEP_LINES, newlines pass (for multi-line command
 * output shown indented by its printer); carriage returns before them are dropped. Returns OUT.
 */
char *escape_text(char *out, size_t size, const char *text, size_t len, bool keep_lines);

/*
 * escape_text() with lines kept for what may be long and says most at its end: what does not fit is left out of the
 * middle, where a line says how many bytes that was; a quarter of the room is for the beginning. Cut at lines where
 * there are any near. LEFT_OUT: bytes that are missing in the middle of TEXT already (excerpt.h).
 */
char *escape_ends(char *out, size_t size, const char *text, size_t len, size_t left_out);

/* escape_text() for a C string, on one line. */
char *escape_str(char *out, size_t size, const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text made safe to show. The input is taken apart into pieces (one character or one broken byte); a piece is
 * written whole or not at all, and the last place where "…" would still fit is remembered for the cut.
 */
#include "base/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

enum { ELLIPSIS_LEN = sizeof(ELLIPSIS) - 1, PIECE_MAX = 16 };

/* Characters outside ASCII that move the cursor, end a line, reorder what is shown, or are not seen at all. */
static const struct {
	uint32_t first, last;
} unsafe[] = {
	{0x80, 0x9f},       /* C1 controls */
	{0xad, 0xad},       /* soft hyphen */
	{0x61c, 0x61c},     /* Arabic letter mark */
	{0x180e, 0x180e},   /* Mongolian vowel separator */
	{0x200b, 0x200f},   /* zero width, direction marks */
	{0x2028, 0x2029},   /* line and paragraph separator */
	{0x202a, 0x202e},   /* embeddings and overrides */
	{0x2060, 0x206f},   /* word joiner, invisible operators, isolates, deprecated controls */
	{0xfeff, 0xfeff},   /* byte order mark */
	{0xfff9, 0xfffb},   /* annotations */
	{0xe0000, 0xe007f}, /* tags */
};

static bool is_safe(uint32_t c)
{
	if (c < 0x20 || c == 0x7f)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(unsafe); i++)
		if (c >= unsafe[i].first && c <= unsafe[i].last)
			return false;
	return true;
}

/* The character at TEXT and its length; length 0 where the bytes are no UTF-8 (RFC 3629 §4: shortest form only). */
static size_t decode(const unsigned char *text, size_t len, uint32_t *ret)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t count = 1;
	uint32_t c = text[0];
	if (c >= 0xf0 && c <= 0xf4) {
		count = 4;
		c &= 0x07;
	} else if (c >= 0xe0 && c < 0xf0) {
		count = 3;
		c &= 0x0f;
	} else if (c >= 0xc2 && c < 0xe0) {
		count = 2;
		c &= 0x1f;
	} else if (c >= 0x80) {
		return 0;
	}
	if (count > len)
		return 0;
	for (size_t i = 1; i < count; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3fU);
	}
	if (c < smallest[count] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return count;
}

static bool is_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* How many carriage returns stand before the next newline; 0 where anything else does. */
static size_t returns_before_newline(const unsigned char *text, size_t len)
{
	size_t i = 0;
	while (i < len && text[i] == '\r')
		i++;
	return i < len && text[i] == '\n' ? i : 0;
}

/* One piece of the input into PIECE, empty where it is dropped; returns the input bytes used. */
static size_t next_piece(const unsigned char *text, size_t len, bool keep_lines, char piece[PIECE_MAX], size_t *ret_len)
{
	uint32_t c = 0;
	size_t used = decode(text, len, &c), dropped = keep_lines ? returns_before_newline(text, len) : 0;
	int written = 0;
	*ret_len = 0;
	if (dropped > 0)
		return dropped;
	if (used > 0 && (is_safe(c) || (c == '\n' && keep_lines))) {
		memcpy(piece, text, used);
		*ret_len = used;
		return used;
	}
	if (used > 1)
		written = snprintf(piece, PIECE_MAX, "\\u{%x}", (unsigned)c);
	else
		written = snprintf(piece, PIECE_MAX, "\\x%02x", (unsigned)text[0]);
	*ret_len = (size_t)written;
	return used > 0 ? used : 1;
}

/* TEXT without the white space around it. */
static const unsigned char *trim(const char *text, size_t *len)
{
	const unsigned char *in = (const unsigned char *)text;
	while (*len > 0 && is_space(in[*len - 1]))
		(*len)--;
	while (*len > 0 && is_space(in[0])) {
		in++;
		(*len)--;
	}
	return in;
}

char *escape_text(char *out, size_t size, const char *text, size_t len, bool keep_lines)
{
	size_t written = 0, cut = 0;
	if (size == 0)
		return out;
	const unsigned char *in = trim(text, &len);
	while (len > 0) {
		char piece[PIECE_MAX];
		size_t piece_len = 0;
		size_t used = next_piece(in, len, keep_lines, piece, &piece_len);
		if (piece_len > size - 1 - written) {
			written = cut;
			if (size > ELLIPSIS_LEN) {
				memcpy(out + written, ELLIPSIS, ELLIPSIS_LEN);
				written += ELLIPSIS_LEN;
			}
			break;
		}
		memcpy(out + written, piece, piece_len);
		written += piece_len;
		if (written + ELLIPSIS_LEN < size)
			cut = written;
		in += used;
		len -= used;
	}
	out[written] = '\0';
	return out;
}

char *escape_str(char *out, size_t size, const char *text)
{
	return escape_text(out, size, text, strlen(text), /* keep_lines= */ false);
}

/* --- Both ends --- */

/* How many bytes TEXT has as written, as far as it matters whether that is more than MAX. */
static size_t written_size(const unsigned char *text, size_t len, size_t max)
{
	char piece[PIECE_MAX];
	size_t size = 0, piece_len = 0;
	for (size_t i = 0; i < len && size <= max; size += piece_len)
		i += next_piece(text + i, len - i, /* keep_lines= */ true, piece, &piece_len);
	return size;
}

/* The beginning of TEXT into OUT, up to ROOM bytes: to the end of a line, if one ends in their second half. */
static size_t write_beginning(char *out, size_t room, const unsigned char *text, size_t len, size_t *ret_written)
{
	size_t used = 0, written = 0, line_used = 0, line_written = 0;
	while (used < len) {
		char piece[PIECE_MAX];
		size_t piece_len = 0;
		size_t more = next_piece(text + used, len - used, /* keep_lines= */ true, piece, &piece_len);
		if (piece_len > room - written)
			break;
		memcpy(out + written, piece, piece_len);
		used += more;
		if (text[used - 1] == '\n') {
			line_used = used;
			line_written = written;
		}
		written += piece_len;
	}
	bool whole_lines = line_written >= room / 2;
	*ret_written = whole_lines ? line_written : written;
	return whole_lines ? line_used : used;
}

/* Where the last ROOM bytes of TEXT, as written, begin: at a line, if one begins in their first half. */
static size_t find_end(const unsigned char *text, size_t len, size_t room)
{
	enum { CONTINUATIONS = 3 };
	char piece[PIECE_MAX];
	size_t at = len > room ? len - room : 0, piece_len = 0;

	for (size_t i = 0; i < CONTINUATIONS && at < len && (text[at] & 0xc0) == 0x80; i++)
		at++;
	for (size_t size = written_size(text + at, len - at, SIZE_MAX - PIECE_MAX); size > room; size -= piece_len)
		at += next_piece(text + at, len - at, /* keep_lines= */ true, piece, &piece_len);
	if (at > 0 && text[at - 1] == '\n')
		return at;
	const unsigned char *newline = memchr(text + at, '\n', (len - at) / 2);
	return newline != NULL ? (size_t)(newline - text) + 1 : at;
}

char *escape_ends(char *out, size_t size, const char *text, size_t len, size_t left_out)
{
	enum { NOTE_MAX = 64 };
	const unsigned char *in = trim(text, &len);
	size_t written = 0;

	if (size < (size_t)2 * NOTE_MAX || (left_out == 0 && written_size(in, len, size - 1) < size))
		return escape_text(out, size, (const char *)in, len, /* keep_lines= */ true);
	size_t used = write_beginning(out, size / 4, in, len, &written);
	size_t from = find_end(in, len, size - size / 4 - NOTE_MAX);
	if (from < used)
		from = used;
	left_out += from - used;
	written += (size_t)snprintf(out + written, NOTE_MAX, "%s" ELLIPSIS " %zu %s left out " ELLIPSIS "\n",
				    written > 0 ? "\n" : "", left_out, left_out == 1 ? "byte" : "bytes");
	(void)escape_text(out + written, size - written, (const char *)in + from, len - from, /* keep_lines= */ true);
	return out;
}

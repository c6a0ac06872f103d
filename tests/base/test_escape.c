/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include "tests/support/test.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const char *one_line(const char *text)
{
	static char out[512];
	return escape_str(out, sizeof(out), text);
}

TEST(keeps_valid_utf8)
{
	CHECK_STR(one_line("Zürich 東京 🎉 é"), "Zürich 東京 🎉 é");
	CHECK_STR(one_line("a\\b"), "a\\b");
}

TEST(escapes_what_a_terminal_acts_on)
{
	CHECK_STR(one_line("a\nb"), "a\\x0ab");
	CHECK_STR(one_line("a\r\nerror: forged"), "a\\x0d\\x0aerror: forged");
	CHECK_STR(one_line("\x1b[2Jx"), "\\x1b[2Jx");
	CHECK_STR(one_line("a\tb\x7f"), "a\\x09b\\x7f");
	CHECK_STR(one_line("\xc2\x9b"
			   "2J"),
		  "\\u{9b}2J");
	CHECK_STR(one_line("a\xe2\x80\xa8"
			   "b\xe2\x80\xa9"
			   "c"),
		  "a\\u{2028}b\\u{2029}c");
	CHECK_STR(one_line("\xe2\x80\xae"
			   "gpj.exe"),
		  "\\u{202e}gpj.exe");
	CHECK_STR(one_line("\xe2\x81\xa6x\xd8\x9c"), "\\u{2066}x\\u{61c}");
}

TEST(escapes_what_nobody_sees)
{
	CHECK_STR(one_line("pass\xe2\x80\x8bword"), "pass\\u{200b}word");
	CHECK_STR(one_line("\xef\xbb\xbf"
			   "a\xe2\x81\xa0"),
		  "\\u{feff}a\\u{2060}");
	CHECK_STR(one_line("\xc2\xad\xf3\xa0\x81\x81"), "\\u{ad}\\u{e0041}");
}

TEST(escapes_broken_bytes_one_by_one)
{
	CHECK_STR(one_line("\xff\xfe"), "\\xff\\xfe");
	CHECK_STR(one_line("\xc0\x8a"), "\\xc0\\x8a");          /* overlong newline */
	CHECK_STR(one_line("\xe0\x80\x8a"), "\\xe0\\x80\\x8a"); /* the same in three bytes */
	CHECK_STR(one_line("\xed\xa0\x80"), "\\xed\\xa0\\x80"); /* surrogate */
	CHECK_STR(one_line("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
	CHECK_STR(one_line("a\xe2\x82"), "a\\xe2\\x82"); /* cut off */
	CHECK_STR(one_line("\xc3("), "\\xc3(");
}

TEST(escapes_an_embedded_nul)
{
	char out[32];
	CHECK_STR(escape_text(out, sizeof(out), "a\0b", 3, false), "a\\x00b");
}

TEST(trims_white_space)
{
	CHECK_STR(one_line("  \r\n refused.\n\n"), "refused.");
	CHECK_STR(one_line(" \n "), "");
}

TEST(keeps_lines_only_when_asked)
{
	char out[64];
	CHECK_STR(escape_text(out, sizeof(out), "one\r\ntwo\r\r\nth\rree\n", 17, true), "one\ntwo\nth\\x0dree");
}

/* N lines "line 1" to "line N". */
static const char *lines(size_t count, size_t *ret_len)
{
	static char text[64 * 1024];
	size_t len = 0;
	for (size_t i = 1; i <= count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "line %zu\n", i);
	*ret_len = len;
	return text;
}

TEST(of_what_is_long_both_ends_are_shown_in_whole_lines)
{
	char out[512];
	size_t len = 0, said = 0;
	const char *text = lines(1000, &len);
	CHECK(escape_ends(out, sizeof(out), text, len, 0) == out);
	CHECK(strncmp(out, "line 1\nline 2\n", 14) == 0);
	CHECK_STR(out + strlen(out) - 18, "line 999\nline 1000");
	const char *note = strstr(out, "\n… ");
	CHECK(note != NULL);
	CHECK_INT(sscanf(note, "\n… %zu bytes left out …\nline ", &said), 1);
	/* What is shown and what is not are all there is, but for the newlines around the note and at the end. */
	const char *behind = strchr(note + 1, '\n');
	CHECK_INT((size_t)(note - out) + 1 + said + strlen(behind + 1) + 1, len);
	CHECK(strncmp(behind, "\nline ", 6) == 0);
}

TEST(what_fits_is_shown_whole)
{
	char out[512];
	size_t len = 0;
	const char *text = lines(30, &len);
	(void)escape_ends(out, sizeof(out), text, len, 0);
	CHECK_INT(strlen(out), len - 1);
	CHECK(strstr(out, "left out") == NULL);
}

TEST(what_is_missing_already_is_counted)
{
	char out[512];
	CHECK_STR(escape_ends(out, sizeof(out), "", 0, 7), "… 7 bytes left out …\n");
	char text[1000];
	memset(text, 'a', sizeof(text));
	(void)escape_ends(out, sizeof(out), text, sizeof(text), 1000000);
	CHECK_CONTAINS(out, "aaa\n… 1000");
}

TEST(both_ends_are_cut_between_characters_and_escapes)
{
	/* In every position of the cut: one shows as three bytes, one as four, one as ten. */
	char text[4000], out[512], again[512];
	for (size_t shift = 0; shift < 32; shift++) {
		size_t len = shift;
		memset(text, 'x', shift);
		while (len + 8 < sizeof(text)) {
			memcpy(text + len, "\xe6\x9d\xb1\x1b\xf3\xa0\x81\x81", 8);
			len += 8;
		}
		(void)escape_ends(out, sizeof(out), text, len, 0);
		const char *note = strstr(out, "\n… ");
		CHECK(note != NULL && strlen(out) < sizeof(out));
		/* Half a character would be escaped now. */
		CHECK_STR(escape_text(again, sizeof(again), out, strlen(out), true), out);
		const char *end = strchr(note + 1, '\n') + 1;
		CHECK(str_starts(end, "東\\x1b\\u{e0041}") || str_starts(end, "\\x1b\\u{e0041}東") ||
		      str_starts(end, "\\u{e0041}東\\x1b"));
	}
}

TEST(cuts_at_a_character_and_says_so)
{
	char out[8];
	CHECK_STR(escape_str(out, sizeof(out), "1234567"), "1234567");
	CHECK_STR(escape_str(out, sizeof(out), "12345678"), "1234…");
	CHECK_STR(escape_str(out, sizeof(out), "123é5678"), "123…");
	CHECK_STR(escape_str(out, sizeof(out), "12é45678"), "12é…");
	CHECK_STR(escape_str(out, sizeof(out), "123\n5678"), "123…");
}

TEST(fits_into_the_smallest_buffers)
{
	for (size_t size = 1; size < 16; size++) {
		char out[16];
		memset(out, 'X', sizeof(out));
		(void)escape_str(out, size, "\x1b\x1b\x1b\x1b\x1b");
		CHECK(memchr(out, '\0', size) != NULL);
		for (size_t i = size; i < sizeof(out); i++)
			CHECK_INT(out[i], 'X');
	}
	char untouched = 'X';
	(void)escape_str(&untouched, 0, "text");
	CHECK_INT(untouched, 'X');
}

TEST(is_stable_when_applied_again)
{
	char once[64], twice[64];
	(void)escape_str(once, sizeof(once), "a\x1b\xff\xc2\x85 z");
	CHECK_STR(escape_str(twice, sizeof(twice), once), once);
}

TEST_MAIN()

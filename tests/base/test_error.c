/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

static const char *formatted(const struct error *err)
{
	static char out[16384];
	struct buf text;
	buf_init(&text, sizeof(out) - 1);
	error_format(err, &text);
	(void)memcpy(out, buf_cstr(&text), text.len + 1);
	buf_done(&text);
	return out;
}

TEST(the_first_cause_wins)
{
	struct error err = {0};
	CHECK(!error_is_set(&err));
	CHECK(!error_set(&err, ERROR_CA, "new-order", "the CA refused %d names", 3));
	CHECK(!error_set(&err, ERROR_STORE, "write", "disk full"));
	CHECK(!error_errno(&err, ERROR_STORE, "write", ENOSPC, "write"));
	CHECK(!error_oom(&err));
	CHECK_INT(err.category, ERROR_CA);
	CHECK_STR(err.step, "new-order");
	CHECK_STR(err.message, "the CA refused 3 names");
	error_clear(&err);
	CHECK(!error_is_set(&err));
	CHECK_STR(err.message, "");
}

TEST(a_sentence_may_take_another_ones_place_and_quote_it)
{
	struct error err = {0};
	(void)error_set(&err, ERROR_REMOTE, "upload", "cannot write");
	error_hint(&err, "look");
	error_reword(&err, "%s; no room\033[31m", err.message);
	CHECK_STR(err.message, "cannot write; no room\\x1b[31m");
	CHECK_INT(err.category, ERROR_REMOTE);
	CHECK_STR(err.step, "upload");
	CHECK_STR(err.hint, "look");
}

TEST(the_first_hint_and_words_win)
{
	struct error err = {0};
	error_hint(&err, "do %s", "this");
	error_hint(&err, "do that");
	error_said(&err, "no", 2);
	error_said(&err, "maybe", 5);
	error_type(&err, "urn:ietf:params:acme:error:malformed");
	error_type(&err, "urn:other");
	CHECK_STR(err.hint, "do this");
	CHECK_STR(err.said, "no");
	CHECK_STR(err.type, "urn:ietf:params:acme:error:malformed");
}

TEST(context_fills_only_what_is_unknown)
{
	struct error err = {0};
	(void)error_set(&err, ERROR_REMOTE, NULL, "failed");
	error_context(&err, NULL, NULL, "web-1");
	error_context(&err, "upload", "example.com", "web-2");
	error_context(&err, "deploy", "other", NULL);
	CHECK_STR(err.step, "upload");
	CHECK_STR(err.certificate, "example.com");
	CHECK_STR(err.server, "web-1");
}

TEST(attribution_changes_only_malformed_data)
{
	struct error err = {0};
	(void)error_set(&err, ERROR_DATA, NULL, "not JSON");
	CHECK(!error_attribute(&err, ERROR_CA, "directory"));
	CHECK_INT(err.category, ERROR_CA);
	CHECK_STR(err.step, "directory");
	error_clear(&err);
	(void)error_set(&err, ERROR_TIMEOUT, "read", "late");
	CHECK(!error_attribute(&err, ERROR_CA, "directory"));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK_STR(err.step, "read");
}

TEST(a_system_call_gives_its_reason)
{
	struct error err = {0};
	CHECK(!error_errno(&err, ERROR_STORE, "save", ENOENT, "cannot open %s", "/x"));
	CHECK_STR(err.message, "cannot open /x: No such file or directory");
	char path[3000];
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	error_clear(&err);
	(void)error_errno(&err, ERROR_STORE, "save", ENOENT, "cannot open %s", path);
	CHECK_CONTAINS(err.message, "…: No such file or directory");
}

TEST(foreign_text_cannot_forge_lines_or_steer_the_terminal)
{
	struct error err = {0};
	(void)error_set(&err, ERROR_CA, "order", "said %s", "a\n  next: run this\x1b[2J");
	error_said(&err, "one\x1b[0m\n  next: evil", 20);
	error_hint(&err, "%s", "x\ny");
	error_type(&err, "urn:\nz");
	error_context(&err, NULL, "ex\nample", "s\x1brv");
	CHECK(strpbrk(err.message, "\n\x1b") == NULL);
	CHECK(strpbrk(err.hint, "\n\x1b") == NULL);
	CHECK(strpbrk(err.type, "\n\x1b") == NULL);
	CHECK(strpbrk(err.certificate, "\n\x1b") == NULL);
	CHECK(strpbrk(err.server, "\n\x1b") == NULL);
	CHECK(strchr(err.said, '\x1b') == NULL);
	CHECK(strstr(formatted(&err), "\n  next: evil") == NULL);
}

TEST(a_cut_does_not_split_a_character)
{
	struct error err = {0};
	char text[3 * ERROR_TEXT_MAX + 1];
	for (size_t i = 0; i < sizeof(text) - 1; i += 3)
		memcpy(text + i, "€", 3);
	text[sizeof(text) - 1] = '\0';
	(void)error_set(&err, ERROR_CA, NULL, "x%s", text);
	CHECK(strlen(err.message) < ERROR_TEXT_MAX);
	CHECK(strchr(err.message, '\\') == NULL);
	CHECK_STR(err.message + strlen(err.message) - 3, "…");
}

TEST(prints_everything_known_for_a_person)
{
	struct error err = {0};
	(void)error_set(&err, ERROR_REMOTE, "reload", "nginx -t failed");
	error_context(&err, NULL, "example.com", "web-1");
	error_said(&err, "line one\nline two\n", 18);
	error_type(&err, "urn:ietf:params:acme:error:rateLimited");
	error_hint(&err, "fix the config");
	err.retry_at = 1795489445;
	CHECK_STR(formatted(&err), "example.com: web-1: reload: nginx -t failed\n"
				   "  said: line one\n"
				   "        line two\n"
				   "  type: urn:ietf:params:acme:error:rateLimited\n"
				   "  retry: not before 2026-11-24T03:04:05Z\n"
				   "  next: fix the config\n");
}

TEST(prints_one_line_where_nothing_else_is_known)
{
	struct error err = {0};
	(void)error_set(&err, ERROR_USAGE, NULL, "unknown command");
	CHECK_STR(formatted(&err), "unknown command\n");
	CHECK_STR(error_category_name(ERROR_USAGE), "usage");
	CHECK_STR(error_category_name(ERROR_INTERNAL), "internal");
}

TEST(parts_name_what_they_concern)
{
	struct error err = {0};
	struct error_part part;
	CHECK(!error_part_at(&err, 0, &part));
	error_part(&err, "a.example", "urn:x", "first\nline");
	error_part(&err, NULL, "", "second \x1b[31m");
	error_part(&err, "c.example", NULL, NULL);
	CHECK(error_part_at(&err, 0, &part));
	CHECK_STR(part.identifier, "a.example");
	CHECK_STR(part.type, "urn:x");
	CHECK(strchr(part.detail, '\n') == NULL);
	CHECK(error_part_at(&err, 1, &part));
	CHECK_STR(part.identifier, "");
	CHECK_STR(part.type, "");
	CHECK(strchr(part.detail, 0x1b) == NULL);
	CHECK(error_part_at(&err, 2, &part));
	CHECK_STR(part.identifier, "c.example");
	CHECK_STR(part.detail, "");
	CHECK(!error_part_at(&err, 3, &part));
}

TEST(parts_beyond_the_room_are_left_out_whole)
{
	struct error err = {0};
	struct error_part part;
	char detail[400];
	size_t count = 0;
	memset(detail, 'x', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	for (int i = 0; i < 100; i++)
		error_part(&err, "name.example", "urn:x", detail);
	while (error_part_at(&err, count, &part)) {
		CHECK_INT(strlen(part.detail), sizeof(detail) - 1);
		count++;
	}
	CHECK(count >= 8 && count < 12);
}

TEST(a_link_is_never_cut)
{
	static char text[3 * ERROR_SAID_MAX];
	static const char link[] = "https://ca.example/unpause?jwt=eyJhbGciOiJIUzI1NiJ9.x-_";
	static const size_t places[] = {0, 100, ERROR_SAID_MAX - 30, ERROR_SAID_MAX - 1, 2 * ERROR_SAID_MAX};
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct error err = {0};
		memset(text, 'a', sizeof(text));
		memcpy(text + places[i], link, strlen(link));
		text[places[i] + strlen(link)] = ' ';
		error_said(&err, text, sizeof(text));
		CHECK_CONTAINS(err.said, link);
		CHECK(strlen(err.said) < ERROR_SAID_MAX);
	}
	/* Half a link that was kept before the cut is no link. */
	struct error err = {0};
	memset(text, ' ', sizeof(text));
	memcpy(text + ERROR_SAID_MAX - 20, link, strlen(link));
	error_said(&err, text, sizeof(text));
	CHECK(str_ends(err.said, link));
}

TEST(a_clock_that_is_off_is_told)
{
	struct error err = {0};
	(void)error_set(&err, ERROR_CA, "new-order", "refused");
	error_clock(&err, LIMIT_CLOCK_OFFSET);
	CHECK_INT(err.clock_offset, 0);
	error_clock(&err, 7380);
	CHECK_CONTAINS(formatted(&err), "  clock: this machine's clock is 2 hours and 3 minutes ahead of the CA's");
	err.clock_offset = 0;
	error_clock(&err, -(3 * 86400 + 3600));
	CHECK_CONTAINS(formatted(&err), "3 days and 1 hours behind the CA's");
}

TEST_MAIN()

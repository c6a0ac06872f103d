/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table: per protocol and turn what we say, what the answer begins with, and what a line that is not its last
 * begins with. Nothing that a server announces is looked at: its answer to the request decides.
 */
#include "transport/starttls.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

enum { TURNS = 4 }; /* the last one empty */

struct turn {
	const char *say; /* NULL: the server speaks first */
	size_t say_len;
	const char *answer;
	const char *more; /* NULL: it is one line */
};

#define WORDS(text) .say = (text), .say_len = sizeof(text) - 1

/* RFC 3207, 9051 §6.2.1, 2595 §4, 5804 §2.2, 4217 §4; PostgreSQL's "Message Formats", SSLRequest, answered by one byte.
 */
static const struct protocol {
	const char *name;
	bool bytes; /* an answer is one byte, not a line */
	struct turn turns[TURNS];
} protocols[] = {
	[STARTTLS_NONE] = {.name = "none"},
	[STARTTLS_SMTP] = {.name = "smtp",
			   .turns = {{.answer = "220", .more = "220-"},
				     {WORDS("EHLO localhost\r\n"), .answer = "250", .more = "250-"},
				     {WORDS("STARTTLS\r\n"), .answer = "220", .more = "220-"}}},
	[STARTTLS_IMAP] = {.name = "imap",
			   .turns = {{.answer = "* OK"}, {WORDS("a STARTTLS\r\n"), .answer = "a OK", .more = "* "}}},
	[STARTTLS_POP3] = {.name = "pop3", .turns = {{.answer = "+OK"}, {WORDS("STLS\r\n"), .answer = "+OK"}}},
	[STARTTLS_SIEVE] = {.name = "sieve",
			    .turns = {{.answer = "OK", .more = "\""}, {WORDS("STARTTLS\r\n"), .answer = "OK"}}},
	[STARTTLS_FTP] = {.name = "ftp",
			  .turns = {{.answer = "220", .more = "220-"},
				    {WORDS("AUTH TLS\r\n"), .answer = "234", .more = "234-"}}},
	[STARTTLS_POSTGRES] = {.name = "postgres",
			       .bytes = true,
			       .turns = {{WORDS("\0\0\0\x08\x04\xd2\x16\x2f"), .answer = "S"}}},
};

bool starttls_find(const char *word, enum starttls_protocol *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		if (str_equal(protocols[i].name, word)) {
			*ret = (enum starttls_protocol)i;
			return true;
		}
	}
	return false;
}

const char *starttls_name(enum starttls_protocol protocol)
{
	return protocols[protocol].name;
}

static const struct turn *turn_of(const struct starttls *dialogue)
{
	return &protocols[dialogue->protocol].turns[dialogue->turn];
}

/* At the beginning of a turn. */
static enum starttls_next take_turn(const struct starttls *dialogue)
{
	const struct turn *turn = turn_of(dialogue);

	if (turn->answer == NULL)
		return STARTTLS_SHAKE_HANDS;
	return turn->say != NULL ? STARTTLS_SAY : STARTTLS_LISTEN;
}

enum starttls_next starttls_begin(struct starttls *dialogue, enum starttls_protocol protocol)
{
	*dialogue = (struct starttls){.protocol = protocol};
	return take_turn(dialogue);
}

const char *starttls_words(const struct starttls *dialogue, size_t *ret_len)
{
	*ret_len = turn_of(dialogue)->say_len;
	return turn_of(dialogue)->say;
}

static enum starttls_next refuse(struct starttls *dialogue, const char *why)
{
	dialogue->why = why;
	return STARTTLS_REFUSED;
}

static bool begins(const struct starttls *dialogue, const char *word)
{
	size_t len = word != NULL ? strlen(word) : 0;
	return len > 0 && len <= dialogue->len && strncasecmp(dialogue->line, word, len) == 0;
}

/* ANSWER as a word of its own. */
static bool is_answer(const struct starttls *dialogue, const char *answer)
{
	size_t len = strlen(answer);
	return begins(dialogue, answer) &&
	       (dialogue->len == len || dialogue->line[len] == ' ' || dialogue->line[len] == '(');
}

/* RFC 959 §4.2: lines within a reply that do not begin with its code begin with a space. */
static bool is_continuation(const struct starttls *dialogue)
{
	return begins(dialogue, turn_of(dialogue)->more) || (dialogue->continued && begins(dialogue, " "));
}

static enum starttls_next judge_line(struct starttls *dialogue)
{
	if (++dialogue->lines > LIMIT_STARTTLS_LINES)
		return refuse(dialogue, "it talks without end");
	if (is_answer(dialogue, turn_of(dialogue)->answer)) {
		dialogue->turn++;
		dialogue->continued = false;
		return take_turn(dialogue);
	}
	if (!is_continuation(dialogue))
		return refuse(dialogue, "it refuses, or speaks another protocol");
	dialogue->continued = true;
	dialogue->len = 0;
	return STARTTLS_LISTEN;
}

/* One byte more; a verdict where it ends a line. */
static enum starttls_next take_byte(struct starttls *dialogue, char byte)
{
	bool bytes = protocols[dialogue->protocol].bytes;

	if (byte == '\n' && !bytes) {
		if (dialogue->len > 0 && dialogue->line[dialogue->len - 1] == '\r')
			dialogue->len--;
		return judge_line(dialogue);
	}
	if (dialogue->len == sizeof(dialogue->line))
		return refuse(dialogue, "it sends a line without end");
	dialogue->line[dialogue->len++] = byte;
	return bytes ? judge_line(dialogue) : STARTTLS_LISTEN;
}

enum starttls_next starttls_hear(struct starttls *dialogue, const void *data, size_t len)
{
	const char *bytes = data;
	enum starttls_next next = STARTTLS_LISTEN;
	size_t at = 0;

	while (at < len && next == STARTTLS_LISTEN)
		next = take_byte(dialogue, bytes[at++]);
	if (next == STARTTLS_SAY || next == STARTTLS_SHAKE_HANDS) {
		dialogue->len = 0;
		if (at < len)
			return refuse(dialogue, "it went on talking before it was asked");
	}
	return next;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table: per protocol what a piece of its answers is, and per turn what we say, what the answer begins with, and
 * what a piece that is not its last begins with. Nothing that a server announces is looked at: its answer to the
 * request decides.
 */
#include "base/identifier.h"
#include "base/str.h"
#include "transport/starttls_internal.h"

#include <string.h>
#include <strings.h>

enum { TURNS = 4 }; /* the last one empty */

#define HOST "{host}"
#define WORDS(text) .say = (text), .say_len = sizeof(text) - 1

static enum starttls_heard hear_byte(struct starttls *dialogue, char byte);
static enum starttls_heard hear_line(struct starttls *dialogue, char byte);

/* RFC 3207, 9051 §6.2.1, 2595 §4, 5804 §2.2, 4217 §4; PostgreSQL's "Message Formats", SSLRequest, answered by one byte;
 * RFC 4511 §4.14.1, an extended request with the number 1 and an OID; RFC 6120 §5.4.
 */
static const struct protocol {
	const char *name;
	enum starttls_heard (*hear)(struct starttls *dialogue, char byte);
	struct starttls_turn turns[TURNS];
} protocols[] = {
	[STARTTLS_NONE] = {.name = "none"},
	[STARTTLS_SMTP] = {.name = "smtp",
			   .hear = hear_line,
			   .turns = {{.answer = "220", .more = "220-"},
				     {WORDS("EHLO localhost\r\n"), .answer = "250", .more = "250-"},
				     {WORDS("STARTTLS\r\n"), .answer = "220", .more = "220-"}}},
	[STARTTLS_IMAP] = {.name = "imap",
			   .hear = hear_line,
			   .turns = {{.answer = "* OK"}, {WORDS("a STARTTLS\r\n"), .answer = "a OK", .more = "* "}}},
	[STARTTLS_POP3] = {.name = "pop3",
			   .hear = hear_line,
			   .turns = {{.answer = "+OK"}, {WORDS("STLS\r\n"), .answer = "+OK"}}},
	[STARTTLS_SIEVE] = {.name = "sieve",
			    .hear = hear_line,
			    .turns = {{.answer = "OK", .more = "\""}, {WORDS("STARTTLS\r\n"), .answer = "OK"}}},
	[STARTTLS_FTP] = {.name = "ftp",
			  .hear = hear_line,
			  .turns = {{.answer = "220", .more = "220-"},
				    {WORDS("AUTH TLS\r\n"), .answer = "234", .more = "234-"}}},
	[STARTTLS_POSTGRES] = {.name = "postgres",
			       .hear = hear_byte,
			       .turns = {{WORDS("\0\0\0\x08\x04\xd2\x16\x2f"), .answer = "S"}}},
	[STARTTLS_LDAP] = {.name = "ldap",
			   .hear = starttls_hear_ldap,
			   .turns = {{WORDS("\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
					    "1.3.6.1.4.1.1466.20037"),
				      .answer = "\x01"}}},
	[STARTTLS_XMPP] = {.name = "xmpp",
			   .hear = starttls_hear_xmpp,
			   .turns = {{WORDS("<?xml version='1.0'?><stream:stream to='" HOST "' xmlns='jabber:client' "
					    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"),
				      .answer = "stream:features"},
				     {WORDS("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
				      .answer = "proceed"}}},
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

const struct starttls_turn *starttls_turn(const struct starttls *dialogue)
{
	return &protocols[dialogue->protocol].turns[dialogue->turn];
}

static void put_words(struct starttls *dialogue, const char *words, size_t len)
{
	if (len > sizeof(dialogue->words) - dialogue->words_len)
		len = sizeof(dialogue->words) - dialogue->words_len;
	memcpy(dialogue->words + dialogue->words_len, words, len);
	dialogue->words_len += len;
}

/* At the beginning of a turn. */
static enum starttls_next take_turn(struct starttls *dialogue)
{
	const struct starttls_turn *turn = starttls_turn(dialogue);

	dialogue->words_len = 0;
	if (turn->answer == NULL)
		return STARTTLS_SHAKE_HANDS;
	if (turn->say == NULL)
		return STARTTLS_LISTEN;
	const char *at = memmem(turn->say, turn->say_len, HOST, strlen(HOST));
	size_t before = at != NULL ? (size_t)(at - turn->say) : turn->say_len;
	put_words(dialogue, turn->say, before);
	if (at != NULL) {
		put_words(dialogue, dialogue->host, strlen(dialogue->host));
		put_words(dialogue, at + strlen(HOST), turn->say_len - before - strlen(HOST));
	}
	return STARTTLS_SAY;
}

enum starttls_next starttls_begin(struct starttls *dialogue, enum starttls_protocol protocol, const char *host)
{
	*dialogue = (struct starttls){.protocol = protocol};
	dialogue->host = host != NULL && host_is_valid(host) ? host : "";
	return take_turn(dialogue);
}

const char *starttls_words(const struct starttls *dialogue, size_t *ret_len)
{
	*ret_len = dialogue->words_len;
	return dialogue->words;
}

enum starttls_heard starttls_refuse(struct starttls *dialogue, const char *why)
{
	dialogue->why = why;
	return STARTTLS_HEARD_REFUSAL;
}

/* ---- protocols of lines, and of single bytes ---- */

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
	return begins(dialogue, starttls_turn(dialogue)->more) || (dialogue->continued && begins(dialogue, " "));
}

static enum starttls_heard judge_line(struct starttls *dialogue)
{
	if (++dialogue->lines > LIMIT_STARTTLS_LINES)
		return starttls_refuse(dialogue, "it talks without end");
	if (is_answer(dialogue, starttls_turn(dialogue)->answer)) {
		dialogue->continued = false;
		return STARTTLS_HEARD_ANSWER;
	}
	if (!is_continuation(dialogue))
		return starttls_refuse(dialogue, "it refuses, or speaks another protocol");
	dialogue->continued = true;
	dialogue->len = 0;
	return STARTTLS_HEARD_PART;
}

static enum starttls_heard hear_line(struct starttls *dialogue, char byte)
{
	if (byte == '\n') {
		if (dialogue->len > 0 && dialogue->line[dialogue->len - 1] == '\r')
			dialogue->len--;
		return judge_line(dialogue);
	}
	if (dialogue->len == sizeof(dialogue->line))
		return starttls_refuse(dialogue, "it sends a line without end");
	dialogue->line[dialogue->len++] = byte;
	return STARTTLS_HEARD_PART;
}

static enum starttls_heard hear_byte(struct starttls *dialogue, char byte)
{
	dialogue->line[0] = byte;
	dialogue->len = 1;
	return judge_line(dialogue);
}

/* ---- any of them ---- */

static enum starttls_next take_byte(struct starttls *dialogue, char byte)
{
	switch (protocols[dialogue->protocol].hear(dialogue, byte)) {
	case STARTTLS_HEARD_ANSWER:
		dialogue->turn++;
		dialogue->len = 0;
		return take_turn(dialogue);
	case STARTTLS_HEARD_PART:
		return STARTTLS_LISTEN;
	case STARTTLS_HEARD_REFUSAL:
		break;
	}
	return STARTTLS_REFUSED;
}

enum starttls_next starttls_hear(struct starttls *dialogue, const void *data, size_t len)
{
	const char *bytes = data;
	enum starttls_next next = STARTTLS_LISTEN;
	size_t at = 0;

	while (at < len && next == STARTTLS_LISTEN)
		next = take_byte(dialogue, bytes[at++]);
	if (next == STARTTLS_REFUSED || next == STARTTLS_LISTEN || at == len)
		return next;
	(void)starttls_refuse(dialogue, "it went on talking before it was asked");
	return STARTTLS_REFUSED;
}

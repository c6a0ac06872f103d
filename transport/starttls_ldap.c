/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LDAP's answer to StartTLS (RFC 4511 §4.12, §4.14): one message, whose own length says where it ends. It is kept whole
 * before anything in it is read.
 */
#include "base/reader.h"
#include "transport/starttls_internal.h"

#include <stdio.h>
#include <string.h>

/* X.690's tags, as they stand in the first byte; the numbers of RFC 4511. */
enum {
	SEQUENCE = 0x30,
	INTEGER = 0x02,
	ENUMERATED = 0x0a,
	OCTET_STRING = 0x04,
	EXTENDED_RESPONSE = 0x78,
	LONG_FORM = 0x80,
	LENGTH_MASK = 0x7f,
	LENGTH_BYTES = 4, /* of a length in its long form: some servers always write it so */
	HEADER = 2,
};

static const char not_ldap[] = "it speaks another protocol";

/* Of the message that the line begins with; 0 while that has not come, UINT64_MAX where it has none. */
static uint64_t message_size(const struct starttls *dialogue)
{
	const unsigned char *bytes = (const unsigned char *)dialogue->line;
	uint64_t size = 0;

	if (dialogue->len < HEADER)
		return 0;
	if ((bytes[1] & LONG_FORM) == 0)
		return HEADER + bytes[1];
	size_t more = bytes[1] & LENGTH_MASK;
	if (more == 0 || more > LENGTH_BYTES)
		return UINT64_MAX;
	if (dialogue->len < HEADER + more)
		return 0;
	for (size_t i = 0; i < more; i++)
		size = size << 8 | bytes[HEADER + i];
	return HEADER + more + size;
}

/* What is in the next element, which must have TAG. */
static struct reader get_element(struct reader *reader, uint8_t tag)
{
	struct reader content;
	uint8_t found = reader_u8(reader);
	size_t len = reader_u8(reader);

	if ((len & LONG_FORM) != 0) {
		size_t more = len & LENGTH_MASK;
		if (more == 0 || more > LENGTH_BYTES)
			reader->failed = true;
		for (len = 0; more > 0 && !reader->failed; more--)
			len = len << 8 | reader_u8(reader);
	}
	const unsigned char *data = reader_bytes(reader, len);
	if (found != tag)
		reader->failed = true;
	reader_init(&content, data, data != NULL ? len : 0);
	return content;
}

/* A number that is not negative and fits into a byte, as those are that this is about. */
static uint8_t get_number(struct reader *reader, uint8_t tag)
{
	struct reader content = get_element(reader, tag);
	uint8_t number = reader_u8(&content);

	if (!reader_finished(&content))
		reader->failed = true;
	return number;
}

/* The server's words in place of the message that holds them. */
static void keep_words(struct starttls *dialogue, unsigned code, const struct reader *words)
{
	char text[sizeof(dialogue->line)];
	int shown = (int)reader_left(words);
	int len = snprintf(text, sizeof(text), "result %u%s%.*s", code, shown > 0 ? ": " : "", shown,
			   (const char *)words->at);

	dialogue->len = len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1;
	memcpy(dialogue->line, text, dialogue->len);
}

static enum starttls_heard judge_message(struct starttls *dialogue)
{
	struct reader reader, message, response, words;

	reader_init(&reader, dialogue->line, dialogue->len);
	message = get_element(&reader, SEQUENCE);
	uint8_t number = get_number(&message, INTEGER);
	response = get_element(&message, EXTENDED_RESPONSE);
	unsigned code = get_number(&response, ENUMERATED);
	(void)get_element(&response, OCTET_STRING); /* a name that was found: none here */
	words = get_element(&response, OCTET_STRING);
	if (!reader_finished(&reader) || message.failed || response.failed) {
		dialogue->len = 0;
		return starttls_refuse(dialogue, not_ldap);
	}
	/* The number 0 is a notice that nobody asked for: of disconnection, say. */
	if (code == 0 && number == (uint8_t)starttls_turn(dialogue)->answer[0])
		return STARTTLS_HEARD_ANSWER;
	keep_words(dialogue, code, &words);
	return starttls_refuse(dialogue, "it refuses");
}

enum starttls_heard starttls_hear_ldap(struct starttls *dialogue, char byte)
{
	dialogue->line[dialogue->len++] = byte;
	if (dialogue->line[0] != SEQUENCE)
		return starttls_refuse(dialogue, not_ldap);
	uint64_t size = message_size(dialogue);
	if (size > sizeof(dialogue->line)) {
		dialogue->len = 0;
		return starttls_refuse(dialogue, "it sends a message without end");
	}
	return size == dialogue->len ? judge_message(dialogue) : STARTTLS_HEARD_PART;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is said before TLS: each protocol's dialogue, refusals, and servers that talk out of turn or without end. */
#include "transport/starttls.h"

#include "tests/support/test.h"

#include <string.h>

/* A dialogue as it should go: what the server says, what we answer to it, in turns; we begin where the first is "". */
static const struct {
	enum starttls_protocol protocol;
	const char *turns[6];
} good[] = {
	{STARTTLS_SMTP,
	 {"220-mail.example.com\r\n220 ESMTP\r\n", "EHLO localhost\r\n",
	  "250-mail.example.com\r\n250-STARTTLS\r\n250 SIZE 10\r\n", "STARTTLS\r\n", "220 2.0.0 Ready\r\n"}},
	{STARTTLS_SMTP, {"220\r\n", "EHLO localhost\r\n", "250 mail\n", "STARTTLS\r\n", "220 go\n"}},
	{STARTTLS_IMAP, {"* OK [CAPABILITY STARTTLS] hello\r\n", "a STARTTLS\r\n", "* 1 EXISTS\r\na ok begin\r\n"}},
	{STARTTLS_POP3, {"+OK hello <1@mail>\r\n", "STLS\r\n", "+OK\r\n"}},
	{STARTTLS_SIEVE,
	 {"\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK\r\n", "STARTTLS\r\n", "OK (TRYLATER) \"go\"\r\n"}},
	{STARTTLS_FTP, {"220-Welcome\r\n to this place\r\n220 ready\r\n", "AUTH TLS\r\n", "234 go\r\n"}},
};

TEST(each_protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct starttls dialogue;
		size_t len = 0;
		CHECK_INT(starttls_begin(&dialogue, good[i].protocol), STARTTLS_LISTEN);
		for (const char *const *turn = good[i].turns; *turn != NULL; turn += 2) {
			enum starttls_next next = starttls_hear(&dialogue, turn[0], strlen(turn[0]));
			if (turn[1] == NULL) {
				CHECK_INT(next, STARTTLS_SHAKE_HANDS);
				break;
			}
			CHECK_INT(next, STARTTLS_SAY);
			const char *words = starttls_words(&dialogue, &len);
			CHECK_INT(len, strlen(turn[1]));
			CHECK(memcmp(words, turn[1], len) == 0);
		}
	}
}

TEST(postgres_is_asked_first_and_answers_with_one_byte)
{
	struct starttls dialogue;
	size_t len = 0;
	CHECK_INT(starttls_begin(&dialogue, STARTTLS_POSTGRES), STARTTLS_SAY);
	const char *words = starttls_words(&dialogue, &len);
	CHECK_INT(len, 8);
	CHECK(memcmp(words, "\0\0\0\x08\x04\xd2\x16\x2f", 8) == 0);
	CHECK_INT(starttls_hear(&dialogue, "S", 1), STARTTLS_SHAKE_HANDS);
	CHECK_INT(starttls_begin(&dialogue, STARTTLS_POSTGRES), STARTTLS_SAY);
	CHECK_INT(starttls_hear(&dialogue, "N", 1), STARTTLS_REFUSED);
	CHECK_INT(starttls_begin(&dialogue, STARTTLS_NONE), STARTTLS_SHAKE_HANDS);
}

TEST(refusals_are_kept_with_their_words)
{
	static const struct {
		enum starttls_protocol protocol;
		const char *said, *line;
	} cases[] = {
		{STARTTLS_SMTP, "554 5.7.1 go away\r\n", "554 5.7.1 go away"},
		{STARTTLS_SMTP, "220-mail\r\n221 bye\r\n", "221 bye"},
		{STARTTLS_SMTP, "2200 mail\r\n", "2200 mail"},
		{STARTTLS_IMAP, "* BYE overloaded\r\n", "* BYE overloaded"},
		{STARTTLS_IMAP, "* PREAUTH hello\r\n", "* PREAUTH hello"},
		{STARTTLS_POP3, "-ERR no\r\n", "-ERR no"},
		{STARTTLS_SIEVE, "BYE \"no\"\r\n", "BYE \"no\""},
		{STARTTLS_FTP, " 220 no reply has begun\r\n", " 220 no reply has begun"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct starttls dialogue;
		CHECK_INT(starttls_begin(&dialogue, cases[i].protocol), STARTTLS_LISTEN);
		CHECK_INT(starttls_hear(&dialogue, cases[i].said, strlen(cases[i].said)), STARTTLS_REFUSED);
		CHECK_INT(dialogue.len, strlen(cases[i].line));
		CHECK(memcmp(dialogue.line, cases[i].line, dialogue.len) == 0);
		CHECK_CONTAINS(dialogue.why, "refuses");
	}
}

static void check_out_of_turn(enum starttls_protocol protocol, const char *said)
{
	struct starttls dialogue;
	(void)starttls_begin(&dialogue, protocol);
	CHECK_INT(starttls_hear(&dialogue, said, strlen(said)), STARTTLS_REFUSED);
	CHECK_CONTAINS(dialogue.why, "before it was asked");
}

TEST(nothing_may_stand_behind_an_answer)
{
	struct starttls dialogue;
	check_out_of_turn(STARTTLS_SMTP, "220 mail\r\n250 mail\r\n");
	check_out_of_turn(STARTTLS_IMAP, "* OK\r\na OK begin\r\n");
	check_out_of_turn(STARTTLS_POSTGRES, "SE");
	/* The case that matters: what would be read as part of the handshake. */
	CHECK_INT(starttls_begin(&dialogue, STARTTLS_POP3), STARTTLS_LISTEN);
	CHECK_INT(starttls_hear(&dialogue, "+OK\r\n", 5), STARTTLS_SAY);
	CHECK_INT(starttls_hear(&dialogue, "+OK\r\n\x16\x03\x03", 8), STARTTLS_REFUSED);
}

TEST(lines_and_answers_end_somewhere)
{
	struct starttls dialogue;
	enum starttls_next next = starttls_begin(&dialogue, STARTTLS_SMTP);
	for (size_t i = 0; i < LIMIT_STARTTLS_LINE; i++) {
		CHECK_INT(next, STARTTLS_LISTEN);
		next = starttls_hear(&dialogue, "x", 1);
	}
	CHECK_INT(next, STARTTLS_LISTEN);
	CHECK_INT(starttls_hear(&dialogue, "x", 1), STARTTLS_REFUSED);
	CHECK_CONTAINS(dialogue.why, "line without end");

	next = starttls_begin(&dialogue, STARTTLS_SMTP);
	for (size_t i = 0; i < LIMIT_STARTTLS_LINES; i++) {
		CHECK_INT(next, STARTTLS_LISTEN);
		next = starttls_hear(&dialogue, "220-x\r\n", 7);
	}
	CHECK_INT(next, STARTTLS_LISTEN);
	CHECK_INT(starttls_hear(&dialogue, "220-x\r\n", 7), STARTTLS_REFUSED);
	CHECK_CONTAINS(dialogue.why, "talks without end");
}

TEST(names_of_the_config)
{
	enum starttls_protocol protocol = STARTTLS_NONE;
	CHECK(starttls_find("postgres", &protocol));
	CHECK_INT(protocol, STARTTLS_POSTGRES);
	CHECK_STR(starttls_name(STARTTLS_SIEVE), "sieve");
	CHECK(!starttls_find("xmpp", &protocol) && !starttls_find("", &protocol) && !starttls_find(NULL, &protocol));
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* What is said before TLS: each protocol's dialogue, refusals, and servers that talk out of turn or without end. */
#include "transport/starttls.h"

#include "tests/support/test.h"

#include <stdio.h>
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
		CHECK_INT(starttls_begin(&dialogue, good[i].protocol, NULL), STARTTLS_LISTEN);
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
	CHECK_INT(starttls_begin(&dialogue, STARTTLS_POSTGRES, NULL), STARTTLS_SAY);
	const char *words = starttls_words(&dialogue, &len);
	CHECK_INT(len, 8);
	CHECK(memcmp(words, "\0\0\0\x08\x04\xd2\x16\x2f", 8) == 0);
	CHECK_INT(starttls_hear(&dialogue, "S", 1), STARTTLS_SHAKE_HANDS);
	CHECK_INT(starttls_begin(&dialogue, STARTTLS_POSTGRES, NULL), STARTTLS_SAY);
	CHECK_INT(starttls_hear(&dialogue, "N", 1), STARTTLS_REFUSED);
	CHECK_INT(starttls_begin(&dialogue, STARTTLS_NONE, NULL), STARTTLS_SHAKE_HANDS);
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
		CHECK_INT(starttls_begin(&dialogue, cases[i].protocol, NULL), STARTTLS_LISTEN);
		CHECK_INT(starttls_hear(&dialogue, cases[i].said, strlen(cases[i].said)), STARTTLS_REFUSED);
		CHECK_INT(dialogue.len, strlen(cases[i].line));
		CHECK(memcmp(dialogue.line, cases[i].line, dialogue.len) == 0);
		CHECK_CONTAINS(dialogue.why, "refuses");
	}
}

static void check_out_of_turn(enum starttls_protocol protocol, const char *said)
{
	struct starttls dialogue;
	(void)starttls_begin(&dialogue, protocol, NULL);
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
	CHECK_INT(starttls_begin(&dialogue, STARTTLS_POP3, NULL), STARTTLS_LISTEN);
	CHECK_INT(starttls_hear(&dialogue, "+OK\r\n", 5), STARTTLS_SAY);
	CHECK_INT(starttls_hear(&dialogue, "+OK\r\n\x16\x03\x03", 8), STARTTLS_REFUSED);
}

TEST(lines_and_answers_end_somewhere)
{
	struct starttls dialogue;
	enum starttls_next next = starttls_begin(&dialogue, STARTTLS_SMTP, NULL);
	for (size_t i = 0; i < LIMIT_STARTTLS_LINE; i++) {
		CHECK_INT(next, STARTTLS_LISTEN);
		next = starttls_hear(&dialogue, "x", 1);
	}
	CHECK_INT(next, STARTTLS_LISTEN);
	CHECK_INT(starttls_hear(&dialogue, "x", 1), STARTTLS_REFUSED);
	CHECK_CONTAINS(dialogue.why, "line without end");

	next = starttls_begin(&dialogue, STARTTLS_SMTP, NULL);
	for (size_t i = 0; i < LIMIT_STARTTLS_LINES; i++) {
		CHECK_INT(next, STARTTLS_LISTEN);
		next = starttls_hear(&dialogue, "220-x\r\n", 7);
	}
	CHECK_INT(next, STARTTLS_LISTEN);
	CHECK_INT(starttls_hear(&dialogue, "220-x\r\n", 7), STARTTLS_REFUSED);
	CHECK_CONTAINS(dialogue.why, "talks without end");
}

/* ---- LDAP ---- */

#define LDAP_REQUEST                           \
	"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" \
	"1.3.6.1.4.1.1466.20037"

/* What comes of LEN bytes of an LDAP server's. */
static enum starttls_next hear_ldap(struct starttls *dialogue, const void *bytes, size_t len)
{
	CHECK_INT(starttls_begin(dialogue, STARTTLS_LDAP, "example.com"), STARTTLS_SAY);
	return starttls_hear(dialogue, bytes, len);
}

#define HEAR_LDAP(dialogue, text) hear_ldap((dialogue), (text), sizeof(text) - 1)

TEST(ldap_is_asked_by_an_extended_request)
{
	static const char long_form[] = "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07"
					"\x0a\x01\x00\x04\x00\x04\x00";
	static const char with_name[] = "\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x16"
					"1.3.6.1.4.1.1466.20037";
	struct starttls dialogue;
	size_t len = 0;
	CHECK_INT(HEAR_LDAP(&dialogue, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04"), STARTTLS_LISTEN);
	CHECK_INT(starttls_hear(&dialogue, "", 1), STARTTLS_SHAKE_HANDS); /* its last byte */
	CHECK_INT(starttls_begin(&dialogue, STARTTLS_LDAP, NULL), STARTTLS_SAY);
	const char *words = starttls_words(&dialogue, &len);
	CHECK_INT(len, sizeof(LDAP_REQUEST) - 1);
	CHECK(memcmp(words, LDAP_REQUEST, len) == 0);
	CHECK_INT(HEAR_LDAP(&dialogue, long_form), STARTTLS_SHAKE_HANDS);
	CHECK_INT(HEAR_LDAP(&dialogue, with_name), STARTTLS_SHAKE_HANDS);
}

TEST(ldap_refusals_are_kept_with_number_and_words)
{
	struct starttls dialogue;
	CHECK_INT(HEAR_LDAP(&dialogue, "\x30\x12\x02\x01\x01\x78\x0d\x0a\x01\x34\x04\x00\x04\x06no TLS"),
		  STARTTLS_REFUSED);
	CHECK_INT(dialogue.len, 17);
	CHECK(memcmp(dialogue.line, "result 52: no TLS", dialogue.len) == 0);
	CHECK_INT(HEAR_LDAP(&dialogue, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"), STARTTLS_REFUSED);
	CHECK_INT(dialogue.len, 8);
	CHECK(memcmp(dialogue.line, "result 2", dialogue.len) == 0);
	CHECK_STR(dialogue.why, "it refuses");
}

TEST(what_is_no_answer_of_ldap)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} cases[] = {
		{"220 mail ESMTP\r\n", 16, "another protocol"},
		{"\x30\x80", 2, "without end"}, /* an indefinite length, which LDAP forbids */
		{"\x30\x85\x00\x00\x00\x00\x01", 7, "without end"},
		{"\x30\x84\xff\xff\xff\xff", 6, "without end"}, /* 4 GiB are on the way */
		{"\x30\x82\x07\xfd", 4, "without end"},         /* one byte more than there is room for */
		{"\x30\x00", 2, "another protocol"},
		{"\x30\x05\x02\x01\x01\x78\x00", 7, "another protocol"},
		{"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00", 14, "another protocol"}, /* BindResponse */
		{"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x7f", 14,
		 "another protocol"}, /* beyond its end */
		{"\x30\x0d\x02\x01\x01\x78\x08\x0a\x02\x01\x00\x04\x00\x04\x00", 15, "another protocol"},
		{"\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\x00\x04\x00\x04\x00", 14, "refuses"}, /* to another question */
		{"\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x00\x04\x00\x04\x00", 14, "refuses"}, /* a notice */
		{"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00\x16", 15, "before it was asked"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct starttls dialogue;
		CHECK_INT(hear_ldap(&dialogue, cases[i].bytes, cases[i].len), STARTTLS_REFUSED);
		CHECK_CONTAINS(dialogue.why, cases[i].why);
	}
}

/* ---- XMPP ---- */

#define STREAM "<?xml version='1.0'?><stream:stream from='example.com' id='a>b' version='1.0'>"

/* What comes of TEXT behind the stream's beginning, asked for features. */
static enum starttls_next hear_xmpp(struct starttls *dialogue, const char *text)
{
	CHECK_INT(starttls_begin(dialogue, STARTTLS_XMPP, "example.com"), STARTTLS_SAY);
	return starttls_hear(dialogue, text, strlen(text));
}

TEST(xmpp_names_its_domain)
{
	static const char *const hosts[] = {"example.com", NULL, "a'/><evil/>", ""};
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct starttls dialogue;
		char expected[256];
		size_t len = 0;
		CHECK_INT(starttls_begin(&dialogue, STARTTLS_XMPP, hosts[i]), STARTTLS_SAY);
		const char *words = starttls_words(&dialogue, &len);
		(void)snprintf(expected, sizeof(expected),
			       "<?xml version='1.0'?><stream:stream to='%s' xmlns='jabber:client' "
			       "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
			       i == 0 ? "example.com" : "");
		CHECK_INT(len, strlen(expected));
		CHECK(memcmp(words, expected, len) == 0);
	}
}

TEST(xmpp_as_servers_speak_it)
{
	static const char *const features[] = {
		STREAM "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
		       "</stream:features>",
		"\n" STREAM
		"\r\n <stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>",
		STREAM "<stream:features/>", /* what it announces is not looked at */
	};
	static const char *const consent[] = {"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
					      " <proceed xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\"></proceed>"};
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		struct starttls dialogue;
		size_t len = 0;
		CHECK_INT(hear_xmpp(&dialogue, features[i]), STARTTLS_SAY);
		const char *words = starttls_words(&dialogue, &len);
		static const char request[] = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
		CHECK_INT(len, strlen(request));
		CHECK(memcmp(words, request, len) == 0);
		CHECK_INT(starttls_hear(&dialogue, consent[i % 2], strlen(consent[i % 2])), STARTTLS_SHAKE_HANDS);
	}
}

TEST(xmpp_refusals_are_kept_with_their_words)
{
	static const struct {
		const char *said, *line;
	} cases[] = {
		{STREAM "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
		 "<host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"},
		{STREAM "<stream:error></stream:error>", "</stream:error>"},
		{STREAM "</stream:stream>", "</stream:stream>"},
		{STREAM "<message/>", "<message/>"},
		{STREAM "<proceed/>", "<proceed/>"}, /* to what was not asked yet */
		{STREAM "<stream:featuresque/>", "<stream:featuresque/>"},
		{"<stream:stream/>", "<stream:stream/>"},
		{"<html>", "<html>"},
		{"<>", "<>"},
		{"</>", "</>"},
		{"<!-", "<!"},
		{STREAM "<stream:features><!DOCTYPE x>", "<!"},
		{STREAM "<?xml version='1.0'?>", "<?xml version='1.0'?>"},
		{"<stream:stream <", "<stream:stream <"},
		{"220 mail ESMTP\r\n", "220 mail ESMTP\r"},
		{STREAM "text<", "text"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct starttls dialogue;
		CHECK_INT(hear_xmpp(&dialogue, cases[i].said), STARTTLS_REFUSED);
		CHECK_CONTAINS(dialogue.why, "refuses");
		CHECK_INT(dialogue.len, strlen(cases[i].line));
		CHECK(memcmp(dialogue.line, cases[i].line, dialogue.len) == 0);
	}
	struct starttls dialogue;
	CHECK_INT(hear_xmpp(&dialogue, STREAM "<stream:features/>"), STARTTLS_SAY);
	CHECK_INT(starttls_hear(&dialogue, "<failure/></stream:stream>", 10), STARTTLS_REFUSED);
	CHECK(dialogue.len == 10 && memcmp(dialogue.line, "<failure/>", 10) == 0);
}

TEST(xmpp_says_nothing_behind_its_consent)
{
	struct starttls dialogue;
	CHECK_INT(hear_xmpp(&dialogue, STREAM "<stream:features/><proceed/>"), STARTTLS_REFUSED);
	CHECK_CONTAINS(dialogue.why, "before it was asked");
	CHECK_INT(hear_xmpp(&dialogue, STREAM "<stream:features/>"), STARTTLS_SAY);
	CHECK_INT(starttls_hear(&dialogue, "<proceed/>\x16\x03\x03", 13), STARTTLS_REFUSED);
	CHECK_CONTAINS(dialogue.why, "before it was asked");
}

TEST(xmpp_ends_somewhere)
{
	static const struct {
		const char *begins, *goes_on, *why;
	} cases[] = {
		{STREAM "<stream:features>", "<a>", "talks without end"},
		{STREAM "<stream:features>", "<a/>", "talks without end"},
		{STREAM "<stream:features>", "text", "text without end"},
		{"", " ", "text without end"},
		{"<stream:stream x='", "<>", "tag without end"},
		{"<a", "a", "tag without end"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct starttls dialogue;
		enum starttls_next next = hear_xmpp(&dialogue, cases[i].begins);
		for (size_t n = 0; n <= LIMIT_STARTTLS_LINE && next == STARTTLS_LISTEN; n++)
			next = starttls_hear(&dialogue, cases[i].goes_on, strlen(cases[i].goes_on));
		CHECK_INT(next, STARTTLS_REFUSED);
		CHECK_CONTAINS(dialogue.why, cases[i].why);
	}
}

TEST(names_of_the_config)
{
	enum starttls_protocol protocol = STARTTLS_NONE;
	CHECK(starttls_find("postgres", &protocol));
	CHECK_INT(protocol, STARTTLS_POSTGRES);
	CHECK_STR(starttls_name(STARTTLS_SIEVE), "sieve");
	CHECK(starttls_find("xmpp", &protocol));
	CHECK_INT(protocol, STARTTLS_XMPP);
	CHECK(!starttls_find("xmpp-server", &protocol) && !starttls_find("", &protocol) &&
	      !starttls_find(NULL, &protocol));
}

TEST_MAIN()

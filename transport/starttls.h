/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said before TLS begins on a port that speaks another protocol first. Pure: the server's bytes go in, what to
 * do next comes out; the probe carries them. Fuzzed.
 */
#ifndef TRANSPORT_STARTTLS_H
#define TRANSPORT_STARTTLS_H

#include "base/compiler.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>

enum starttls_protocol {
	STARTTLS_NONE, /* TLS from the first byte */
	STARTTLS_SMTP,
	STARTTLS_IMAP,
	STARTTLS_POP3,
	STARTTLS_SIEVE,
	STARTTLS_FTP,
	STARTTLS_POSTGRES,
	STARTTLS_LDAP,
	STARTTLS_XMPP, /* as a client does: servers among themselves have a stream of another kind */
};

enum { STARTTLS_PROTOCOLS = STARTTLS_XMPP + 1 };

/* "none", "smtp", …, as the config has them. False for any other word. */
MUST_CHECK bool starttls_find(const char *word, enum starttls_protocol *ret);
const char *starttls_name(enum starttls_protocol protocol);

enum starttls_next {
	STARTTLS_LISTEN,      /* hand in more of the server's bytes */
	STARTTLS_SAY,         /* send starttls_words(), then listen */
	STARTTLS_SHAKE_HANDS, /* the next bytes are TLS */
	STARTTLS_REFUSED,     /* `why`, about `line` */
};

/* How far into a stream of XML elements. */
struct starttls_xml {
	unsigned depth; /* elements that are open, the stream's own included */
	bool tag;       /* within one */
	char quote;     /* within an attribute's value: what ends it */
	bool failing;   /* a stream's error is open: what it holds says which */
};

struct starttls {
	enum starttls_protocol protocol;
	const char *host; /* borrowed */
	size_t turn;      /* of the protocol's table */
	unsigned lines;
	bool continued; /* a reply of several lines is under way */
	struct starttls_xml xml;
	const char *why;
	size_t words_len;
	char words[LIMIT_STARTTLS_WORDS];
	size_t len;
	char line[LIMIT_STARTTLS_LINE]; /* without its end; a tag with it; of LDAP, at a refusal, its words */
};

/*
 * HOST, which stays the caller's until the end, is who is asked for where a protocol names somebody before TLS (XMPP);
 * NULL, or no host's name: nobody.
 */
enum starttls_next starttls_begin(struct starttls *dialogue, enum starttls_protocol protocol, const char *host);

/* What is to be sent, borrowed until the next call. Not only text. */
const char *starttls_words(const struct starttls *dialogue, size_t *ret_len);

/*
 * LEN bytes of the server's, as they arrive. One that goes on talking before it is asked is refused: what stands in
 * the way of the handshake may be anybody's.
 */
enum starttls_next starttls_hear(struct starttls *dialogue, const void *data, size_t len);

#endif

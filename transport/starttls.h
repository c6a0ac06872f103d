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
};

/* "none", "smtp", …, as the config has them. False for any other word. */
MUST_CHECK bool starttls_find(const char *word, enum starttls_protocol *ret);
const char *starttls_name(enum starttls_protocol protocol);

enum starttls_next {
	STARTTLS_LISTEN,      /* hand in more of the server's bytes */
	STARTTLS_SAY,         /* send starttls_words(), then listen */
	STARTTLS_SHAKE_HANDS, /* the next bytes are TLS */
	STARTTLS_REFUSED,     /* `why`, about `line` */
};

struct starttls {
	enum starttls_protocol protocol;
	size_t turn; /* of the protocol's table */
	unsigned lines;
	bool continued; /* a reply of several lines is under way */
	const char *why;
	size_t len;
	char line[LIMIT_STARTTLS_LINE]; /* without its end */
};

enum starttls_next starttls_begin(struct starttls *dialogue, enum starttls_protocol protocol);

/* What is to be sent, borrowed and static. Not only text. */
const char *starttls_words(const struct starttls *dialogue, size_t *ret_len);

/*
 * LEN bytes of the server's, as they arrive. One that goes on talking before it is asked is refused: what stands in
 * the way of the handshake may be anybody's.
 */
enum starttls_next starttls_hear(struct starttls *dialogue, const void *data, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dialogues before TLS share: each protocol hears one byte more, and says whether that completes what its turn
 * waits for. Only for starttls.c and the protocols that are not made of lines.
 */
#ifndef TRANSPORT_STARTTLS_INTERNAL_H
#define TRANSPORT_STARTTLS_INTERNAL_H

#include "transport/starttls.h"

struct starttls_turn {
	const char *say; /* NULL: the server speaks first */
	size_t say_len;
	const char *answer;
	const char *more; /* NULL: there is nothing before the answer */
};

enum starttls_heard {
	STARTTLS_HEARD_PART,
	STARTTLS_HEARD_ANSWER,
	STARTTLS_HEARD_REFUSAL, /* `why`, about `line` */
};

/* The turn that it is. */
const struct starttls_turn *starttls_turn(const struct starttls *dialogue);

/* WHY, static; what it is about is the line. */
enum starttls_heard starttls_refuse(struct starttls *dialogue, const char *why);

enum starttls_heard starttls_hear_ldap(struct starttls *dialogue, char byte);
enum starttls_heard starttls_hear_xmpp(struct starttls *dialogue, char byte);

#endif

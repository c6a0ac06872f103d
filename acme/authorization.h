/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorizations and the challenges they offer, RFC 8555 §7.1.4, §7.1.5, §8.
 */
#ifndef ACME_AUTHORIZATION_H
#define ACME_AUTHORIZATION_H

#include "acme/challenge.h"

/* RFC 8555 §7.1.6. */
enum authorization_status {
	AUTHORIZATION_PENDING,
	AUTHORIZATION_VALID,
	AUTHORIZATION_INVALID,
	AUTHORIZATION_DEACTIVATED,
	AUTHORIZATION_EXPIRED,
	AUTHORIZATION_REVOKED,
	AUTHORIZATION_OTHER, /* unknown to this version */
};

struct authorization {
	enum authorization_status status;
	struct identifier identifier; /* as ordered: "*." is put back where `wildcard` says so (§7.1.4) */
	struct challenge *challenges; /* in the CA's order, which means nothing */
	size_t challenge_count;
};

const char *authorization_status_name(enum authorization_status status);

/*
 * LEN bytes of TEXT as an authorization. Challenges of unknown types are kept by their name only, whatever else they
 * hold. ERROR_DATA otherwise.
 */
MUST_CHECK bool authorization_parse(const char *text, size_t len, struct authorization *ret, struct error *err);

/*
 * The challenge of TYPE, borrowed, its url and token checked. NULL with ERR (ERROR_CA) naming what the CA offers
 * instead.
 */
MUST_CHECK const struct challenge *authorization_choose(const struct authorization *authorization,
							enum challenge_type type, struct error *err);

/* Append "NAME (TYPE): what the CA said" for each challenge that failed, a line each; ERR, if empty, takes over the
 * first one's type, advice and transience. */
void authorization_failures(const struct authorization *authorization, struct buf *said, struct error *err);

/*
 * Add to ERR, for each challenge that failed, the name and why: the parts of a compound error, else the error itself
 * (§6.7.1).
 */
void authorization_parts(const struct authorization *authorization, struct error *err);

void authorization_done(struct authorization *authorization);

#endif

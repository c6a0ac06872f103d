/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs as a CA may give them: checked strictly, then used byte for byte. Only scheme, host and port are taken apart.
 */
#ifndef ACME_URL_H
#define ACME_URL_H

#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a URL leads to; what follows the authority is left to its owner. */
struct acme_url {
	bool secure;    /* https */
	char host[256]; /* lower case, an IPv6 literal with its brackets */
	uint16_t port;  /* the scheme's own where none is written */
};

/*
 * TEXT as an absolute http or https URL of at most LIMIT_URL bytes: RFC 3986's characters only, no user, no fragment.
 * ERROR_DATA with the reason otherwise.
 */
MUST_CHECK bool acme_url_parse(const char *text, struct acme_url *ret, struct error *err);

/*
 * TARGET of LEN bytes, from a Link header of the answer to BASE (a URL that has passed acme_url_parse()), as an
 * absolute URL: RFC 3986 §5.2 without dot segments, which no CA sends. malloc'd, and not checked:
 * acme_session_check_url() is still to be asked. NULL with ERR (ERROR_DATA) otherwise.
 */
MUST_CHECK char *acme_url_resolve(const char *base, const char *target, size_t len, struct error *err);

bool acme_url_same_origin(const struct acme_url *a, const struct acme_url *b);

/* Whether the host is a literal loopback address: 127.0.0.0/8 or [::1]. A name never is. */
bool acme_url_is_loopback(const struct acme_url *url);

#endif

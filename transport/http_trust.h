/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the trust anchors for HTTPS come from. A directory of hashed names is preferred to a bundle file: OpenSSL then
 * reads only the anchor it needs, where a bundle costs some 40 ms of parsing.
 */
#ifndef TRANSPORT_HTTP_TRUST_H
#define TRANSPORT_HTTP_TRUST_H

#include "base/buf.h"
#include "base/compiler.h"

struct error;

/* Either DIRECTORY or FILE or both, or BLOB alone, holds all anchors. */
struct http_trust {
	char *directory; /* hashed names; NULL: none */
	char *file;      /* PEM; NULL: none */
	struct buf blob; /* PEM; empty: none */
};

/*
 * The system's anchors ($SSL_CERT_DIR, $SSL_CERT_FILE, else the usual places) and those of the PEM file EXTRA (NULL:
 * none). ERROR_CONFIG when EXTRA cannot be read or holds no certificate.
 */
MUST_CHECK bool http_trust_find(const char *extra, struct http_trust *ret, struct error *err);
void http_trust_done(struct http_trust *trust);

#endif

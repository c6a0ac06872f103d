/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Signatures as ACME has them (RFC 8555 §6.2): flattened, one signature. A pure function of its arguments.
 */
#ifndef ACME_JWS_H
#define ACME_JWS_H

#include "acme/port.h"

/* The protected header, RFC 8555 §6.2. */
struct jws_header {
	const char *kid;   /* NULL: the signer's public key as `jwk` */
	const char *nonce; /* NULL: none (external account binding, §7.3.4) */
	const char *url;   /* byte for byte the request's */
};

/* PAYLOAD signed by SIGNER, appended to RET as the JSON object. PAYLOAD "" is POST-as-GET's (§6.3). */
MUST_CHECK bool jws_build(const struct acme_signer *signer, const struct jws_header *header, const char *payload,
			  struct buf *ret, struct error *err);

#endif

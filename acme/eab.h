/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External account binding, RFC 8555 §7.3.4.
 */
#ifndef ACME_EAB_H
#define ACME_EAB_H

#include "acme/account.h"
#include "base/secret.h"

API_BEGIN

/*
 * The binding of the account key with public part JWK to the CA's external account, for a newAccount sent to URL:
 * a flattened JWS (HS256 unless the EAB says otherwise, no nonce), appended to RET.
 */
MUST_CHECK bool eab_build(const struct acme_eab *eab, const char *jwk, const char *url, struct buf *ret,
			  struct error *err);

/*
 * The MAC key as CAs hand it out, decoded: base64url, or base64, with or without padding, white space around it
 * ignored. ERROR_CONFIG when it is something else or empty; its text never gets into a message.
 */
MUST_CHECK bool eab_key_decode(const struct secret *text, struct secret *ret, struct error *err);

/* Whether NAME is a MAC algorithm for acme_eab: "HS256", "HS384", "HS512". */
bool eab_alg_is_known(const char *name);

API_END

#endif

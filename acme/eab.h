/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External account binding, RFC 8555 §7.3.4.
 */
#ifndef ACME_EAB_H
#define ACME_EAB_H

#include "acme/account.h"

/*
 * The binding of the account key with public part JWK to the CA's external account, for a newAccount sent to URL:
 * a flattened JWS (HS256, no nonce), appended to RET.
 */
MUST_CHECK bool eab_build(const struct acme_eab *eab, const char *jwk, const char *url, struct buf *ret,
			  struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another key for an account, RFC 8555 §7.3.5.
 */
#ifndef ACME_KEYCHANGE_H
#define ACME_KEYCHANGE_H

#include "acme/session.h"

API_BEGIN

/*
 * The inner JWS of a key change sent to URL: signed with NEW_KEY, without a nonce, saying that ACCOUNT changes from the
 * key with public part OLD_JWK. Appended to RET. Pure.
 */
MUST_CHECK bool keychange_build(const struct acme_signer *new_key, const char *account, const char *old_jwk,
				const char *url, struct buf *ret, struct error *err);

/*
 * Change ACCOUNT's key to NEW_KEY. True only when the account has been read with the new key: some servers answer 200
 * and change nothing. On failure the CA may still have changed it (a lost answer): ask acme_account_find() with both
 * keys before either is thrown away. A 409 names the account that has the new key already.
 */
MUST_CHECK bool acme_account_change_key(struct acme_session *session, const struct acme_identity *account,
					const struct acme_signer *new_key, struct deadline deadline, struct error *err);

API_END

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation, RFC 8555 §7.6.
 */
#ifndef ACME_REVOKE_H
#define ACME_REVOKE_H

#include "acme/chain.h"
#include "acme/session.h"

API_BEGIN

/* RFC 5280 §5.3.1, as far as a subscriber may give them. */
enum revocation_reason {
	REVOCATION_UNSPECIFIED = 0,
	REVOCATION_KEY_COMPROMISE = 1,
	REVOCATION_AFFILIATION_CHANGED = 3,
	REVOCATION_SUPERSEDED = 4,
	REVOCATION_CESSATION_OF_OPERATION = 5,
	REVOCATION_CERTIFICATE_HOLD = 6,
	REVOCATION_REMOVE_FROM_CRL = 8,
	REVOCATION_PRIVILEGE_WITHDRAWN = 9,
	REVOCATION_AA_COMPROMISE = 10,
};

/* "keyCompromise", …; NULL for a number that is none. */
const char *revocation_reason_name(enum revocation_reason reason);

/*
 * TEXT as a reason: its number, or its name in any case, with or without hyphens. ERROR_USAGE otherwise, and for 2
 * (for CAs only) and 7 (not in use).
 */
MUST_CHECK bool revocation_reason_parse(const char *text, enum revocation_reason *ret, struct error *err);

/*
 * Revoke the leaf of CHAIN. SIGNED_BY is the account that ordered it (or one that may act for all of its names), or,
 * with kid NULL, the certificate's own key. A certificate that is revoked already is success: *RET_ALREADY.
 */
MUST_CHECK bool acme_revoke(struct acme_session *session, const struct acme_identity *signed_by,
			    const struct chain *chain, enum revocation_reason reason, struct deadline deadline,
			    bool *ret_already, struct error *err);

/* Whether the refusal ERR of acme_revoke() speaks against the account, so that the certificate's key may still do. */
bool revoke_is_account_refused(const struct error *err);

API_END

#endif

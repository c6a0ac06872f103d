/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that must not become a certificate's.
 */
#ifndef SERVICE_KEY_GUARD_H
#define SERVICE_KEY_GUARD_H

#include "acme/key.h"
#include "acme/port.h"
#include "store/renewal.h"

/*
 * May KEY be used for a new certificate? ERROR_STORE when it is ACCOUNT's (RFC 8555 §11.1; CAs refuse it), or when it
 * stood in a certificate that was revoked because others may have the key.
 */
MUST_CHECK bool key_guard(struct store *store, const struct key *key, const struct acme_signer *account,
			  struct error *err);

/* GENERATION's key; only its public part where a request of the user's made the certificate. */
MUST_CHECK struct key *generation_key(const struct generation *generation, struct error *err);

/* Whether GENERATION was revoked, as far as RENEWAL goes back: some fifty revocations. */
bool is_generation_revoked(const struct renewal *renewal, uint64_t generation);

/* GENERATION was revoked AT, for REASON: noted in RENEWAL, beside those before it. */
MUST_CHECK bool note_revocation(struct renewal *renewal, uint64_t generation, int64_t at, const char *reason,
				struct error *err);

/* Whether the live certificate was revoked: then it is due, and its key is not reused. */
bool is_live_revoked(const struct renewal *renewal);

#endif

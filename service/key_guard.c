/* SPDX-License-Identifier: Apache-2.0 */
/* A key is checked once more where it is about to be used, wherever it came from. */
#include "service/key_guard.h"

#include "store/revoked_key.h"

bool key_guard(struct store *store, const struct key *key, const struct acme_signer *account, struct error *err)
{
	CLEANUP(revoked_key_done) struct revoked_key revoked = {0};
	char when[RFC3339_SIZE];
	bool found = false;

	if (str_equal(key_jwk(key), account->jwk)) {
		(void)error_set(err, ERROR_STORE, "key", "the certificate's key is the account's key too");
		error_hint(err, "a certificate needs a key of its own: renew without reuse_key, or give another CSR");
		return false;
	}
	if (!revoked_key_load(store, key, &revoked, &found, err))
		return false;
	if (!found)
		return true;
	(void)error_set(err, ERROR_STORE, "key",
			"the key may be in other hands: the certificate %s was revoked for that on %s",
			revoked.certificate, rfc3339_format(revoked.revoked_at, when));
	error_hint(err, "use a new key");
	return false;
}

bool is_live_revoked(const struct renewal *renewal)
{
	return renewal->generation != 0 && renewal->revoked_generation == renewal->generation;
}

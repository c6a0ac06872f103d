/* SPDX-License-Identifier: Apache-2.0 */
/* A key is checked once more where it is about to be used, wherever it came from. */
#include "service/key_guard.h"

#include "acme/csr.h"
#include "store/revoked_key.h"

#include <string.h>

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

struct key *generation_key(const struct generation *generation, struct error *err)
{
	if (generation->request == NULL)
		return key_from_pem(&generation->privkey, err);
	CLEANUP(csr_freep) struct csr *csr = csr_parse(generation->request, strlen(generation->request), err);
	return csr != NULL ? csr_copy_key(csr, err) : NULL;
}

bool is_generation_revoked(const struct renewal *renewal, uint64_t generation)
{
	const char *rest = renewal->revoked_before != NULL ? renewal->revoked_before : "";
	if (generation != 0 && renewal->revoked_generation == generation)
		return true;
	for (size_t len = 0; *rest != '\0'; rest += len + (rest[len] == ',')) {
		uint64_t number = 0;
		len = strcspn(rest, ",");
		if (parse_u64(rest, len, UINT64_MAX, &number) && number == generation)
			return true;
	}
	return false;
}

/* The newest ones, where all do not fit. */
static bool note_earlier(struct renewal *renewal, uint64_t generation, struct error *err)
{
	enum { MOST = 200 }; /* of what a record's text holds */
	const char *before = renewal->revoked_before;
	AUTO_FREE char *text = str_format(err, "%s%s%llu", before != NULL ? before : "", before != NULL ? "," : "",
					  (unsigned long long)generation);
	if (text == NULL)
		return false;
	const char *kept = text;
	while (strlen(kept) > MOST)
		kept = strchr(kept, ',') + 1;
	return str_set(&renewal->revoked_before, kept, err);
}

bool note_revocation(struct renewal *renewal, uint64_t generation, int64_t at, const char *reason, struct error *err)
{
	if (renewal->revoked_generation != 0 && renewal->revoked_generation != generation &&
	    !note_earlier(renewal, renewal->revoked_generation, err))
		return false;
	renewal->revoked_generation = generation;
	renewal->revoked_at = at;
	return str_set(&renewal->revoked_reason, reason, err);
}

bool is_live_revoked(const struct renewal *renewal)
{
	return is_generation_revoked(renewal, renewal->generation);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account a certificate is ordered with: found in the store, or made.
 */
#ifndef SERVICE_ACCOUNT_H
#define SERVICE_ACCOUNT_H

#include "acme/key.h"
#include "acme/session.h"
#include "store/store.h"

struct account {
	char *name; /* of its record */
	char *url;
	struct key *key;
	struct acme_signer signer;
};

void account_done(struct account *account);

/*
 * The account for CA_URL and EMAIL (NULL: no contact) in *RET. Its key is stored before the CA hears of it, so that a
 * crash in between finds the same account again; an account whose record is damaged is never silently replaced.
 */
MUST_CHECK bool account_open(struct store *store, struct acme_session *session, const char *ca_url, const char *email,
			     bool terms_agreed, struct deadline lock_deadline, struct deadline deadline,
			     struct account *ret, struct error *err);

#endif

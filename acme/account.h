/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts, RFC 8555 §7.3.
 */
#ifndef ACME_ACCOUNT_H
#define ACME_ACCOUNT_H

#include "acme/session.h"

/* External account binding, §7.3.4: the key id as given, the MAC key decoded. */
struct acme_eab {
	const char *kid;
	const void *hmac_key;
	size_t hmac_key_len;
};

struct acme_account_request {
	const char *email;          /* NULL: no contact */
	bool terms_agreed;          /* the operator's own act (§7.3) */
	bool only_return_existing;  /* §7.3.1: never create */
	const struct acme_eab *eab; /* NULL: none */
};

/*
 * newAccount with SIGNER's key. *RET_URL becomes the account URL from Location, malloc'd, byte for byte. 200 (known)
 * and 201 (created) are both success; *RET_CREATED tells which. When the CA requires agreement to its terms or an
 * external account and the request has none, fails before sending, with the terms' URL or the advice in the hint.
 */
MUST_CHECK bool acme_account_register(struct acme_session *session, const struct acme_signer *signer,
				      const struct acme_account_request *request, struct deadline deadline,
				      char **ret_url, bool *ret_created, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts, RFC 8555 §7.3: made, found again, read, changed, ended. A change of the key is in acme/keychange.h.
 */
#ifndef ACME_ACCOUNT_H
#define ACME_ACCOUNT_H

#include "acme/session.h"
#include "base/str.h"

API_BEGIN

/* External account binding, §7.3.4: the key id as given, the MAC key decoded (acme/eab.h). */
struct acme_eab {
	const char *kid;
	const char *alg; /* "HS256" (also when NULL), "HS384" or "HS512" */
	const void *hmac_key;
	size_t hmac_key_len;
};

struct acme_account_request {
	const char *email;          /* NULL: no contact */
	bool terms_agreed;          /* the operator's own act (§7.3) */
	bool only_return_existing;  /* §7.3.1: never create */
	const struct acme_eab *eab; /* NULL: none */
	/* Where the algorithms go that a CA lists when it refuses ours (badSignatureAlgorithm, §6.2); NULL: nowhere. */
	struct str_list *algorithms;
};

/*
 * newAccount with SIGNER's key. *RET_URL becomes the account URL from Location, malloc'd, byte for byte. 200 (known)
 * and 201 (created) are both success; *RET_CREATED tells which. When the CA requires agreement to its terms or an
 * external account and the request has none, fails before sending, with the terms' URL or the advice in the hint.
 */
MUST_CHECK bool acme_account_register(struct acme_session *session, const struct acme_signer *signer,
				      const struct acme_account_request *request, struct deadline deadline,
				      char **ret_url, bool *ret_created, struct error *err);

/*
 * The account of SIGNER's key (§7.3.1): *RET_URL as above, NULL (and success) when the CA has none with it. Fails when
 * the account is there but of no use any more.
 */
MUST_CHECK bool acme_account_find(struct acme_session *session, const struct acme_signer *signer,
				  struct deadline deadline, char **ret_url, struct error *err);

/* §7.1.2, §7.1.6. Anything but valid ends the use of an account. */
enum acme_account_status {
	ACME_ACCOUNT_VALID,
	ACME_ACCOUNT_DEACTIVATED, /* by its owner */
	ACME_ACCOUNT_REVOKED,     /* by the CA */
	ACME_ACCOUNT_UNKNOWN,     /* the CA says nothing, or a word of its own */
};

/* "valid", "deactivated", "revoked", "unknown". */
const char *acme_account_status_name(enum acme_account_status status);

/* An account as the CA shows it; CAs may leave out anything (Let's Encrypt keeps no contacts). */
struct acme_account {
	enum acme_account_status status;
	struct str_list contacts; /* as sent: "mailto:…" */
	bool terms_agreed;
	char *orders; /* URL of the list (acme/account_orders.h); NULL: none */
};

void acme_account_done(struct acme_account *account);

/* LEN bytes of TEXT as an account object (pure; fuzzed). An empty text is an account of which nothing is known. */
MUST_CHECK bool account_parse(const char *text, size_t len, struct acme_account *ret, struct error *err);

/* POST-as-GET to the account URL. */
MUST_CHECK bool acme_account_read(struct acme_session *session, const struct acme_identity *account,
				  struct deadline deadline, struct acme_account *ret, struct error *err);

/* What is to change (§7.3.2, §7.3.3); what is not set stays. */
struct acme_account_change {
	const char *email;    /* the one contact from now on; NULL: as it is */
	bool remove_contacts; /* no contact any more */
	bool terms_agreed;    /* to the terms as they are now */
};

/* RET is the account afterwards, as far as the answer shows it. */
MUST_CHECK bool acme_account_update(struct acme_session *session, const struct acme_identity *account,
				    const struct acme_account_change *change, struct deadline deadline,
				    struct acme_account *ret, struct error *err);

/* §7.3.6: for good; the CA refuses every later request of this account. */
MUST_CHECK bool acme_account_deactivate(struct acme_session *session, const struct acme_identity *account,
					struct deadline deadline, struct error *err);

API_END

#endif

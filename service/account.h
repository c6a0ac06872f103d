/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account a certificate is ordered with: found in the store, or made. Made only where nothing is lost by it: an
 * account that is stored but that the CA does not know any more is a failure, never silently another account.
 */
#ifndef SERVICE_ACCOUNT_H
#define SERVICE_ACCOUNT_H

#include "acme/key.h"
#include "acme/session.h"
#include "service/service.h"
#include "store/account_record.h"

struct account {
	char *name; /* of its record */
	char *url;
	struct key *key;
	struct acme_signer signer;
};

void account_done(struct account *account);

struct account_request {
	const char *ca_url;
	const char *ca_bundle;
	const char *email;             /* NULL: whichever account there is at this CA */
	const char *url;               /* the one with this URL and no other; NULL: by contact */
	bool may_register;             /* make one where there is none; else that is ERROR_CONFIG */
	bool anew;                     /* one that is of no use any more is replaced: the operator's explicit act */
	const enum key_type *key_type; /* of a new account's key; NULL: the default, or what the CA takes */
};

/*
 * The account of REQUEST in *RET. Its key is stored before the CA hears of it, so that a crash in between finds the
 * same account again (RFC 8555 §7.3.1); after a key rollover that was interrupted, the CA is asked which key is in
 * force. *RET_CREATED (may be NULL): a new account was made. Takes the account's lock meanwhile.
 */
MUST_CHECK bool account_open(struct service *service, struct acme_session *session,
			     const struct account_request *request, struct deadline deadline, struct account *ret,
			     bool *ret_created, struct error *err);

/*
 * The name of the record that serves contact EMAIL (or account URL) at CA_URL: the one made for this contact, else one
 * that has it by now, else (EMAIL NULL) the only one there is. The name a new record would have when there is none:
 * *RET_FOUND false. ERROR_USAGE when EMAIL is NULL and several would do.
 */
MUST_CHECK bool account_find_name(struct store *store, const char *ca_url, const char *email, const char *url,
				  char **ret_name, bool *ret_found, struct error *err);

/*
 * The key of account NAME, under its lock. Where a rollover was interrupted, the CA is asked which of the two keys is
 * in force, and the other one is put aside. *RET NULL (and success) when there is no key.
 */
MUST_CHECK bool account_open_key(struct store *store, struct acme_session *session, const char *name,
				 const struct account_record *record, struct deadline deadline, struct key **ret,
				 struct error *err);

/* ERROR_STORE when another account of the store has KEY: an account's key is its own (RFC 8555 §11.1). */
MUST_CHECK bool account_check_key_is_own(struct store *store, const char *name, const struct key *key,
					 struct error *err);

#endif

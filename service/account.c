/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load or register an account. The order of writes is what makes it safe: key, then record without URL, then the CA,
 * then the URL. RFC 8555 §7.3.1 answers a second newAccount with the same key by the account that exists.
 */
#include "service/account.h"

#include "acme/account.h"
#include "base/log.h"
#include "store/account_record.h"

#include <stdlib.h>

void account_done(struct account *account)
{
	if (account == NULL)
		return;
	free(account->name);
	free(account->url);
	key_free(account->key);
	*account = (struct account){0};
}

/* The stored key, or a new one that is stored before anything else happens. */
static bool open_key(struct store *store, const char *name, bool registered, struct key **ret, struct error *err)
{
	CLEANUP(secret_done) struct secret pem = {0};
	bool found = false;

	if (!store_read_account_key(store, name, &pem, &found, err))
		return false;
	if (found) {
		*ret = key_from_pem(&pem, err);
		return *ret != NULL || error_attribute(err, ERROR_STORE, "account");
	}
	if (registered) {
		error_set(err, ERROR_STORE, "account", "the key of account %s is missing from the store", name);
		error_hint(err,
			   "restore %s/accounts/%s/key.pem from a backup; or, to start with a new account, remove "
			   "that folder",
			   store_dir(store), name);
		return false;
	}
	CLEANUP(key_freep) struct key *key = key_generate(KEY_TYPE_ECDSA_P256, err);
	if (key == NULL || !key_to_pem(key, &pem, err) || !store_write_account_key(store, name, &pem, err))
		return false;
	*ret = STEAL(key);
	return true;
}

static bool register_account(struct store *store, struct acme_session *session, struct account *account,
			     struct account_record *record, bool terms_agreed, struct deadline deadline,
			     struct error *err)
{
	const struct acme_account_request request = {.email = record->email, .terms_agreed = terms_agreed};
	bool created = false;

	if (!account_record_save(store, account->name, record, err) ||
	    !acme_account_register(session, &account->signer, &request, deadline, &record->url, &created, err))
		return false;
	if (!account_record_save(store, account->name, record, err))
		return false;

	const struct acme_directory *directory = acme_session_directory(session, deadline, err);
	if (directory == NULL)
		return false;
	if (created && directory->terms_of_service != NULL)
		log_info("registered an account at %s; its terms: %s", record->ca_url, directory->terms_of_service);
	else if (created)
		log_info("registered an account at %s", record->ca_url);
	return true;
}

bool account_open(struct store *store, struct acme_session *session, const char *ca_url, const char *email,
		  bool terms_agreed, struct deadline lock_deadline, struct deadline deadline, struct account *ret,
		  struct error *err)
{
	CLEANUP(account_done) struct account account = {0};
	CLEANUP(account_record_done) struct account_record record = {0};
	bool found = false;

	account.name = account_record_name(ca_url, email, err);
	if (account.name == NULL)
		return false;
	CLEANUP(store_unlockp) struct store_lock *lock = store_lock(store, "account", account.name, lock_deadline, err);
	if (lock == NULL || !account_record_load(store, account.name, &record, &found, err))
		return false;
	if (!open_key(store, account.name, record.url != NULL, &account.key, err) ||
	    !key_signer(account.key, &account.signer, err))
		return false;
	if (!found) {
		record.created_at = clock_wall();
		if (!str_set(&record.ca_url, ca_url, err) || !str_set(&record.email, email, err))
			return false;
	}
	if (record.url == NULL && !register_account(store, session, &account, &record, terms_agreed, deadline, err))
		return false;

	account.url = STEAL(record.url);
	*ret = account;
	account = (struct account){0};
	return true;
}

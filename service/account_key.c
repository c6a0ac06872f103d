/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account's key in the store. After a rollover that was interrupted there are two, and only the CA can tell which
 * one it knows.
 */
#include "acme/account.h"
#include "base/log.h"
#include "service/account.h"

static const char step[] = "account";

typedef bool read_key(struct store *store, const char *name, struct secret *ret, bool *ret_found, struct error *err);

/* *RET NULL (and success) when there is none. */
static bool load(read_key *read, struct store *store, const char *name, struct key **ret, struct error *err)
{
	CLEANUP(secret_done) struct secret pem = {0};
	bool found = false;

	*ret = NULL;
	if (!read(store, name, &pem, &found, err))
		return false;
	if (!found)
		return true;
	*ret = key_from_pem(&pem, err);
	return *ret != NULL || error_attribute(err, ERROR_STORE, step);
}

/* Whether the CA has the account of RECORD under KEY. */
static bool is_in_force(struct acme_session *session, struct key *key, const struct account_record *record,
			struct deadline deadline, bool *ret, struct error *err)
{
	struct acme_signer signer;
	AUTO_FREE char *url = NULL;
	if (!key_signer(key, &signer, err) || !acme_account_find(session, &signer, deadline, &url, err))
		return false;
	*ret = url != NULL && (record->url == NULL || str_equal(url, record->url));
	return true;
}

/* NEXT is of a rollover that did not come to its end. *KEY becomes the one in force. */
static bool settle(struct store *store, struct acme_session *session, const char *name,
		   const struct account_record *record, struct key *next, struct key **key, struct deadline deadline,
		   struct error *err)
{
	bool is_next = false, is_old = false;

	if (!is_in_force(session, next, record, deadline, &is_next, err))
		return false;
	if (is_next) {
		log_info("the interrupted key rollover of %s had reached the CA: the new key is in force", name);
		if (!store_commit_account_key(store, name, err))
			return false;
		key_free(*key);
		return load(store_read_account_key, store, name, key, err);
	}
	if (*key != NULL && !is_in_force(session, *key, record, deadline, &is_old, err))
		return false;
	if (!is_old) {
		(void)error_set(err, ERROR_CA, step,
				"the CA knows neither the key of account %s nor the next one of "
				"its interrupted rollover",
				name);
		error_hint(err, "both keys are kept; `certferry account register` makes a new account");
		return false;
	}
	log_info("the interrupted key rollover of %s had not reached the CA: the old key stays in force", name);
	return store_discard_account_key(store, name, err);
}

bool account_open_key(struct store *store, struct acme_session *session, const char *name,
		      const struct account_record *record, struct deadline deadline, struct key **ret,
		      struct error *err)
{
	CLEANUP(key_freep) struct key *key = NULL;
	CLEANUP(key_freep) struct key *next = NULL;

	if (!load(store_read_account_key, store, name, &key, err) ||
	    !load(store_read_staged_account_key, store, name, &next, err) ||
	    (next != NULL && !settle(store, session, name, record, next, &key, deadline, err)))
		return false;
	*ret = STEAL(key);
	return true;
}

bool account_check_key_is_own(struct store *store, const char *name, const struct key *key, struct error *err)
{
	CLEANUP(str_list_done) struct str_list names = {0};
	if (!store_list_records(store, STORE_ACCOUNT, &names, err))
		return false;
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP(key_freep) struct key *other = NULL;
		struct error ignored = {0};
		if (str_equal(names.items[i], name) ||
		    !load(store_read_account_key, store, names.items[i], &other, &ignored) || other == NULL)
			continue;
		if (!str_equal(key_jwk(other), key_jwk(key)))
			continue;
		(void)error_set(err, ERROR_STORE, step, "the accounts %s and %s have the same key", name,
				names.items[i]);
		error_hint(err, "each account needs a key of its own: remove %s/accounts/%s/key.pem and run again",
			   store_dir(store), name);
		return false;
	}
	return true;
}

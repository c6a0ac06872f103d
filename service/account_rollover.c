/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key rollover, RFC 8555 §7.3.5, in an order in which every moment can be the last one: at each, one of the two keys on
 * disk is the one that the CA knows.
 */
#include "service/account_rollover.h"

#include "acme/account.h"
#include "acme/keychange.h"
#include "base/log.h"
#include "service/account.h"

#include <stdio.h>
#include <stdlib.h>

static const char step[] = "key-change";

/* The new key, on disk beside the old one before anybody hears of it. */
static struct key *stage(struct store *store, const char *name, enum key_type type, struct error *err)
{
	CLEANUP(secret_done) struct secret pem = {0};
	CLEANUP(key_freep) struct key *key = key_generate(type, err);
	if (key == NULL || !account_check_key_is_own(store, name, key, err) || !key_to_pem(key, &pem, err) ||
	    !store_stage_account_key(store, name, &pem, err))
		return NULL;
	return STEAL(key);
}

/* What became of the keys, behind the advice that is there. */
static void tell_keys(struct error *cause, const char *words)
{
	char hint[ERROR_TEXT_MAX];
	(void)snprintf(hint, sizeof(hint), "%s", cause->hint);
	cause->hint[0] = '\0';
	error_hint(cause, "%s%s%s", words, hint[0] != '\0' ? "; " : "", hint);
}

/* The change failed with *CAUSE. Which key does the CA know? *RET_CHANGED: the new one after all. */
static bool settle(struct store *store, struct acme_session *session, const char *name,
		   const struct acme_identity *account, const struct acme_signer *new_key, struct deadline deadline,
		   struct error *cause, bool *ret_changed)
{
	struct error failure = {0};
	AUTO_FREE char *with_new = NULL;
	AUTO_FREE char *with_old = NULL;

	*ret_changed = false;
	if (acme_account_find(session, new_key, deadline, &with_new, &failure) && str_equal(with_new, account->kid)) {
		*ret_changed = true;
		return true;
	}
	if (!error_is_set(&failure) && acme_account_find(session, account->signer, deadline, &with_old, &failure) &&
	    str_equal(with_old, account->kid)) {
		tell_keys(cause, "the old key stays in force");
		return store_discard_account_key(store, name, &failure);
	}
	log_debug("which key is in force could not be asked: %s", failure.message);
	tell_keys(cause, "which key the CA knows is not certain: both are kept, and the next use of the account asks");
	return false;
}

bool account_rollover(struct store *store, struct acme_session *session, const char *name,
		      const struct acme_identity *account, enum key_type type, struct deadline deadline,
		      struct error *err)
{
	struct acme_signer new_key;
	struct error failure = {0};
	bool changed = false;

	CLEANUP(key_freep) struct key *key = stage(store, name, type, err);
	if (key == NULL || !key_signer(key, &new_key, err)) {
		error_context(err, step, NULL, NULL);
		return false;
	}
	changed = acme_account_change_key(session, account, &new_key, deadline, &failure);
	if (!changed)
		(void)settle(store, session, name, account, &new_key, deadline, &failure, &changed);
	if (!changed) {
		*err = failure;
		return false;
	}
	return store_commit_account_key(store, name, err);
}

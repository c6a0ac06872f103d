/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation: tell the CA, then write it down. When the second fails, running it again tells the CA a second time,
 * which answers that it knows.
 */
#include "service/revoke.h"

#include "acme/chain.h"
#include "acme/key.h"
#include "base/log.h"
#include "service/account.h"
#include "service/key_guard.h"
#include "store/renewal.h"
#include "store/revoked_key.h"

#include <stdlib.h>
#include <string.h>

static const char step[] = "revoke";

/* One revocation, under the certificate's lock. */
struct revocation {
	struct service *service;
	const struct revoke_request *request;
	struct deadline deadline;
	struct renewal record;
	struct generation live;
	struct chain *chain;
	struct key *key; /* the certificate's */
	struct acme_session *session;
};

void revoke_result_done(struct revoke_result *result)
{
	free(result->serial);
	*result = (struct revoke_result){0};
}

static void revocation_done(struct revocation *revocation)
{
	renewal_done(&revocation->record);
	generation_done(&revocation->live);
	chain_free(revocation->chain);
	key_free(revocation->key);
}

static bool load(struct revocation *revocation, struct error *err)
{
	struct store *store = service_store(revocation->service);
	const char *name = revocation->request->name;
	bool found = false, live_found = false;

	if (!renewal_load(store, name, &revocation->record, &found, err) ||
	    !store_read_live(store, name, &revocation->live, &live_found, err))
		return false;
	if (!found || !live_found) {
		(void)error_set(err, ERROR_USAGE, step, "no stored certificate is called \"%s\"", name);
		error_hint(err, "`certferry list` shows what is stored");
		return false;
	}
	revocation->chain = chain_parse(revocation->live.fullchain, strlen(revocation->live.fullchain), err);
	if (revocation->chain == NULL)
		return error_attribute(err, ERROR_STORE, step);
	revocation->key = generation_key(&revocation->live, err);
	return revocation->key != NULL || error_attribute(err, ERROR_STORE, step);
}

/* With the CA that issued it, whatever the config says by now. */
static bool open_session(struct revocation *revocation, struct error *err)
{
	const struct service_options *options = service_options(revocation->service);
	const struct renewal *record = &revocation->record;
	CLEANUP(renewal_done) struct renewal at = {0};
	return str_set(&at.ca_url, record->ca_url, err) && str_set(&at.email, record->email, err) &&
	       str_set(&at.ca_bundle, options->ca_bundle != NULL ? options->ca_bundle : record->ca_bundle, err) &&
	       service_session(revocation->service, &at, &revocation->session, err);
}

static bool by_certificate_key(struct revocation *revocation, bool *ret_already, struct error *err)
{
	struct acme_signer signer;
	const struct acme_identity identity = {.signer = &signer, .kid = NULL};
	if (revocation->live.request != NULL) {
		(void)error_set(err, ERROR_USAGE, step,
				"its private key is not here: a certificate request of yours made it");
		error_hint(err, "the account that ordered it can revoke it without the key");
		return false;
	}
	return key_signer(revocation->key, &signer, err) &&
	       acme_revoke(revocation->session, &identity, revocation->chain, revocation->request->reason,
			   revocation->deadline, ret_already, err);
}

/*
 * By the account that ordered it. *RET_UNFIT: there is none any more, or it may not, and the certificate's key is what
 * is left.
 */
static bool by_account(struct revocation *revocation, bool *ret_already, bool *ret_unfit, struct error *err)
{
	const struct account_request request = {
		.ca_url = revocation->record.ca_url,
		.email = revocation->record.email,
		.url = revocation->record.account,
	};
	CLEANUP(account_done) struct account account = {0};

	*ret_unfit = false;
	if (!account_open(revocation->service, revocation->session, &request, revocation->deadline, &account,
			  /* ret_created= */ NULL, err)) {
		*ret_unfit =
			err->category == ERROR_CONFIG || err->category == ERROR_STORE || revoke_is_account_refused(err);
		return false;
	}
	const struct acme_identity identity = {.signer = &account.signer, .kid = account.url};
	if (acme_revoke(revocation->session, &identity, revocation->chain, revocation->request->reason,
			revocation->deadline, ret_already, err))
		return true;
	*ret_unfit = revoke_is_account_refused(err);
	return false;
}

static bool tell_ca(struct revocation *revocation, struct revoke_result *ret, struct error *err)
{
	struct error refused = {0};
	bool unfit = true;

	if (!revocation->request->with_certificate_key) {
		if (by_account(revocation, &ret->already, &unfit, &refused))
			return true;
		if (!unfit) {
			*err = refused;
			return false;
		}
		log_info("the account cannot revoke %s (%s): the certificate's own key does it",
			 revocation->request->name, refused.message);
	}
	ret->by_certificate_key = true;
	return by_certificate_key(revocation, &ret->already, err);
}

/* What must not be forgotten first: a key that others may have. */
static bool write_down(struct revocation *revocation, struct error *err)
{
	struct store *store = service_store(revocation->service);
	struct renewal *record = &revocation->record;
	const char *reason = revocation_reason_name(revocation->request->reason);
	CLEANUP(revoked_key_done) struct revoked_key revoked = {.revoked_at = clock_wall()};

	if (revocation->request->reason == REVOCATION_KEY_COMPROMISE &&
	    (!str_set(&revoked.certificate, record->name, err) || !str_set(&revoked.reason, reason, err) ||
	     !revoked_key_save(store, revocation->key, &revoked, err)))
		return false;
	/* An order under way may be for the very key. */
	return note_revocation(record, revocation->live.number, revoked.revoked_at, reason, err) &&
	       renewal_save(store, record, err) && store_delete_record(store, STORE_ORDER, record->name, err) &&
	       store_discard_staged(store, record->name, err);
}

static bool revoke_locked(struct revocation *revocation, struct revoke_result *ret, struct error *err)
{
	if (!load(revocation, err) || !open_session(revocation, err) || !tell_ca(revocation, ret, err))
		return false;
	if (!write_down(revocation, err)) {
		error_hint(err, "the CA has revoked it, but that is not written down here: run this again");
		return false;
	}
	ret->generation = revocation->live.number;
	return str_set(&ret->serial, revocation->record.serial, err);
}

bool revoke_certificate(struct service *service, const struct revoke_request *request, struct revoke_result *ret,
			struct error *err)
{
	const struct service_options *options = service_options(service);
	CLEANUP(revocation_done)
	struct revocation revocation = {
		.service = service,
		.request = request,
		.deadline = service_deadline(service, options->certificate_timeout_ms),
	};
	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(service), "certificate", request->name,
					     deadline_within(revocation.deadline, options->lock_timeout_ms), err);
	if (lock != NULL && revoke_locked(&revocation, ret, err))
		return true;
	if (revocation.record.rolled_back_from != 0)
		error_hint(
			err,
			"the CA on record, %s, is that of generation %llu, which was rolled back; the live certificate "
			"is by %s",
			revocation.record.ca_name, (unsigned long long)revocation.record.rolled_back_from,
			revocation.record.issuer != NULL ? revocation.record.issuer : "an issuer unknown here");
	error_context(err, step, request->name, /* server= */ NULL);
	return false;
}

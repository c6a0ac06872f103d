/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issues one certificate, top to bottom: lock, look again, key, order, check, commit, remember. What must survive a
 * crash is written before the step that needs it: the key before the order, the order's URL as soon as the CA gave it.
 */
#include "service/issue.h"

#include "acme/flow.h"
#include "acme/key.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/config.h"
#include "service/accept.h"
#include "service/backoff.h"
#include "service/caa_watch.h"
#include "service/failover.h"
#include "service/key_guard.h"
#include "service/own_csr.h"
#include "service/profile_choice.h"
#include "service/progress.h"
#include "service/renewal_info.h"
#include "service/renewal_info_ask.h"
#include "service/schedule.h"
#include "service/solver.h"
#include "service/wanted.h"
#include "store/order_record.h"

#include <stdlib.h>
#include <string.h>

/* One issuance in progress. */
struct issuance {
	struct service *service;
	struct renewal *wanted;
	struct deadline deadline;
	struct hook_run *hooks;
	struct certificate_result *result; /* its notes and hooks, so far */
	const char *profile;               /* to ask for; NULL: none */
	bool may_end_earlier;              /* see accept.h */
	struct csr *csr;                   /* the user's request; NULL: key and request are ours */
	struct key *key;                   /* ours; NULL with the user's request */
	struct acme_session *session;
	struct acme_identity account;
	const struct acme_directory *directory; /* the session's */
	struct order_record order;              /* url NULL: none in flight */
	bool order_counted;                     /* the next order that is placed */
	char *live_ca; /* directory that issued the live certificate; NULL: none is live, or of other names */
};

/* What belongs to one try. */
static void try_done(struct issuance *issuance)
{
	csr_free(issuance->csr);
	key_free(issuance->key);
	order_record_done(&issuance->order);
	issuance->csr = NULL;
	issuance->key = NULL;
	issuance->order = (struct order_record){0};
	issuance->session = NULL;
	issuance->account = (struct acme_identity){0};
	issuance->profile = NULL;
}

static void issuance_done(struct issuance *issuance)
{
	try_done(issuance);
	free(issuance->live_ca);
}

/* --- The key --- */

static bool load_staged_key(struct issuance *issuance, struct key **ret, struct error *err)
{
	CLEANUP(secret_done) struct secret pem = {0};
	bool found = false;
	struct error damaged = {0};

	*ret = NULL;
	if (!store_read_staged_key(service_store(issuance->service), issuance->wanted->name, &pem, &found, err))
		return false;
	if (found) {
		/* A key that cannot be read was never used: it was staged before its order was placed. */
		*ret = key_from_pem(&pem, &damaged);
		if (*ret == NULL)
			log_debug("%s: discarding a damaged staged key", issuance->wanted->name);
	}
	return true;
}

static bool load_live_key(struct issuance *issuance, struct key **ret, struct error *err)
{
	CLEANUP(generation_done) struct generation live = {0};
	bool found = false;

	*ret = NULL;
	if (!store_read_live(service_store(issuance->service), issuance->wanted->name, &live, &found, err))
		return false;
	if (!found || live.request != NULL)
		return true;
	*ret = key_from_pem(&live.privkey, err);
	return *ret != NULL || error_attribute(err, ERROR_STORE, "read-live");
}

/* A key for a new order: the live one where it is to be reused and fits, else a fresh one. Staged before it is used. */
static bool stage_key(struct issuance *issuance, struct error *err)
{
	const struct renewal *wanted = issuance->wanted;
	CLEANUP(secret_done) struct secret pem = {0};
	CLEANUP(key_freep) struct key *key = NULL;

	struct error unfit = {0};

	if (wanted->reuse_key && !is_live_revoked(wanted) && !load_live_key(issuance, &key, err))
		return false;
	if (key != NULL && (key_get_type(key) != wanted->key_type ||
			    !key_guard(service_store(issuance->service), key, issuance->account.signer, &unfit))) {
		if (error_is_set(&unfit))
			log_info("%s: not reusing the key: %s", wanted->name, unfit.message);
		key_free(key);
		key = NULL;
	}
	if (key == NULL)
		key = key_generate(wanted->key_type, err);
	if (key == NULL || !key_to_pem(key, &pem, err) ||
	    !store_stage_key(service_store(issuance->service), wanted->name, &pem, err))
		return false;
	issuance->key = STEAL(key);
	return true;
}

/* --- The order in flight --- */

/* Only state changes: how the live one was issued stays on record until a new one is live. */
static bool save_tries(struct issuance *issuance, struct error *err)
{
	const struct renewal *wanted = issuance->wanted;
	struct store *store = service_store(issuance->service);
	CLEANUP(renewal_done) struct renewal stored = {0};
	bool found = false;

	if (!renewal_load(store, wanted->name, &stored, &found, err))
		return false;
	if (!found || stored.generation == 0)
		return renewal_save(store, wanted, err);
	return renewal_copy_tries(&stored, wanted, err) && renewal_save(store, &stored, err);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || str_equal(a, b);
}

static bool order_fits(const struct issuance *issuance, const struct order_record *order, const struct key *key)
{
	const struct renewal *wanted = issuance->wanted;
	return order->url != NULL && key != NULL && key_get_type(key) == wanted->key_type &&
	       str_equal(order->ca_url, wanted->ca_url) && str_equal(order->account, issuance->account.kid) &&
	       order->lifetime == wanted->lifetime && same_text(order->profile, issuance->profile) &&
	       identifiers_equal(order->identifiers, order->identifier_count, wanted->identifiers,
				 wanted->identifier_count);
}

/* Take up an order that an earlier run left, with the key it was placed for; otherwise stage a key for a new one. */
static bool resume_or_stage(struct issuance *issuance, struct error *err)
{
	struct store *store = service_store(issuance->service);
	const char *name = issuance->wanted->name;
	CLEANUP(order_record_done) struct order_record order = {0};
	CLEANUP(key_freep) struct key *key = NULL;
	bool found = false, staged = false;

	if (!order_record_load(store, name, &order, &found, err) ||
	    (issuance->csr != NULL ? !own_csr_is_staged(store, name, issuance->csr, &staged, err)
				   : !load_staged_key(issuance, &key, err)))
		return false;
	if (found && order_fits(issuance, &order, staged ? csr_key(issuance->csr) : key)) {
		log_info("%s: resuming the order of an earlier run", name);
		issuance->order = order;
		order = (struct order_record){0};
		issuance->key = STEAL(key);
		return true;
	}
	/* Only the CA that has it, and only for the account that placed it, would listen. */
	if (found && order.url != NULL && str_equal(order.ca_url, issuance->wanted->ca_url) &&
	    str_equal(order.account, issuance->account.kid))
		acme_abandon_order(issuance->session, &issuance->account, order.url, issuance->deadline);
	return store_delete_record(store, STORE_ORDER, name, err) &&
	       (issuance->csr != NULL ? own_csr_stage(store, name, issuance->csr, err) : stage_key(issuance, err));
}

/* Every order counts against the CA's limits, also one behind an order of an earlier run that led nowhere. */
static bool count_order(struct issuance *issuance, struct error *err)
{
	bool counted = issuance->order_counted;
	issuance->order_counted = false;
	if (counted)
		return true;
	backoff_ordered(issuance->wanted, clock_wall());
	return save_tries(issuance, err);
}

static bool on_order_placed(void *ctx, const char *url, struct error *err)
{
	struct issuance *issuance = ctx;
	const struct renewal *wanted = issuance->wanted;
	CLEANUP(order_record_done)
	struct order_record order = {.placed_at = clock_wall(), .lifetime = wanted->lifetime};

	order.identifiers = calloc(wanted->identifier_count, sizeof(*order.identifiers));
	if (order.identifiers == NULL)
		return error_oom(err);
	memcpy(order.identifiers, wanted->identifiers, wanted->identifier_count * sizeof(*order.identifiers));
	order.identifier_count = wanted->identifier_count;
	if (!str_set(&order.url, url, err) || !str_set(&order.ca_url, wanted->ca_url, err) ||
	    !str_set(&order.account, issuance->account.kid, err) || !str_set(&order.profile, issuance->profile, err) ||
	    !order_record_save(service_store(issuance->service), wanted->name, &order, err))
		return false;
	return count_order(issuance, err);
}

static void on_step(void *ctx, const char *step)
{
	const struct issuance *issuance = ctx;
	progress_step(service_options(issuance->service)->progress, issuance->wanted->name, /* server= */ NULL, step);
}

/* Told at once, and again with the result. */
static void on_note(void *ctx, const struct error *note)
{
	struct issuance *issuance = ctx;
	struct error copy = *note, ignored = {0};
	error_context(&copy, "clean-up", issuance->wanted->name, /* server= */ NULL);
	log_failure(LOG_LEVEL_WARNING, &copy);
	if (!str_list_add(&issuance->result->notes, note->message, &ignored))
		log_debug("a note is lost: %s", ignored.message);
}

/* Whose certificate is ordered. */
static const struct key *certificate_key(const struct issuance *issuance)
{
	return issuance->csr != NULL ? csr_key(issuance->csr) : issuance->key;
}

/* The request in DER: the user's, or one for our key. */
static bool make_request(const struct issuance *issuance, struct buf *ret, struct error *err)
{
	const struct renewal *wanted = issuance->wanted;
	size_t len = 0;
	if (issuance->csr == NULL)
		return key_make_csr(issuance->key, wanted->identifiers, wanted->identifier_count, ret, err);
	const void *der = csr_der(issuance->csr, &len);
	buf_append(ret, der, len);
	return buf_check(ret, "certificate request", err);
}

static bool open_request(struct issuance *issuance, struct error *err)
{
	if (issuance->wanted->csr == NULL)
		return true;
	issuance->csr = own_csr_open(issuance->wanted, err);
	return issuance->csr != NULL && own_csr_check_accounts(service_store(issuance->service), issuance->csr, err);
}

/* The profile to ask for, which the CA's directory has a say in. */
static bool choose_profile(struct issuance *issuance, struct error *err)
{
	char reason[512];
	issuance->directory = acme_session_directory(issuance->session, issuance->deadline, err);
	if (issuance->directory == NULL)
		return false;
	issuance->profile = profile_choice(issuance->wanted, issuance->directory, reason);
	if (reason[0] == '\0')
		return true;
	log_info("%s: %s", issuance->wanted->name, reason);
	return str_list_add(&issuance->result->notes, reason, err);
}

/*
 * The live certificate as the one to be replaced (RFC 9773 §5): where this CA issued it, for this account, and for one
 * of these names at least.
 */
static const char *what_it_replaces(const struct issuance *issuance)
{
	const struct renewal *wanted = issuance->wanted;
	bool ours = str_equal(issuance->live_ca, wanted->ca_url) && str_equal(wanted->account, issuance->account.kid);
	/* After a rollback it has been replaced already. */
	return ours && wanted->rolled_back_from == 0 ? renewal_info_id(wanted) : NULL;
}

/* Another contact, or a folder that was lost, makes another account: what names the former one has to be changed. */
static bool tell_other_account(struct issuance *issuance, struct error *err)
{
	const struct renewal *wanted = issuance->wanted;
	if (!str_equal(issuance->live_ca, wanted->ca_url) || wanted->account == NULL ||
	    str_equal(wanted->account, issuance->account.kid))
		return true;
	AUTO_FREE char *note = str_format(err,
					  "it is ordered by the account %s now, and was by %s before: CAA records with "
					  "accounturi and dns-persist-01 records have to name the new one",
					  issuance->account.kid, wanted->account);
	if (note == NULL)
		return false;
	log_warning("%s: %s", wanted->name, note);
	return str_list_add(&issuance->result->notes, note, err);
}

static bool obtain(struct issuance *issuance, int64_t not_after, struct acme_certificate *ret, struct error *err)
{
	const struct renewal *wanted = issuance->wanted;
	struct acme_solver port;
	CLEANUP(buf_done) struct buf csr;
	buf_init(&csr, LIMIT_JSON_BODY);

	CLEANUP(solver_closep) struct solver *solver = solver_open(issuance->service, wanted, &port, err);
	if (solver == NULL)
		return false;
	if (!service_ca(issuance->service, wanted, issuance->deadline, &issuance->session, &issuance->account, err) ||
	    !tell_other_account(issuance, err) || !open_request(issuance, err) || !choose_profile(issuance, err) ||
	    !resume_or_stage(issuance, err) ||
	    !key_guard(service_store(issuance->service), certificate_key(issuance), issuance->account.signer, err) ||
	    !make_request(issuance, &csr, err))
		return false;

	const struct acme_certificate_request request = {
		.identifiers = wanted->identifiers,
		.identifier_count = wanted->identifier_count,
		.csr_der = csr.data,
		.csr_der_len = csr.len,
		.resume_url = issuance->order.url,
		.profile = issuance->profile,
		.not_after = not_after,
		.preferred_chain = wanted->preferred_chain,
		.replaces = what_it_replaces(issuance),
		.pre_authorize = wanted->pre_authorize,
	};
	const struct acme_observer observer = {
		.ctx = issuance,
		.order_placed = on_order_placed,
		.step = on_step,
		.note = on_note,
	};
	struct caa_watch *caa = caa_watch_begin(issuance->service, wanted, issuance->directory, &issuance->account);
	bool ok = acme_obtain_certificate(issuance->session, &issuance->account, &request, &port, &observer,
					  issuance->deadline, ret, err);
	caa_watch_end(caa, &issuance->result->notes, ok ? NULL : err);
	return ok;
}

static bool accept(struct issuance *issuance, int64_t not_after, const struct acme_certificate *certificate,
		   struct error *err)
{
	const struct acceptance acceptance = {
		.service = issuance->service,
		.key = certificate_key(issuance),
		.account = issuance->account.kid,
		.profile = issuance->profile,
		.not_after = not_after,
		.may_end_earlier = issuance->may_end_earlier,
		.has_deploy_hooks = hooks_has_deploy(issuance->hooks, issuance->wanted),
		.notes = &issuance->result->notes,
	};
	return accept_certificate(&acceptance, certificate, issuance->wanted, err);
}

/* --- What came of it --- */

/* Where nothing better is known: how things stand, so that the reader knows how urgent it is. */
static void hint_standing(const struct renewal *wanted, struct error *err)
{
	char end[RFC3339_SIZE];
	if (err->category != ERROR_CA && err->category != ERROR_NETWORK && err->category != ERROR_TIMEOUT)
		return;
	if (wanted->generation == 0)
		error_hint(err, "nothing was changed; the next run tries again");
	else
		error_hint(err, "the live certificate stays, until %s; the next run tries again",
			   rfc3339_format(wanted->not_after, end));
}

/* A record that cannot be written must not hide the failure itself. */
static void remember_failure(struct issuance *issuance, const struct error *cause)
{
	struct renewal *wanted = issuance->wanted;
	struct error unwritten = {0};
	bool ok = true;

	if (cause->category == ERROR_CANCELLED || cause->category == ERROR_BUSY)
		backoff_undone(wanted);
	else
		ok = backoff_failed(wanted, cause, clock_wall(), schedule_random(), &unwritten);
	if (!ok || !save_tries(issuance, &unwritten))
		on_note(issuance, &unwritten);
}

/* A try begins. On record before anything is sent: a crash must not get around the back-off. */
static bool begin_try(struct issuance *issuance, struct error *err)
{
	CLEANUP(order_record_done) struct order_record order = {0};
	bool in_flight = false;
	if (!order_record_load(service_store(issuance->service), issuance->wanted->name, &order, &in_flight, err))
		return false;
	issuance->order_counted = !in_flight;
	backoff_begin(issuance->wanted, /* places_order= */ !in_flight, clock_wall());
	return save_tries(issuance, err);
}

/* Whether what WANTED now asks for may well end earlier than what STORED did, or the user or the clock wants a new one.
 */
static bool may_end_earlier(const struct renewal *wanted, const struct renewal *stored, bool force)
{
	return force || stored->name == NULL || clock_wall() >= stored->renew_at ||
	       !str_equal(wanted->ca_url, stored->ca_url) || !same_text(wanted->profile, stored->profile) ||
	       wanted->lifetime != stored->lifetime;
}

/* Where the live certificate came from, if this one has a name of it. */
static bool note_live(struct issuance *issuance, const struct renewal *stored, struct error *err)
{
	const struct renewal *wanted = issuance->wanted;
	for (size_t i = 0; stored->generation > 0 && i < stored->identifier_count; i++)
		for (size_t j = 0; j < wanted->identifier_count; j++)
			if (identifier_equal(&stored->identifiers[i], &wanted->identifiers[j]))
				return str_set(&issuance->live_ca, stored->ca_url, err);
	return true;
}

/* Under the lock: is it still due? A generation completed by a run that was killed counts. */
static bool look_again(struct issuance *issuance, struct plan_item *item, bool force, struct error *err)
{
	struct service *service = issuance->service;
	CLEANUP(renewal_done) struct renewal stored = {0};
	struct store_rollback rollback = {0};
	uint64_t planned = item->wanted.generation, live = 0;
	bool recovered = false;

	if (!renewal_load_rollback(service_store(service), item->wanted.name, &rollback, err) ||
	    !store_recover(service_store(service), item->wanted.name, &rollback, &live, &recovered, err) ||
	    !plan_refresh(service, &item->wanted, &stored, err))
		return false;
	/* What another run has just issued is not forced a second time. */
	bool fresh = item->wanted.generation > planned;
	item->action = plan_decide(&item->wanted, stored.name != NULL ? &stored : NULL, clock_wall(), force && !fresh,
				   item->reason);
	issuance->may_end_earlier = may_end_earlier(&item->wanted, &stored, force);
	if (!note_live(issuance, &stored, err))
		return false;
	return item->action != PLAN_NONE || renewal_save(service_store(service), &item->wanted, err);
}

/* Why the CA wanted it to be renewed now: it may concern the operator. */
static void note_explanation(struct issuance *issuance)
{
	const struct renewal *wanted = issuance->wanted;
	struct error ignored = {0};
	AUTO_FREE char *note = NULL;
	if (wanted->ari.explanation == NULL || wanted->ari.start == 0 || clock_wall() < wanted->renew_at)
		return;
	note = str_format(&ignored, "the CA suggested to renew it, because %s", wanted->ari.explanation);
	if (note == NULL || !str_list_add(&issuance->result->notes, note, &ignored))
		log_debug("%s: cannot keep a note", wanted->name);
}

/* One try at the CA that WANTED names. */
static bool try_once(struct issuance *issuance, struct error *err)
{
	struct renewal *wanted = issuance->wanted;
	CLEANUP(acme_certificate_done) struct acme_certificate certificate = {0};
	int64_t not_after = wanted->lifetime > 0 ? clock_wall() + wanted->lifetime : 0;

	if (!begin_try(issuance, err))
		return false;
	if (obtain(issuance, not_after, &certificate, err) && accept(issuance, not_after, &certificate, err)) {
		renewal_info_ask_first(issuance->service, issuance->session, wanted);
		return true;
	}
	if (issuance->session != NULL)
		error_clock(err, acme_session_clock_offset(issuance->session));
	error_context(err, /* step= */ NULL, wanted->name, /* server= */ NULL);
	hint_standing(wanted, err);
	remember_failure(issuance, err);
	return false;
}

/* Tell that the CA to be asked is not the first of the list. */
static void announce(struct issuance *issuance, const char *preferred, const char *chosen)
{
	const struct renewal *wanted = issuance->wanted;
	const struct renewal_ca *ca = renewal_find_ca(wanted, wanted_ca_url(issuance->service, wanted, 0));
	struct error ignored = {0};
	char since[RFC3339_SIZE];
	AUTO_FREE char *note = NULL;
	if (ca == NULL)
		return;
	note = str_format(&ignored, "%s has failed %u times since %s: ordering from %s this time", preferred,
			  ca->failures, rfc3339_format(ca->since, since), chosen);
	if (note == NULL)
		return;
	log_warning("%s: %s", wanted->name, note);
	if (!str_list_add(&issuance->result->notes, note, &ignored))
		log_debug("%s: cannot keep a note", wanted->name);
}

/* Whose turn it is in the config's list of CAs: the index, and 0 where there is no list. */
static bool whose_turn(struct issuance *issuance, size_t *ret, struct error *err)
{
	const struct renewal *wanted = issuance->wanted;
	size_t count = wanted_ca_count(issuance->service, wanted);
	AUTO_FREE const char **urls = calloc(count, sizeof(*urls));
	if (urls == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		urls[i] = wanted_ca_url(issuance->service, wanted, i);
	*ret = failover_choose(wanted, urls, count, clock_wall());
	return true;
}

/* The CA at INDEX of the list from now on. */
static bool use_ca(struct issuance *issuance, size_t index, struct error *err)
{
	const struct config *config = service_options(issuance->service)->config;
	if (index > 0)
		announce(issuance, config->cas[0].name, config->cas[index].name);
	return wanted_use_ca(issuance->service, issuance->wanted, index, err);
}

/* After FAILURE, number TRIES at this CA: whether this run tries again at once, a little later. */
static bool try_again(const struct issuance *issuance, const struct error *failure, unsigned tries, struct error *err)
{
	enum { DEFAULT_TRIES = 3, FIRST_PAUSE_MS = 1000, PAUSES_MAX = 5 };
	const struct config *config = service_options(issuance->service)->config;
	unsigned most = config != NULL ? (unsigned)config->renewal.retry_attempts : DEFAULT_TRIES;
	int64_t pause = FIRST_PAUSE_MS << (2 * (tries < PAUSES_MAX ? tries - 1 : PAUSES_MAX - 1));

	if (tries >= most || !backoff_may_pass_at_once(failure) ||
	    service_ca_is_down(issuance->service, issuance->wanted) || pause >= deadline_left_ms(issuance->deadline))
		return false;
	log_info("%s: trying again in %lld s: %s", issuance->wanted->name, (long long)pause / 1000, failure->message);
	return deadline_sleep(issuance->deadline, pause, "back-off", err);
}

/* As often as one run may, at one CA after the other of the config's list, and at none of them twice. */
static bool try_cas(struct issuance *issuance, enum backoff_asked asked, struct error *err)
{
	const struct renewal *wanted = issuance->wanted;
	/* What held for the last CA is no reason to wait at the next one, but for what that one asked for itself. */
	enum backoff_asked moving = asked == BACKOFF_FORCED ? asked : BACKOFF_BY_HAND;
	struct error failure = {0}, ended = {0};
	size_t index = 0, next = 0;

	if (!whose_turn(issuance, &index, err) || !use_ca(issuance, index, err) ||
	    !backoff_check(wanted, asked, clock_wall(), err) ||
	    !hooks_before(issuance->hooks, wanted, issuance->result, err))
		return false;
	/* The hooks' time is not the certificate's. */
	issuance->deadline =
		service_deadline(issuance->service, service_options(issuance->service)->certificate_timeout_ms);
	for (unsigned tries = 1;; tries++) {
		if (try_once(issuance, &failure))
			return true;
		try_done(issuance);
		if (failure.category == ERROR_CANCELLED || failure.category == ERROR_BUSY ||
		    !whose_turn(issuance, &next, &ended))
			break;
		if (next > index) {
			if (!use_ca(issuance, next, &ended) || backoff_until(wanted, moving, clock_wall()) != 0)
				break;
			index = next;
			tries = 0;
		} else if (!try_again(issuance, &failure, tries, &ended)) {
			break;
		}
		failure = (struct error){0};
	}
	*err = ended.category == ERROR_CANCELLED ? ended : failure;
	return false;
}

static bool issue_locked(struct service *service, struct plan_item *item, enum backoff_asked asked,
			 struct hook_run *hooks, struct certificate_result *result, struct error *err)
{
	CLEANUP(issuance_done)
	struct issuance issuance = {.service = service, .wanted = &item->wanted, .hooks = hooks, .result = result};

	if (!look_again(&issuance, item, asked == BACKOFF_FORCED, err))
		return false;
	if (item->action == PLAN_NONE)
		return true;
	note_explanation(&issuance);
	return try_cas(&issuance, asked, err);
}

static enum result_action done_action(enum plan_action action)
{
	static const enum result_action actions[] = {
		[PLAN_NONE] = RESULT_UNCHANGED, /* another run has just done it */
		[PLAN_ISSUE] = RESULT_ISSUED,
		[PLAN_RENEW] = RESULT_RENEWED,
	};
	return actions[action];
}

void issue_certificate(struct service *service, struct plan_item *item, enum backoff_asked asked,
		       struct hook_run *hooks, struct certificate_result *ret)
{
	const struct service_options *options = service_options(service);
	struct error err = {0};
	bool ok = false;

	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(
		service_store(service), "certificate", item->wanted.name,
		deadline_within(service_deadline(service, options->certificate_timeout_ms), options->lock_timeout_ms),
		&err);
	if (lock != NULL)
		ok = issue_locked(service, item, asked, hooks, ret, &err);
	error_context(&err, /* step= */ NULL, item->wanted.name, /* server= */ NULL);

	ret->action = ok ? done_action(item->action) : RESULT_FAILED;
	error_keep(&ret->error, &err);
	progress_finished(options->progress, item->wanted.name, /* server= */ NULL, result_action_name(ret->action),
			  ok ? NULL : &err);
}

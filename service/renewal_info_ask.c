/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking CAs for renewal information: bounded, in parallel, and given up for a CA that does not answer the first
 * question.
 */
#include "service/renewal_info_ask.h"

#include "base/limits.h"
#include "base/log.h"
#include "service/renewal_info.h"
#include "service/schedule.h"
#include "service/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	PARALLEL_QUESTIONS = 8,
	QUESTION_MS = 30 * 1000, /* for one answer: nothing waits for it */
	LOCK_MS = 100,           /* whoever holds the certificate is working on it: this can wait for the next run */
};

/* One phase of asking. */
struct asking {
	struct service *service;
	struct plan *plan;
	size_t *due; /* indexes of the plan's items */
	size_t due_count;
	pthread_mutex_t lock; /* over what follows */
	struct silent {
		char *ca_url;
		struct error cause; /* of the first question that got no answer */
	} * silent;                 /* CAs that are not asked any more */
	size_t silent_count;
	bool clock_told;
};

static void asking_done(struct asking *asking)
{
	for (size_t i = 0; i < asking->silent_count; i++)
		free(asking->silent[i].ca_url);
	free(asking->silent);
	(void)pthread_mutex_destroy(&asking->lock);
}

/* Why the CA of RECORD is not asked any more; false while it is. */
static bool is_silent(struct asking *asking, const struct renewal *record, struct error *ret)
{
	bool silent = false;
	(void)pthread_mutex_lock(&asking->lock);
	for (size_t i = 0; i < asking->silent_count && !silent; i++) {
		silent = str_equal(asking->silent[i].ca_url, record->ca_url);
		if (silent)
			*ret = asking->silent[i].cause;
	}
	(void)pthread_mutex_unlock(&asking->lock);
	return silent;
}

/* Whether CAUSE concerns the CA as a whole rather than one certificate. */
static bool concerns_all(const struct error *cause)
{
	return ari_is_passing(cause) || cause->category == ERROR_NETWORK || !str_equal(cause->step, "renewal-info");
}

/* The first that gets no answer tells; the others are spared the wait. */
static void note_silence(struct asking *asking, const struct renewal *record, const struct error *cause)
{
	struct error known = {0};
	if (!concerns_all(cause) || cause->category == ERROR_CANCELLED || is_silent(asking, record, &known))
		return;
	AUTO_FREE char *ca_url = NULL;
	if (!str_set(&ca_url, record->ca_url, &known))
		return;
	(void)pthread_mutex_lock(&asking->lock);
	struct silent *grown = reallocarray(asking->silent, asking->silent_count + 1, sizeof(*grown));
	if (grown != NULL) {
		asking->silent = grown;
		grown[asking->silent_count++] = (struct silent){.ca_url = STEAL(ca_url), .cause = *cause};
	}
	(void)pthread_mutex_unlock(&asking->lock);
	log_warning("%s gives no renewal information now, and is not asked for more: %s", record->ca_name,
		    cause->message);
}

/* RFC 9773 needs clocks that agree: what the CA calls tomorrow must not be next year here. */
static void check_clock(struct asking *asking, const struct renewal *record, const struct acme_session *session)
{
	int64_t offset = acme_session_clock_offset(session);
	bool off = offset > LIMIT_CLOCK_WARNING || offset < -LIMIT_CLOCK_WARNING;
	(void)pthread_mutex_lock(&asking->lock);
	bool tell = off && !asking->clock_told;
	asking->clock_told = asking->clock_told || off;
	(void)pthread_mutex_unlock(&asking->lock);
	if (tell)
		log_warning("this machine's clock is %lld seconds %s that of %s: renewal times depend on it",
			    (long long)(offset > 0 ? offset : -offset), offset > 0 ? "ahead of" : "behind",
			    record->ca_name);
}

/* A record from before certificates were identified: from the certificate itself. */
static bool identify_live(struct service *service, struct renewal *record, struct error *err)
{
	CLEANUP(generation_done) struct generation live = {0};
	bool found = false;
	if (record->ari.id != NULL)
		return true;
	if (!store_read_live(service_store(service), record->name, &live, &found, err))
		return false;
	if (!found)
		return renewal_info_identify(record, /* chain= */ NULL, err);
	CLEANUP(chain_freep) struct chain *chain = chain_parse(live.fullchain, strlen(live.fullchain), err);
	return chain != NULL && renewal_info_identify(record, chain, err);
}

/* The question itself, and what follows from the answer or its absence. ERR: nothing could be noted. */
static bool ask_about(struct asking *asking, struct acme_session *session, struct renewal *record, struct error *err)
{
	CLEANUP(ari_info_done) struct ari_info info = {0};
	struct error failure = {0};
	bool offered = false;

	if (!is_silent(asking, record, &failure)) {
		struct deadline deadline = service_deadline(asking->service, QUESTION_MS);
		if (acme_renewal_info(session, record->ari.id, deadline, &info, &offered, &failure)) {
			check_clock(asking, record, session);
			return renewal_info_take(record, &info, clock_wall(), schedule_random(), err);
		}
		if (!error_is_set(&failure)) {
			renewal_info_not_offered(record, clock_wall());
			return true;
		}
		note_silence(asking, record, &failure);
	}
	if (failure.category == ERROR_CANCELLED) {
		*err = failure;
		return false;
	}
	log_debug("%s: no renewal information: %s", record->name, failure.message);
	renewal_info_failed(record, &failure, clock_wall());
	return true;
}

static bool ask_locked(struct asking *asking, struct plan_item *item, struct error *err)
{
	CLEANUP(renewal_done) struct renewal stored = {0};
	struct renewal *wanted = &item->wanted;
	struct acme_session *session = NULL;

	/* Another run may have been here, for this or for more. */
	if (!plan_refresh(asking->service, wanted, &stored, err))
		return false;
	if (stored.name != NULL && renewal_info_is_due(wanted, clock_wall())) {
		if (!identify_live(asking->service, wanted, err) ||
		    !service_session(asking->service, wanted, &session, err))
			return false;
		if (renewal_info_is_due(wanted, clock_wall()) && !ask_about(asking, session, wanted, err))
			return false;
		if (!renewal_save(service_store(asking->service), wanted, err))
			return false;
	}
	item->action = plan_decide(wanted, stored.name != NULL ? &stored : NULL, clock_wall(), /* force= */ false,
				   item->reason);
	return true;
}

static void ask_one(void *ctx, size_t index)
{
	struct asking *asking = ctx;
	struct plan_item *item = &asking->plan->items[asking->due[index]];
	struct error err = {0};

	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(asking->service), "certificate", item->wanted.name,
					     service_deadline(asking->service, LOCK_MS), &err);
	if (lock != NULL && ask_locked(asking, item, &err))
		return;
	if (err.category == ERROR_BUSY || err.category == ERROR_CANCELLED)
		return;
	error_context(&err, "renewal-info", item->wanted.name, /* server= */ NULL);
	log_failure(LOG_LEVEL_WARNING, &err);
}

void renewal_info_ask(struct service *service, struct plan *plan)
{
	struct asking asking = {.service = service, .plan = plan};
	AUTO_FREE size_t *due = calloc(plan->count ? plan->count : 1, sizeof(*due));
	if (due == NULL)
		return;
	asking.due = due;
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];
		if (item->error == NULL && item->action == PLAN_NONE &&
		    renewal_info_is_due(&item->wanted, clock_wall()))
			due[asking.due_count++] = i;
	}
	if (asking.due_count == 0)
		return;
	(void)pthread_mutex_init(&asking.lock, NULL);
	worker_run_all(asking.due_count, PARALLEL_QUESTIONS, ask_one, &asking);
	asking_done(&asking);
}

void renewal_info_ask_first(struct service *service, struct acme_session *session, struct renewal *record)
{
	struct asking asking = {.service = service};
	struct error err = {0};

	if (!renewal_info_is_due(record, clock_wall()))
		return;
	(void)pthread_mutex_init(&asking.lock, NULL);
	bool ok = ask_about(&asking, session, record, &err) && renewal_save(service_store(service), record, &err);
	asking_done(&asking);
	if (ok || err.category == ERROR_CANCELLED)
		return;
	error_context(&err, "renewal-info", record->name, /* server= */ NULL);
	log_failure(LOG_LEVEL_WARNING, &err);
}

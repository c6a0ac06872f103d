/* SPDX-License-Identifier: Apache-2.0 */
/* From the plan to a courier's job, and from its outcomes to the records. */
#include "service/shipment.h"

#include "base/log.h"
#include "config/config.h"
#include "service/deploy_job.h"
#include "service/pending.h"
#include "service/placement.h"
#include "service/schedule.h"
#include "transport/courier.h"

#include <stdlib.h>

struct loading {
	struct service *service;
	const struct plan *plan;
	const struct deploy_options *options;
	struct shipment *shipment;
	uint64_t *generations; /* of each item, once read; 0: not */
	size_t *carried;       /* the item that each certificate of the job is */
	int64_t ended;         /* wall clock seconds */
	uint64_t random;       /* of the next try's time: what went together is tried again together */
};

static const struct renewal *wanted_of(const struct loading *loading, size_t index)
{
	return &loading->plan->items[loading->shipment->items[index]].wanted;
}

static const struct config_server *find_server(const struct loading *loading, struct error *err)
{
	const struct config *config = service_options(loading->service)->config;
	const char *name = loading->shipment->server;
	const struct config_server *server = config != NULL ? config_find_server(config, name) : NULL;

	if (server == NULL) {
		error_set(err, ERROR_CONFIG, "connect", "the config defines no server \"%s\"", name);
		error_hint(err, "define it under servers: with its host, or take it out of the certificate's servers");
	}
	return server;
}

/* A certificate that cannot be sent fails alone: its outcome says why, and the others go. */
static bool build_job(struct loading *loading, const struct config_server *server, struct push_job *ret,
		      struct error *err)
{
	struct shipment *shipment = loading->shipment;
	if (!deploy_job_open(loading->service, server, ret, err))
		return false;
	ret->force = loading->options->force;
	ret->verify = ret->verify && !loading->options->unverified;
	for (size_t i = 0; i < shipment->count; i++) {
		struct error *cause = &shipment->outcomes[i].error;
		if (deploy_job_add(ret, loading->service, server, wanted_of(loading, i), &loading->generations[i],
				   cause))
			loading->carried[ret->certificate_count - 1] = i;
	}
	return true;
}

/* The courier is killed when its time is over. */
static bool send(struct loading *loading, const struct push_job *job, const struct push_watch *watch, struct error *err)
{
	AUTO_FREE struct push_outcome *outcomes = calloc(job->certificate_count + 1, sizeof(*outcomes));
	struct deadline deadline = service_deadline(loading->service, push_longest_ms(job));
	if (outcomes == NULL)
		return error_oom(err);
	bool ok = job->certificate_count == 0 || courier_run(job, watch, deadline, outcomes, err);
	for (size_t i = 0; i < job->certificate_count; i++)
		loading->shipment->outcomes[loading->carried[i]] = outcomes[i];
	return ok;
}

static bool ship(struct loading *loading, const struct push_watch *watch, struct error *err)
{
	struct service *service = loading->service;
	struct deadline lock_deadline = service_deadline(service, service_options(service)->lock_timeout_ms);
	const struct config_server *server = find_server(loading, err);
	CLEANUP(push_job_done) struct push_job job = {0};

	if (server == NULL)
		return false;
	/* Servers that share a folder on one host take turns. */
	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(service), "server", server->place, lock_deadline, err);
	return lock != NULL && build_job(loading, server, &job, err) && send(loading, &job, watch, err);
}

/* Where nothing was tried, or the courier itself failed, no outcome has a cause of its own. */
static void spread_cause(struct shipment *shipment, const struct error *cause)
{
	for (size_t i = 0; i < shipment->count; i++) {
		struct push_outcome *outcome = &shipment->outcomes[i];
		bool done = outcome->result == PUSH_DEPLOYED || outcome->result == PUSH_UNCHANGED;
		if (!done && !error_is_set(&outcome->error))
			outcome->error = *cause;
	}
}

/* Under the certificate's lock, since another server's worker (or another run) writes the same record. */
static bool remember(struct loading *loading, size_t index, struct error *err)
{
	struct service *service = loading->service;
	const struct renewal *wanted = wanted_of(loading, index);
	struct push_outcome *outcome = &loading->shipment->outcomes[index];
	struct deadline deadline = deadline_in(service_options(service)->lock_timeout_ms, /* cancel= */ NULL);
	CLEANUP(renewal_done) struct renewal record = {0};
	bool found = false;

	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(service), "certificate", wanted->name, deadline, err);
	if (lock == NULL || !renewal_load(service_store(service), wanted->name, &record, &found, err))
		return false;
	if (!found)
		return true;
	struct renewal_server *entry = renewal_server(&record, loading->shipment->server, err);
	if (entry == NULL)
		return false;
	/* A try that came to nothing before the store was read was to bring what the plan saw live. */
	uint64_t generation = loading->generations[index] != 0 ? loading->generations[index] : wanted->generation;
	const struct config *config = service_options(service)->config;
	const struct config_server *server = config != NULL ? config_find_server(config, entry->name) : NULL;
	pending_ended(entry, generation, outcome, loading->ended, loading->random);
	if (server != NULL && pending_is_done(outcome))
		placement_of(server, entry->placed);
	if (error_is_set(&outcome->error) && outcome->error.retry_at == 0)
		outcome->error.retry_at = entry->retry_at;
	return renewal_save(service_store(service), &record, err);
}

void shipment_run(struct service *service, const struct plan *plan, const struct deploy_options *options,
		  struct shipment *shipment, const struct push_watch *watch)
{
	AUTO_FREE uint64_t *generations = calloc(shipment->count + 1, sizeof(*generations));
	AUTO_FREE size_t *carried = calloc(shipment->count + 1, sizeof(*carried));
	struct loading loading = {.service = service,
				  .plan = plan,
				  .options = options,
				  .shipment = shipment,
				  .generations = generations,
				  .carried = carried,
				  .random = schedule_random()};
	bool ready = generations != NULL && carried != NULL;
	struct error cause = {0};

	if (!ready)
		error_oom(&cause);
	if (!ready || !ship(&loading, watch, &cause))
		spread_cause(shipment, &cause);
	loading.ended = clock_wall();
	for (size_t i = 0; i < shipment->count; i++) {
		const char *name = wanted_of(&loading, i)->name;
		struct error unwritten = {0};
		error_context(&shipment->outcomes[i].error, /* step= */ NULL, name, shipment->server);
		if (!ready || pending_is_untried(&shipment->outcomes[i].error) || remember(&loading, i, &unwritten))
			continue;
		error_context(&unwritten, "remember", name, shipment->server);
		log_failure(LOG_LEVEL_WARNING, &unwritten);
	}
}

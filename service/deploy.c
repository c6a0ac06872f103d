/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups what is to be deployed by server, runs one courier per server, and writes down what each server has now. The
 * server's lock keeps two runs from deploying to it at once; what is pushed is read from the store under that lock, so
 * it is always the newest.
 */
#include "service/deploy.h"

#include "base/log.h"
#include "config/config.h"
#include "service/deploy_job.h"
#include "service/pending.h"
#include "service/progress.h"
#include "service/schedule.h"
#include "service/worker.h"
#include "transport/courier.h"

#include <stdlib.h>
#include <string.h>

/* One certificate on one server: indexes into the plan, and where its result goes. */
struct delivery {
	size_t item;
	size_t slot; /* in the certificate's server results */
	uint64_t generation;
	struct push_outcome outcome;
};

/* One server's share of the run. */
struct shipment {
	const char *server;
	struct delivery *deliveries;
	size_t count;
};

struct deployment {
	struct service *service;
	const struct plan *plan;
	const struct deploy_options *options;
	struct run_result *results;
	struct shipment *shipments;
	size_t count;
	size_t parallel;
};

static void deployment_done(struct deployment *deployment)
{
	for (size_t i = 0; i < deployment->count; i++)
		free(deployment->shipments[i].deliveries);
	free(deployment->shipments);
}

/* --- Who gets what --- */

static struct shipment *find_shipment(struct deployment *deployment, const char *server, struct error *err)
{
	for (size_t i = 0; i < deployment->count; i++) {
		if (str_equal(deployment->shipments[i].server, server))
			return &deployment->shipments[i];
	}
	struct shipment *grown = reallocarray(deployment->shipments, deployment->count + 1, sizeof(*grown));
	if (grown == NULL) {
		error_oom(err);
		return NULL;
	}
	deployment->shipments = grown;
	grown[deployment->count] = (struct shipment){.server = server};
	return &grown[deployment->count++];
}

static bool add_delivery(struct deployment *deployment, size_t item, const char *server, struct error *err)
{
	struct certificate_result *certificate = &deployment->results->certificates[item];
	struct shipment *shipment = find_shipment(deployment, server, err);
	if (shipment == NULL)
		return false;
	struct delivery *grown = reallocarray(shipment->deliveries, shipment->count + 1, sizeof(*grown));
	if (grown == NULL)
		return error_oom(err);
	shipment->deliveries = grown;
	if (certificate_result_add(certificate, server, err) == NULL)
		return false;
	grown[shipment->count] = (struct delivery){.item = item, .slot = certificate->server_count - 1};
	shipment->count++;
	return true;
}

/* A result without a try: HELD says why not, NULL that the server has it. */
static bool add_result(struct deployment *deployment, size_t item, const char *server, const struct error *held,
		       struct error *err)
{
	struct server_result *result = certificate_result_add(&deployment->results->certificates[item], server, err);
	if (result == NULL)
		return false;
	result->result = held == NULL ? PUSH_UNCHANGED : PUSH_FAILED;
	error_keep(&result->error, held);
	return true;
}

static bool collect_server(struct deployment *deployment, size_t item, const struct renewal_server *server,
			   struct error *err)
{
	const struct renewal *wanted = &deployment->plan->items[item].wanted;
	const struct deploy_options *options = deployment->options;
	struct error held = {0};
	const char *reason = NULL;

	/* A record that says the server has it is believed, so that a run with nothing due asks nobody. */
	if (!plan_server_due(wanted, server, &reason) && !options->compare && !options->force)
		return add_result(deployment, item, server->name, /* held= */ NULL, err);
	int64_t until = options->by_hand ? 0 : pending_until(wanted, server, clock_wall());
	if (until == 0)
		return add_delivery(deployment, item, server->name, err);
	pending_held(wanted, server, until, &held);
	return add_result(deployment, item, server->name, &held, err);
}

static bool collect_item(struct deployment *deployment, size_t index, struct error *err)
{
	const struct renewal *wanted = &deployment->plan->items[index].wanted;
	const struct deploy_options *options = deployment->options;

	if (wanted->generation == 0 || deployment->plan->items[index].error != NULL)
		return true;
	for (size_t i = 0; i < wanted->server_count; i++) {
		const struct renewal_server *server = &wanted->servers[i];
		if (options->only != NULL && options->only->len > 0 && !str_list_has(options->only, server->name))
			continue;
		if (!collect_server(deployment, index, server, err))
			return false;
	}
	return true;
}

/* As many servers at once as the most careful of the domains involved allows. */
static size_t parallel_servers(const struct deployment *deployment)
{
	enum { DEFAULT_PARALLEL = 10 };
	const struct config *config = service_options(deployment->service)->config;
	size_t parallel = 0;
	for (size_t i = 0; config != NULL && i < deployment->plan->count; i++) {
		const struct config_domain *domain = config_find_domain(config, deployment->plan->items[i].wanted.name);
		if (domain == NULL || domain->rollout.parallel <= 0)
			continue;
		if (parallel == 0 || (size_t)domain->rollout.parallel < parallel)
			parallel = (size_t)domain->rollout.parallel;
	}
	return parallel > 0 ? parallel : DEFAULT_PARALLEL;
}

/* --- One server --- */

struct watcher {
	const struct progress *progress;
	const char *certificate;
	const char *server;
};

static void on_step(void *ctx, const char *step)
{
	const struct watcher *watcher = ctx;
	progress_step(watcher->progress, watcher->certificate, watcher->server, step);
}

static void fail_all(struct shipment *shipment, const struct error *cause)
{
	for (size_t i = 0; i < shipment->count; i++) {
		shipment->deliveries[i].outcome.result = PUSH_FAILED;
		shipment->deliveries[i].outcome.error = *cause;
	}
}

static bool build_job(struct deployment *deployment, struct shipment *shipment, struct push_job *ret, struct error *err)
{
	const struct config *config = service_options(deployment->service)->config;
	const struct config_server *server = config != NULL ? config_find_server(config, shipment->server) : NULL;

	if (server == NULL) {
		error_set(err, ERROR_CONFIG, "connect", "the config defines no server \"%s\"", shipment->server);
		error_hint(err, "define it under servers: with its host, or take it out of the certificate's servers");
		return false;
	}
	if (!deploy_job_open(deployment->service, server, ret, err))
		return false;
	ret->force = deployment->options->force;
	for (size_t i = 0; i < shipment->count; i++) {
		struct delivery *delivery = &shipment->deliveries[i];
		const struct renewal *wanted = &deployment->plan->items[delivery->item].wanted;
		if (!deploy_job_add(ret, deployment->service, server, wanted, &delivery->generation, err)) {
			error_context(err, /* step= */ NULL, wanted->name, /* server= */ NULL);
			return false;
		}
	}
	return true;
}

/* The longest a whole transaction may take, its roll-back included: the courier is killed then. */
static int64_t transaction_ms(const struct push_job *job)
{
	int64_t certificates = (int64_t)job->certificate_count;
	return (int64_t)job->transfer_ms * 2 + (int64_t)job->command_ms * 4 +
	       (int64_t)job->verify_ms * certificates * 2;
}

static bool ship(struct deployment *deployment, struct shipment *shipment, struct error *err)
{
	struct service *service = deployment->service;
	const struct service_options *options = service_options(service);
	struct deadline lock_deadline = service_deadline(service, options->lock_timeout_ms);
	CLEANUP(push_job_done) struct push_job job = {0};

	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(service), "server", shipment->server, lock_deadline, err);
	if (lock == NULL || !build_job(deployment, shipment, &job, err))
		return false;
	struct watcher watcher = {
		.progress = options->progress,
		.certificate = deployment->plan->items[shipment->deliveries[0].item].wanted.name,
		.server = shipment->server,
	};
	AUTO_FREE struct push_outcome *outcomes = calloc(shipment->count, sizeof(*outcomes));
	if (outcomes == NULL)
		return error_oom(err);
	bool ok = courier_run(&job, on_step, &watcher, service_deadline(service, transaction_ms(&job)), outcomes, err);
	for (size_t i = 0; i < shipment->count; i++) {
		struct push_outcome *outcome = &outcomes[i];
		bool reached = outcome->result == PUSH_DEPLOYED || outcome->result == PUSH_UNCHANGED;
		/* Where the courier itself failed no outcome has a cause of its own. */
		if (!ok && !reached && !error_is_set(&outcome->error))
			outcome->error = *err;
		shipment->deliveries[i].outcome = *outcome;
	}
	return true;
}

/* --- What is remembered --- */

/*
 * Under the certificate's lock, since another server's worker (or another run) writes the same record. The outcome
 * learns when a failed deployment is tried again.
 */
static bool remember(struct deployment *deployment, const char *server, struct delivery *delivery, struct error *err)
{
	struct service *service = deployment->service;
	const struct renewal *wanted = &deployment->plan->items[delivery->item].wanted;
	struct deadline deadline = deadline_in(service_options(service)->lock_timeout_ms, /* cancel= */ NULL);
	CLEANUP(renewal_done) struct renewal record = {0};
	bool found = false;

	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(service), "certificate", wanted->name, deadline, err);
	if (lock == NULL || !renewal_load(service_store(service), wanted->name, &record, &found, err))
		return false;
	if (!found)
		return true;
	struct renewal_server *entry = renewal_server(&record, server, err);
	if (entry == NULL)
		return false;
	/* A try that came to nothing before the store was read was to bring what the plan saw live. */
	uint64_t generation = delivery->generation != 0 ? delivery->generation : wanted->generation;
	pending_ended(entry, generation, &delivery->outcome, clock_wall(), schedule_random());
	if (error_is_set(&delivery->outcome.error) && delivery->outcome.error.retry_at == 0)
		delivery->outcome.error.retry_at = entry->retry_at;
	return renewal_save(service_store(service), &record, err);
}

static void ship_and_remember(void *ctx, size_t index)
{
	struct deployment *deployment = ctx;
	struct shipment *shipment = &deployment->shipments[index];
	const struct progress *progress = service_options(deployment->service)->progress;
	struct error cause = {0};

	if (!ship(deployment, shipment, &cause))
		fail_all(shipment, &cause);
	for (size_t i = 0; i < shipment->count; i++) {
		struct delivery *delivery = &shipment->deliveries[i];
		struct certificate_result *certificate = &deployment->results->certificates[delivery->item];
		struct server_result *result = &certificate->servers[delivery->slot];
		const char *name = deployment->plan->items[delivery->item].wanted.name;
		struct error unwritten = {0};

		error_context(&delivery->outcome.error, /* step= */ NULL, name, shipment->server);
		if (!remember(deployment, shipment->server, delivery, &unwritten)) {
			error_context(&unwritten, "remember", name, shipment->server);
			log_failure(LOG_LEVEL_WARNING, &unwritten);
		}
		result->result = delivery->outcome.result;
		error_keep(&result->error, &delivery->outcome.error);
		progress_finished(progress, name, shipment->server, push_result_name(result->result), result->error);
	}
}

bool deploy_plan(struct service *service, const struct plan *plan, const struct deploy_options *options,
		 struct run_result *results, struct error *err)
{
	CLEANUP(deployment_done)
	struct deployment deployment = {.service = service, .plan = plan, .options = options, .results = results};

	for (size_t i = 0; i < plan->count; i++) {
		if (!collect_item(&deployment, i, err))
			return false;
	}
	worker_run_all(deployment.count, parallel_servers(&deployment), ship_and_remember, &deployment);
	return true;
}

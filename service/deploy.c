/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups what is to be deployed by server, and sends it off in the order of the certificates' rollouts (rollout.h).
 *
 * Workers take the next server whenever one may begin, which is a matter of places (places.h) and of the rollouts.
 * Before a courier changes anything it asks both once more. A server that could not be reached last time has its turn
 * last.
 */
#include "service/deploy.h"

#include "base/limits.h"
#include "base/log.h"
#include "config/config.h"
#include "service/pending.h"
#include "service/places.h"
#include "service/progress.h"
#include "service/rollout.h"
#include "service/shipment.h"
#include "service/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
	DEFAULT_PARALLEL = 10,
	STALLED_MS = 3000, /* a canary that is well lets us in sooner */
};

/* One certificate on one server: indexes into the plan, and where its result goes. */
struct delivery {
	size_t item;
	size_t slot; /* in the certificate's server results */
};

/* One server's deliveries, in the order of its stop's legs. */
struct load {
	struct delivery *deliveries;
	size_t count;
};

/* A server that is being deployed to. */
struct trip {
	struct deployment *deployment;
	const char *certificate, *server;
	size_t stop;
	struct place place;
	int64_t began_ms;
	bool stalled; /* the rollouts know of it */
	struct trip *next;
};

struct deployment {
	struct service *service;
	const struct plan *plan;
	const struct deploy_options *options;
	struct run_result *results;
	struct load *loads; /* as many as stops */
	size_t load_count;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct rollout rollout;
	struct places places;
	struct trip *trips; /* under way */
	struct progress_fleet fleet;
};

static void deployment_done(struct deployment *deployment)
{
	for (size_t i = 0; i < deployment->load_count; i++)
		free(deployment->loads[i].deliveries);
	free(deployment->loads);
	rollout_done(&deployment->rollout);
	(void)pthread_cond_destroy(&deployment->changed);
	(void)pthread_mutex_destroy(&deployment->lock);
}

/* Waits are measured on the clock that nobody sets. */
static bool deployment_init(struct deployment *deployment, struct error *err)
{
	pthread_condattr_t monotonic;
	(void)pthread_mutex_init(&deployment->lock, /* attr= */ NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&deployment->changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	return rollout_init(&deployment->rollout, deployment->plan->count, err);
}

/* --- Who gets what --- */

static bool grow_loads(struct deployment *deployment, size_t count, struct error *err)
{
	if (deployment->load_count >= count)
		return true;
	struct load *grown = reallocarray(deployment->loads, count, sizeof(*grown));
	if (grown == NULL)
		return error_oom(err);
	deployment->loads = grown;
	for (; deployment->load_count < count; deployment->load_count++)
		grown[deployment->load_count] = (struct load){0};
	return true;
}

static bool add_delivery(struct deployment *deployment, size_t item, const struct renewal_server *server,
			 struct error *err)
{
	const struct renewal *wanted = &deployment->plan->items[item].wanted;
	struct certificate_result *certificate = &deployment->results->certificates[item];
	enum rollout_past past = pending_refused(wanted, server)  ? ROLLOUT_REFUSED
				 : pending_is_unreachable(server) ? ROLLOUT_UNREACHED
								  : ROLLOUT_NOTHING;
	size_t stop = 0, leg = 0;

	if (!rollout_add(&deployment->rollout, server->name, item, past, &stop, &leg, err) ||
	    !grow_loads(deployment, stop + 1, err))
		return false;
	struct load *load = &deployment->loads[stop];
	struct delivery *grown = reallocarray(load->deliveries, leg + 1, sizeof(*grown));
	if (grown == NULL)
		return error_oom(err);
	load->deliveries = grown;
	if (certificate_result_add(certificate, server->name, err) == NULL)
		return false;
	grown[leg] = (struct delivery){.item = item, .slot = certificate->server_count - 1};
	load->count = leg + 1;
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

/* What a look showed that a record does not. */
static bool note_served(struct deployment *deployment, size_t item, size_t index, struct error *err)
{
	const struct plan_item *its = &deployment->plan->items[item];
	const struct served *served = its->served != NULL ? &its->served[index] : NULL;
	struct str_list *notes = &deployment->results->certificates[item].notes;
	char text[SERVED_TEXT];

	if (served == NULL || (served->state != SERVED_OTHER && served->state != SERVED_UNSEEN))
		return true;
	AUTO_FREE char *note =
		served->state == SERVED_OTHER
			? str_format(err, "%s %s, though it was brought the live one", its->wanted.servers[index].name,
				     served_text(served, text))
			: str_format(err, "what %s serves cannot be seen: %s", its->wanted.servers[index].name,
				     served->error != NULL ? served->error->message : "no memory");
	if (note == NULL)
		return false;
	log_warning("%s: %s", its->wanted.name, note);
	return str_list_add(notes, note, err);
}

static bool collect_server(struct deployment *deployment, size_t item, size_t index, struct error *err)
{
	const struct renewal *wanted = &deployment->plan->items[item].wanted;
	const struct renewal_server *server = &wanted->servers[index];
	const struct deploy_options *options = deployment->options;
	bool chosen = options->only == NULL || options->only->len == 0 || str_list_has(options->only, server->name);
	struct error held = {0};
	char reason[256];
	bool due = plan_item_server_due(&deployment->plan->items[item], index, reason);

	if (!due && !options->force)
		rollout_has(&deployment->rollout, item);
	if (!chosen)
		return true;
	if (!note_served(deployment, item, index, err))
		return false;
	/* A record that says the server has it is believed, so that a run with nothing due asks nobody. */
	if (!due && !options->compare && !options->force)
		return add_result(deployment, item, server->name, /* held= */ NULL, err);
	int64_t until = options->by_hand ? 0 : pending_until(wanted, server, clock_wall());
	if (until == 0)
		return add_delivery(deployment, item, server, err);
	if (pending_refused(wanted, server))
		rollout_is_held(&deployment->rollout, item, server->name, until);
	pending_held(wanted, server, until, &held);
	return add_result(deployment, item, server->name, &held, err);
}

static bool collect_item(struct deployment *deployment, size_t index, struct error *err)
{
	const struct config *config = service_options(deployment->service)->config;
	const struct plan_item *item = &deployment->plan->items[index];
	const struct config_domain *domain = config != NULL ? config_find_domain(config, item->wanted.name) : NULL;
	struct rollout_track *track = &deployment->rollout.tracks[index];

	if (item->wanted.generation == 0 || item->error != NULL)
		return true;
	if (domain != NULL && domain->rollout.given) {
		track->ruled = true;
		track->canary = (size_t)domain->rollout.canary;
		track->max_failures = (size_t)domain->rollout.max_failures;
	}
	for (size_t i = 0; i < item->wanted.server_count; i++) {
		if (!collect_server(deployment, index, i, err))
			return false;
	}
	/* As many servers at once as the most careful of the certificates involved allows. */
	size_t parallel = domain != NULL ? (size_t)domain->rollout.parallel : DEFAULT_PARALLEL;
	if (track->place_count > 0 && parallel < deployment->places.parallel)
		deployment->places.parallel = parallel;
	return true;
}

/* --- One server --- */

static void on_step(void *ctx, const char *step)
{
	struct trip *trip = ctx;
	struct deployment *deployment = trip->deployment;

	(void)pthread_mutex_lock(&deployment->lock);
	places_heard(&deployment->places, &trip->place, !str_equal(step, "connect"), clock_monotonic_ms());
	(void)pthread_mutex_unlock(&deployment->lock);
	progress_step(service_options(deployment->service)->progress, trip->certificate, trip->server, step);
}

static void report(struct deployment *deployment, const struct delivery *delivery, const struct push_outcome *outcome)
{
	const char *word = pending_is_untried(&outcome->error) ? "not tried" : push_result_name(outcome->result);
	struct certificate_result *certificate = &deployment->results->certificates[delivery->item];
	struct server_result *result = &certificate->servers[delivery->slot];
	const char *name = deployment->plan->items[delivery->item].wanted.name;

	result->result = outcome->result;
	error_keep(&result->error, &outcome->error);
	progress_finished(service_options(deployment->service)->progress, name, result->server, word, result->error);
}

static void tell_fleet(const struct deployment *deployment)
{
	progress_fleet(service_options(deployment->service)->progress, &deployment->fleet);
}

/* Under the lock: others may begin. */
static void end_trip(struct deployment *deployment, struct trip *trip)
{
	deployment->fleet.running--;
	struct trip **at = &deployment->trips;
	while (*at != trip)
		at = &(*at)->next;
	*at = trip->next;
	places_leave(&deployment->places, &trip->place);
	(void)pthread_cond_broadcast(&deployment->changed);
}

static enum rollout_end end_of(const struct push_outcome *outcome)
{
	if (outcome->result == PUSH_DEPLOYED || outcome->result == PUSH_UNCHANGED)
		return ROLLOUT_DONE;
	return pending_is_refusal(outcome) ? ROLLOUT_END_REFUSED : ROLLOUT_END_UNREACHED;
}

/* STOP's legs and their items, those that go first: *RET_GOING is how many. */
static void sort_legs(const struct deployment *deployment, size_t stop, size_t *legs, size_t *items, size_t *ret_going)
{
	const struct load *load = &deployment->loads[stop];
	size_t count = 0;
	for (int going = 1; going >= 0; going--) {
		for (size_t i = 0; i < load->count; i++) {
			if (rollout_leg_goes(&deployment->rollout, stop, i) != (going == 1))
				continue;
			legs[count] = i;
			items[count++] = load->deliveries[i].item;
		}
		if (going == 1)
			*ret_going = count;
	}
}

/* Under the lock: the rollouts learn what became of STOP, and those who were left out why. */
static void settle(struct deployment *deployment, size_t stop, const size_t *legs, size_t going,
		   struct push_outcome *outcomes)
{
	const struct load *load = &deployment->loads[stop];
	for (size_t i = 0; i < load->count; i++) {
		struct push_outcome *outcome = &outcomes[i];
		size_t item = load->deliveries[legs[i]].item;
		rollout_leg_ended(&deployment->rollout, stop, legs[i], end_of(outcome), outcome->error.retry_at);
		if (i < going)
			continue;
		rollout_not_tried(&deployment->rollout.tracks[item], &outcome->error);
		error_context(&outcome->error, /* step= */ NULL, deployment->plan->items[item].wanted.name,
			      deployment->rollout.stops[stop].server);
	}
}

/* --- Waiting for others --- */

/* What is silent gives up: its place, or being the canary. *RET_WAKE_MS is when that happens next; INT64_MAX: never. */
static bool look_around(struct deployment *deployment, int64_t *ret_wake_ms)
{
	int64_t now = clock_monotonic_ms();
	bool is_free = places_free(&deployment->places, now, ret_wake_ms);

	for (struct trip *trip = deployment->trips; trip != NULL; trip = trip->next) {
		int64_t until = trip->began_ms + STALLED_MS;
		if (trip->place.answered || trip->stalled)
			continue;
		if (now >= until) {
			rollout_stalls(&deployment->rollout, trip->stop);
			trip->stalled = true;
		} else if (until < *ret_wake_ms) {
			*ret_wake_ms = until;
		}
	}
	return is_free;
}

static void wait_for_change(struct deployment *deployment, int64_t wake_ms)
{
	struct timespec at = {.tv_sec = wake_ms / 1000, .tv_nsec = wake_ms % 1000 * 1000000};
	if (wake_ms == INT64_MAX)
		(void)pthread_cond_wait(&deployment->changed, &deployment->lock);
	else
		(void)pthread_cond_timedwait(&deployment->changed, &deployment->lock, &at);
}

/* Under the lock. Others that hold a place or are canaries end in time, so this comes to an end. */
static bool await_leave(struct trip *trip, struct error *err)
{
	struct deployment *deployment = trip->deployment;

	enum { SLICE_MS = 250 }; /* to see that the run is interrupted: then nobody is to wait for others */
	const struct cancel *cancel = service_options(deployment->service)->cancel;

	for (bool told = false; !cancel_requested(cancel); told = true) {
		int64_t wake_ms = INT64_MAX, soon_ms = clock_monotonic_ms() + SLICE_MS;
		(void)look_around(deployment, &wake_ms);
		enum rollout_leave leave = rollout_may_change(&deployment->rollout, trip->stop);
		if (leave == ROLLOUT_STOPPED) {
			rollout_stopped(&deployment->rollout, trip->stop, err);
			return false;
		}
		if (leave == ROLLOUT_GO && places_keep(&deployment->places, &trip->place, clock_monotonic_ms()))
			return true;
		if (!told)
			progress_step(service_options(deployment->service)->progress, trip->certificate, trip->server,
				      "wait");
		wait_for_change(deployment, wake_ms < soon_ms ? wake_ms : soon_ms);
	}
	return true;
}

static bool may_change(void *ctx, struct error *err)
{
	struct trip *trip = ctx;
	(void)pthread_mutex_lock(&trip->deployment->lock);
	bool may = await_leave(trip, err);
	(void)pthread_mutex_unlock(&trip->deployment->lock);
	return may;
}

/* --- One server's turn --- */

/* Under the lock. A server that was not tried is none that is done. */
static void count_trip(struct deployment *deployment, const struct push_outcome *outcomes, size_t going)
{
	bool tried = false, failed = false;

	for (size_t i = 0; i < going; i++) {
		tried = tried || !pending_is_untried(&outcomes[i].error);
		failed = failed || end_of(&outcomes[i]) != ROLLOUT_DONE;
	}
	deployment->fleet.done += tried;
	deployment->fleet.failed += tried && failed;
	tell_fleet(deployment);
}

/* One stop from begin to end; called with the lock held, which is given back meanwhile. */
static void make_stop(struct deployment *deployment, size_t stop)
{
	const struct load *load = &deployment->loads[stop];
	AUTO_FREE size_t *legs = calloc(load->count, sizeof(*legs));
	AUTO_FREE size_t *items = calloc(load->count, sizeof(*items));
	AUTO_FREE struct push_outcome *outcomes = calloc(load->count, sizeof(*outcomes));
	size_t going = 0;

	/* Without memory nobody can be told more than that it failed, which every result says until it is known. */
	if (legs == NULL || items == NULL || outcomes == NULL) {
		for (size_t i = 0; i < load->count; i++)
			rollout_leg_ended(&deployment->rollout, stop, i, ROLLOUT_END_UNREACHED, 0);
		(void)pthread_cond_broadcast(&deployment->changed);
		return;
	}
	sort_legs(deployment, stop, legs, items, &going);
	struct shipment shipment = {deployment->rollout.stops[stop].server, items, going, outcomes};
	struct trip trip = {
		.deployment = deployment,
		.certificate = deployment->plan->items[items[0]].wanted.name,
		.server = shipment.server,
		.stop = stop,
		.began_ms = clock_monotonic_ms(),
		.next = deployment->trips,
	};
	const struct push_watch watch = {on_step, may_change, &trip};
	deployment->trips = &trip;
	places_enter(&deployment->places, &trip.place, trip.began_ms);
	deployment->fleet.running++;
	tell_fleet(deployment);
	(void)pthread_mutex_unlock(&deployment->lock);
	if (going > 0)
		shipment_run(deployment->service, deployment->plan, deployment->options, &shipment, &watch);
	(void)pthread_mutex_lock(&deployment->lock);
	settle(deployment, stop, legs, going, outcomes);
	end_trip(deployment, &trip);
	(void)pthread_mutex_unlock(&deployment->lock);
	for (size_t i = 0; i < load->count; i++)
		report(deployment, &load->deliveries[legs[i]], &outcomes[i]);
	(void)pthread_mutex_lock(&deployment->lock);
	count_trip(deployment, outcomes, going);
}

/* --- All of them --- */

/* One worker: as long as servers wait, it takes the next that may begin, or waits for one to end. */
static void work(void *ctx, size_t index)
{
	struct deployment *deployment = ctx;
	(void)index;
	(void)pthread_mutex_lock(&deployment->lock);
	while (rollout_waiting(&deployment->rollout)) {
		int64_t wake_ms = INT64_MAX;
		size_t stop = 0;
		if (look_around(deployment, &wake_ms) && rollout_next(&deployment->rollout, &stop))
			make_stop(deployment, stop);
		else
			wait_for_change(deployment, wake_ms);
	}
	(void)pthread_mutex_unlock(&deployment->lock);
}

bool deploy_plan(struct service *service, const struct plan *plan, const struct deploy_options *options,
		 struct run_result *results, struct error *err)
{
	CLEANUP(deployment_done)
	struct deployment deployment = {
		.service = service,
		.plan = plan,
		.options = options,
		.results = results,
		.places.parallel = SIZE_MAX, /* until a certificate says less */
	};

	if (!deployment_init(&deployment, err))
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		if (!collect_item(&deployment, i, err))
			return false;
	}
	size_t workers = deployment.rollout.stop_count;
	size_t most = places_most(&deployment.places);
	if (workers > most)
		workers = most;
	deployment.fleet.servers = deployment.rollout.stop_count;
	worker_run_all(workers, workers, work, &deployment);
	deployment.fleet = (struct progress_fleet){0};
	tell_fleet(&deployment);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions are gathered, sorted by the way and by where they lead, and each place is asked once: from here, or
 * together with the others behind the same jump hosts by a courier.
 */
#include "service/served.h"

#include "base/clock.h"
#include "base/limits.h"
#include "config/config.h"
#include "service/deploy_job.h"
#include "service/server_target.h"
#include "service/worker.h"
#include "transport/courier.h"
#include "transport/dns.h"
#include "transport/starttls.h"
#include "transport/tls_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COURIER_MS = 2000 }; /* beyond a courier's own limits: for its process to start and to end */

/* One answer that is wanted, and where it is to be had. */
struct probe {
	const struct config_server *behind; /* jump hosts, its own; NULL: it is asked from here */
	const char *address;                /* the config's */
	uint16_t port;
	enum starttls_protocol starttls;
	char *server_name;
	const struct renewal *record;
	struct served *answer;
};

struct looking {
	struct service *service;
	struct probe *probes; /* sorted: those with the same place side by side, and places with the same way */
	size_t count;
	size_t *firsts; /* of each place, and behind the last */
	size_t place_count;
	size_t *tasks; /* the first place of each, and behind the last: one place, or many behind the same jump hosts */
	size_t task_count;
};

static void looking_done(struct looking *looking)
{
	for (size_t i = 0; i < looking->count; i++)
		free(looking->probes[i].server_name);
	free(looking->probes);
	free(looking->firsts);
	free(looking->tasks);
}

struct served *served_new(size_t count, enum served_state state, struct error *err)
{
	struct served *answers = calloc(count ? count : 1, sizeof(*answers));
	if (answers == NULL)
		error_oom(err);
	for (size_t i = 0; answers != NULL && i < count; i++)
		answers[i].state = state;
	return answers;
}

void served_free(struct served *answers, size_t count)
{
	for (size_t i = 0; answers != NULL && i < count; i++)
		free(answers[i].error);
	free(answers);
}

/* --- Where to ask --- */

/* PROBE's place, unless the server is none whose certificate can be seen. */
static bool find_place(const struct config *config, const char *name, struct probe *probe, bool *ret_there,
		       struct error *err)
{
	const struct config_server *server = config != NULL ? config_find_server(config, name) : NULL;

	*ret_there = server != NULL && server->verify.enabled && probe->record->generation > 0 &&
		     probe->record->identifier_count > 0 && starttls_find(server->verify.starttls, &probe->starttls);
	if (!*ret_there)
		return true;
	probe->behind = server->verify.through_jump ? server : NULL;
	probe->address = server->verify.address != NULL ? server->verify.address : server->host;
	probe->port = server->verify.port;
	probe->server_name = deploy_job_server_name(server, probe->record, err);
	return probe->server_name != NULL;
}

static bool gather(struct looking *looking, const struct served_question *question, struct error *err)
{
	const struct config *config = service_options(looking->service)->config;
	for (size_t i = 0; i < question->record->server_count; i++) {
		struct probe probe = {.record = question->record, .answer = &question->answers[i]};
		bool there = false;
		if (probe.answer->state != SERVED_WANTED)
			continue;
		probe.answer->state = SERVED_UNASKED;
		if (!find_place(config, question->record->servers[i].name, &probe, &there, err))
			return false;
		if (there)
			looking->probes[looking->count++] = probe;
	}
	return true;
}

/* Those that are asked from here first. */
static int compare_ways(const struct probe *x, const struct probe *y)
{
	size_t x_count = x->behind != NULL ? x->behind->hop_count : 0;
	size_t y_count = y->behind != NULL ? y->behind->hop_count : 0;
	int order = (x_count > y_count) - (x_count < y_count);
	for (size_t i = 0; order == 0 && i < x_count; i++)
		order = strcmp(x->behind->hops[i]->name, y->behind->hops[i]->name);
	return order;
}

static int compare_places(const void *a, const void *b)
{
	const struct probe *x = a, *y = b;
	int order = compare_ways(x, y);
	if (order == 0)
		order = strcmp(x->address, y->address);
	if (order == 0)
		order = (x->port > y->port) - (x->port < y->port);
	if (order == 0)
		order = (x->starttls > y->starttls) - (x->starttls < y->starttls);
	return order != 0 ? order : strcmp(x->server_name, y->server_name);
}

static void sort_out(struct looking *looking)
{
	size_t in_task = 0;
	qsort(looking->probes, looking->count, sizeof(*looking->probes), compare_places);
	for (size_t i = 0; i < looking->count; i++) {
		const struct probe *probe = &looking->probes[i];
		if (i > 0 && compare_places(probe - 1, probe) == 0)
			continue;
		if (i == 0 || probe->behind == NULL || in_task == LIMIT_COURIER_SIGHTS ||
		    compare_ways(probe - 1, probe) != 0) {
			looking->tasks[looking->task_count++] = looking->place_count;
			in_task = 0;
		}
		in_task++;
		looking->firsts[looking->place_count++] = i;
	}
	looking->firsts[looking->place_count] = looking->count;
	looking->tasks[looking->task_count] = looking->place_count;
}

static bool gather_all(struct looking *looking, const struct served_question *questions, size_t count,
		       struct error *err)
{
	size_t most = 0;
	for (size_t i = 0; i < count; i++)
		most += questions[i].record->server_count;
	if (most == 0)
		return true;
	looking->probes = calloc(most, sizeof(*looking->probes));
	looking->firsts = calloc(most + 1, sizeof(*looking->firsts));
	looking->tasks = calloc(most + 1, sizeof(*looking->tasks));
	if (looking->probes == NULL || looking->firsts == NULL || looking->tasks == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		if (!gather(looking, &questions[i], err))
			return false;
	}
	sort_out(looking);
	return true;
}

/* --- Asking --- */

static bool ask(struct service *service, const struct probe *probe, struct tls_probe_result *ret, struct error *err)
{
	const struct str_list *resolvers = service_options(service)->resolvers;
	struct deadline deadline = service_deadline(service, LIMIT_LOOK_MS);
	CLEANUP(str_list_done) struct str_list addresses = {0};

	/* The run's own DNS servers are asked for every name; without them it is the system's resolver. */
	if (resolvers != NULL && resolvers->len > 0) {
		struct dns_resolver *resolver = service_resolver(service, err);
		if (resolver == NULL || !dns_addresses(resolver, probe->address, deadline, &addresses, err))
			return false;
	}
	const struct tls_probe_target target = {
		.address = probe->address,
		.addresses = &addresses,
		.port = probe->port,
		.server_name = probe->server_name,
		.starttls = probe->starttls,
	};
	return tls_probe(&target, deadline, ret, err);
}

/* What was seen at PLACE, or why nothing was, is the answer of everybody who asked. */
static void tell_place(struct looking *looking, size_t place, const struct tls_probe_result *seen,
		       const struct error *unseen)
{
	for (size_t i = looking->firsts[place]; i < looking->firsts[place + 1]; i++) {
		struct served *answer = looking->probes[i].answer;
		if (error_is_set(unseen)) {
			answer->state = SERVED_UNSEEN;
			error_keep(&answer->error, unseen);
			continue;
		}
		bool live = str_equal(seen->fingerprint_sha256, looking->probes[i].record->fingerprint_sha256);
		answer->state = live ? SERVED_LIVE : SERVED_OTHER;
		answer->not_after = seen->not_after;
		memcpy(answer->fingerprint_sha256, seen->fingerprint_sha256, sizeof(answer->fingerprint_sha256));
	}
}

/* --- Asking through jump hosts --- */

static bool build_look(struct looking *looking, size_t first, size_t end, struct look_job *ret, struct error *err)
{
	const struct config_server *server = looking->probes[looking->firsts[first]].behind;

	ret->login_ms = LIMIT_LOOK_MS * (uint32_t)server->hop_count;
	ret->look_ms = LIMIT_LOOK_MS;
	ret->places = calloc(end - first, sizeof(ret->places[0]));
	if (ret->places == NULL)
		return error_oom(err);
	for (size_t place = first; place < end; place++) {
		const struct probe *probe = &looking->probes[looking->firsts[place]];
		struct look_place *added = &ret->places[ret->place_count++];
		added->port = probe->port;
		added->starttls = probe->starttls;
		if (!str_set(&added->address, probe->address, err) ||
		    !str_set(&added->server_name, probe->server_name, err))
			return false;
	}
	return server_target_way(server, &ret->target, err) && server_look_up(looking->service, &ret->target, err);
}

/* The places from FIRST to before END, which one login reaches. */
static void ask_behind(struct looking *looking, size_t first, size_t end)
{
	CLEANUP(look_job_done) struct look_job job = {0};
	struct error unseen = {0};
	struct look_sight none = {0};

	AUTO_FREE struct look_sight *sights = calloc(end - first, sizeof(*sights));
	bool ok = (sights != NULL || error_oom(&unseen)) && build_look(looking, first, end, &job, &unseen) &&
		  courier_look(&job, service_deadline(looking->service, look_longest_ms(&job) + COURIER_MS), sights,
			       &unseen);
	unseen.server[0] = '\0'; /* it is all the servers' there */
	for (size_t place = first; place < end; place++) {
		const struct look_sight *sight = ok ? &sights[place - first] : &none;
		tell_place(looking, place, &sight->seen, ok ? &sight->error : &unseen);
	}
}

static void ask_some(void *ctx, size_t task)
{
	struct looking *looking = ctx;
	size_t first = looking->tasks[task];
	const struct probe *probe = &looking->probes[looking->firsts[first]];
	struct tls_probe_result seen = {0};
	struct error unseen = {0};

	if (probe->behind != NULL) {
		ask_behind(looking, first, looking->tasks[task + 1]);
		return;
	}
	if (ask(looking->service, probe, &seen, &unseen))
		error_clear(&unseen);
	tell_place(looking, first, &seen, &unseen);
}

bool served_look(struct service *service, const struct served_question *questions, size_t count, struct error *err)
{
	CLEANUP(looking_done) struct looking looking = {.service = service};
	if (!gather_all(&looking, questions, count, err))
		return false;
	worker_run_all(looking.task_count, LIMIT_LOOKS, ask_some, &looking);
	return true;
}

const char *served_text(const struct served *served, char out[SERVED_TEXT])
{
	char until[RFC3339_SIZE];
	(void)snprintf(out, SERVED_TEXT, "serves another certificate (SHA-256 %s, until %.10s)",
		       served->fingerprint_sha256, rfc3339_format(served->not_after, until));
	return out;
}

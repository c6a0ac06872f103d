/* SPDX-License-Identifier: Apache-2.0 */
/* Questions are gathered, sorted by where they lead, and each place is asked once. */
#include "service/served.h"

#include "base/clock.h"
#include "base/limits.h"
#include "config/config.h"
#include "service/deploy_job.h"
#include "service/worker.h"
#include "transport/dns.h"
#include "transport/starttls.h"
#include "transport/tls_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One answer that is wanted, and where it is to be had. */
struct probe {
	const char *address; /* the config's */
	uint16_t port;
	enum starttls_protocol starttls;
	char *server_name;
	const struct renewal *record;
	struct served *answer;
};

struct looking {
	struct service *service;
	struct probe *probes; /* sorted: those with the same place side by side */
	size_t count;
	size_t *firsts; /* of each place */
	size_t place_count;
};

static void looking_done(struct looking *looking)
{
	for (size_t i = 0; i < looking->count; i++)
		free(looking->probes[i].server_name);
	free(looking->probes);
	free(looking->firsts);
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

static int compare_places(const void *a, const void *b)
{
	const struct probe *x = a, *y = b;
	int order = strcmp(x->address, y->address);
	if (order == 0)
		order = (x->port > y->port) - (x->port < y->port);
	if (order == 0)
		order = (x->starttls > y->starttls) - (x->starttls < y->starttls);
	return order != 0 ? order : strcmp(x->server_name, y->server_name);
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
	looking->firsts = calloc(most, sizeof(*looking->firsts));
	if (looking->probes == NULL || looking->firsts == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		if (!gather(looking, &questions[i], err))
			return false;
	}
	qsort(looking->probes, looking->count, sizeof(*looking->probes), compare_places);
	for (size_t i = 0; i < looking->count; i++) {
		if (i == 0 || compare_places(&looking->probes[i - 1], &looking->probes[i]) != 0)
			looking->firsts[looking->place_count++] = i;
	}
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

static void ask_place(void *ctx, size_t index)
{
	struct looking *looking = ctx;
	size_t first = looking->firsts[index];
	size_t end = index + 1 < looking->place_count ? looking->firsts[index + 1] : looking->count;
	struct tls_probe_result seen = {0};
	struct error unseen = {0};
	bool ok = ask(looking->service, &looking->probes[first], &seen, &unseen);

	for (size_t i = first; i < end; i++) {
		struct served *answer = looking->probes[i].answer;
		if (!ok) {
			answer->state = SERVED_UNSEEN;
			error_keep(&answer->error, &unseen);
			continue;
		}
		bool live = str_equal(seen.fingerprint_sha256, looking->probes[i].record->fingerprint_sha256);
		answer->state = live ? SERVED_LIVE : SERVED_OTHER;
		answer->not_after = seen.not_after;
		memcpy(answer->fingerprint_sha256, seen.fingerprint_sha256, sizeof(answer->fingerprint_sha256));
	}
}

bool served_look(struct service *service, const struct served_question *questions, size_t count, struct error *err)
{
	CLEANUP(looking_done) struct looking looking = {.service = service};
	if (!gather_all(&looking, questions, count, err))
		return false;
	worker_run_all(looking.place_count, LIMIT_LOOKS, ask_place, &looking);
	return true;
}

const char *served_text(const struct served *served, char out[SERVED_TEXT])
{
	char until[RFC3339_SIZE];
	(void)snprintf(out, SERVED_TEXT, "serves another certificate (SHA-256 %s, until %.10s)",
		       served->fingerprint_sha256, rfc3339_format(served->not_after, until));
	return out;
}

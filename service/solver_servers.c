/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-01 through the web servers that will get the certificate: its answers go into their webroot over SFTP, on every
 * one of them, since the CA may ask any. A courier per server holds them and removes them, even when we are killed.
 */
#include "service/solver.h"

#include "base/log.h"
#include "config/config.h"
#include "service/progress.h"
#include "service/server_target.h"
#include "service/worker.h"
#include "transport/courier.h"

#include <stdlib.h>

enum {
	PARALLEL_SERVERS = 10,
	TRANSFER_MS = 30 * 1000, /* at most: every other server waits for the slowest */
	EACH_MS = 500,           /* more for each name beyond the first: some ten round trips */
	HOLD_SLACK_MS = 60 * 1000,
};

/* One server, and what is published there. */
struct outlet {
	struct publish_job job;
	uint32_t timeout_ms;                     /* for one name */
	struct courier_publication *publication; /* NULL: nothing */
	struct error *error;                     /* owned; why nothing could be published, or removed; NULL: it could */
};

struct servers_solver {
	struct service *service;
	const char *certificate; /* borrowed */
	struct outlet *outlets;
	size_t count;
	struct deadline deadline; /* of what is being done */
};

static bool set_files(struct publish_job *job, const struct acme_challenge_task *tasks, size_t count, struct error *err)
{
	job->files = calloc(count + 1, sizeof(*job->files));
	if (job->files == NULL)
		return error_oom(err);
	for (; job->file_count < count; job->file_count++) {
		struct publish_file *file = &job->files[job->file_count];
		if (!str_set(&file->name, tasks[job->file_count].token, err) ||
		    !str_set(&file->content, tasks[job->file_count].key_authorization, err)) {
			free(file->name);
			return false;
		}
	}
	return true;
}

static void keep_error(struct servers_solver *solver, struct outlet *outlet, struct error *err)
{
	error_context(err, "challenge", solver->certificate, outlet->job.target.server);
	error_keep(&outlet->error, err);
}

static void publish_one(void *ctx, size_t index)
{
	struct servers_solver *solver = ctx;
	struct outlet *outlet = &solver->outlets[index];
	struct error err = {0};

	progress_step(service_options(solver->service)->progress, solver->certificate, outlet->job.target.server,
		      "publish");
	if (server_look_up(solver->service, &outlet->job.target, &err))
		outlet->publication = courier_publish(&outlet->job, solver->deadline, &err);
	if (outlet->publication == NULL)
		keep_error(solver, outlet, &err);
}

/*
 * One server that is down must not keep the rest from a certificate: if it is not in use, the CA will not ask it. Where
 * none could be reached the CA need not be asked either.
 */
static bool judge(struct servers_solver *solver, struct error *err)
{
	const struct error *first = NULL;
	size_t published = 0;

	for (size_t i = 0; i < solver->count; i++) {
		published += solver->outlets[i].publication != NULL;
		if (solver->outlets[i].error != NULL && first == NULL)
			first = solver->outlets[i].error;
	}
	if (first != NULL && (published == 0 || first->category == ERROR_CANCELLED)) {
		*err = *first;
		return false;
	}
	for (size_t i = 0; i < solver->count; i++)
		if (solver->outlets[i].error != NULL)
			log_failure(LOG_LEVEL_WARNING, solver->outlets[i].error);
	return true;
}

static bool servers_present(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct deadline deadline,
			    struct error *err)
{
	struct servers_solver *solver = ctx;

	for (size_t i = 0; i < solver->count; i++) {
		struct publish_job *job = &solver->outlets[i].job;
		job->hold_ms = (uint32_t)(deadline_left_ms(deadline) + HOLD_SLACK_MS);
		job->transfer_ms = solver->outlets[i].timeout_ms + EACH_MS * (uint32_t)(count > 0 ? count - 1 : 0);
		if (!set_files(job, tasks, count, err))
			return false;
	}
	solver->deadline = deadline;
	worker_run_all(solver->count, PARALLEL_SERVERS, publish_one, solver);
	return judge(solver, err);
}

static void withdraw_one(void *ctx, size_t index)
{
	struct servers_solver *solver = ctx;
	struct outlet *outlet = &solver->outlets[index];
	struct error err = {0};

	error_keep(&outlet->error, /* err= */ NULL);
	if (outlet->publication != NULL && !courier_withdraw(STEAL(outlet->publication), &err))
		keep_error(solver, outlet, &err);
}

static bool servers_cleanup(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct error *err)
{
	struct servers_solver *solver = ctx;
	(void)tasks;
	(void)count;

	worker_run_all(solver->count, PARALLEL_SERVERS, withdraw_one, solver);
	/* What is authorized ahead of the order comes and goes before the order's own. */
	for (size_t i = 0; i < solver->count; i++)
		publish_job_drop_files(&solver->outlets[i].job);
	for (size_t i = 0; i < solver->count; i++) {
		if (solver->outlets[i].error == NULL)
			continue;
		*err = *solver->outlets[i].error;
		return false;
	}
	return true;
}

static bool add_outlet(struct servers_solver *solver, const struct renewal *wanted, const char *server,
		       struct error *err)
{
	const struct config *config = service_options(solver->service)->config;
	const struct config_server *entry = config != NULL ? config_find_server(config, server) : NULL;
	struct outlet *outlet = &solver->outlets[solver->count];
	struct publish_job *job = &outlet->job;

	if (entry == NULL) {
		error_set(err, ERROR_CONFIG, "challenge", "the config defines no server \"%s\"", server);
		error_hint(err, "its webroot is to answer the CA: define it under servers: with its host");
		return false;
	}
	if (!server_target(entry, &job->target, err) || !str_set(&job->folder, wanted->webroot, err))
		return false;
	outlet->timeout_ms = (uint32_t)entry->timeout * 1000;
	if (outlet->timeout_ms > TRANSFER_MS)
		outlet->timeout_ms = TRANSFER_MS;
	return true;
}

void *solver_servers_open(struct service *service, const struct renewal *wanted, struct acme_solver *ret_port,
			  struct error *err)
{
	struct servers_solver *solver = calloc(1, sizeof(*solver));
	bool ok = solver != NULL;

	if (ok)
		solver->outlets = calloc(wanted->server_count, sizeof(*solver->outlets));
	if (!ok || solver->outlets == NULL) {
		free(solver);
		error_oom(err);
		return NULL;
	}
	solver->service = service;
	solver->certificate = wanted->name;
	for (size_t i = 0; ok && i < wanted->server_count; i++) {
		ok = add_outlet(solver, wanted, wanted->servers[i].name, err);
		solver->count++;
	}
	if (!ok) {
		solver_servers_close(solver);
		return NULL;
	}
	*ret_port = (struct acme_solver){
		.ctx = solver,
		.type = CHALLENGE_HTTP_01,
		.present = servers_present,
		.cleanup = servers_cleanup,
	};
	return solver;
}

void solver_servers_close(void *ctx)
{
	struct servers_solver *solver = ctx;
	for (size_t i = 0; i < solver->count; i++) {
		publish_job_done(&solver->outlets[i].job);
		free(solver->outlets[i].error);
	}
	free(solver->outlets);
	free(solver);
}

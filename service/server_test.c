/* SPDX-License-Identifier: Apache-2.0 */
/* Builds each server's rehearsal and has a courier run it. */
#include "service/server_test.h"

#include "config/config.h"
#include "service/deploy_job.h"
#include "service/plan.h"
#include "service/progress.h"
#include "service/server_list.h"
#include "service/solver.h"
#include "service/worker.h"
#include "transport/courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PARALLEL_SERVERS = 32,
};

struct testing {
	struct service *service;
	const struct plan *plan;
	struct server_tests *tests;
};

/* One server's test as its courier tells of it. */
struct hearing {
	const struct progress *progress;
	struct server_test *test;
	struct error failure; /* a step that could not be kept */
};

void server_tests_done(struct server_tests *tests)
{
	for (size_t i = 0; i < tests->count; i++) {
		struct server_test *test = &tests->items[i];
		for (size_t j = 0; j < test->step_count; j++)
			free(test->steps[j].error);
		free(test->steps);
		free(test->error);
	}
	free(tests->items);
	*tests = (struct server_tests){0};
}

static void on_begun(void *ctx, const char *step)
{
	const struct hearing *hearing = ctx;
	progress_step(hearing->progress, hearing->test->server->name, /* server= */ NULL, step);
}

static void on_ended(void *ctx, const struct rehearsal_finding *finding)
{
	struct hearing *hearing = ctx;
	struct server_test *test = hearing->test;
	struct server_test_step *grown = reallocarray(test->steps, test->step_count + 1, sizeof(*grown));

	if (grown == NULL) {
		(void)error_oom(&hearing->failure);
		return;
	}
	test->steps = grown;
	struct server_test_step *step = &grown[test->step_count++];
	*step = (struct server_test_step){.name = finding->step, .result = finding->result, .ms = finding->ms};
	memcpy(step->detail, finding->detail, sizeof(step->detail));
	error_keep(&step->error, error_is_set(&finding->error) ? &finding->error : NULL);
}

/* --- The job --- */

static bool add_certificate(struct rehearsal_job *job, const struct config_server *server, const struct renewal *wanted,
			    struct error *err)
{
	struct rehearsal_certificate *added = &job->certificates[job->certificate_count++];
	if (wanted->generation != 0 && wanted->fingerprint_sha256 != NULL)
		(void)snprintf(added->fingerprint_sha256, sizeof(added->fingerprint_sha256), "%s",
			       wanted->fingerprint_sha256);
	added->server_name = deploy_job_server_name(server, wanted, err);
	return added->server_name != NULL && str_set(&added->name, wanted->name, err) &&
	       (!solver_uses_servers(wanted) || str_set(&added->webroot, wanted->webroot, err)) &&
	       deploy_job_copies(server, wanted->name, &added->copies, err);
}

static bool is_meant_for(const struct renewal *wanted, const char *server)
{
	for (size_t i = 0; i < wanted->server_count; i++)
		if (str_equal(wanted->servers[i].name, server))
			return true;
	return false;
}

static bool build_job(const struct testing *testing, const struct config_server *server, struct rehearsal_job *ret,
		      struct error *err)
{
	const struct plan *plan = testing->plan;

	if (!deploy_job_open(testing->service, server, &ret->push, err))
		return false;
	ret->certificates = calloc(plan->count + 1, sizeof(*ret->certificates));
	if (ret->certificates == NULL)
		return error_oom(err);
	for (size_t i = 0; i < plan->count; i++)
		if (is_meant_for(&plan->items[i].wanted, server->name) &&
		    !add_certificate(ret, server, &plan->items[i].wanted, err))
			return false;
	return true;
}

/* --- One server --- */

static bool run_test(const struct testing *testing, struct server_test *test, struct error *err)
{
	struct service *service = testing->service;
	CLEANUP(rehearsal_job_done) struct rehearsal_job job = {0};
	struct hearing hearing = {.progress = service_options(service)->progress, .test = test};
	const struct rehearsal_watch watch = {&hearing, on_begun, on_ended};

	if (!build_job(testing, test->server, &job, err) ||
	    !courier_rehearse(&job, &watch, service_deadline(service, rehearsal_longest_ms(&job)), err))
		return false;
	if (!error_is_set(&hearing.failure))
		return true;
	*err = hearing.failure;
	return false;
}

static void test_one(void *ctx, size_t index)
{
	struct testing *testing = ctx;
	struct server_test *test = &testing->tests->items[index];
	struct error failure = {0};
	bool ok = run_test(testing, test, &failure);

	if (!ok) {
		error_context(&failure, "connect", /* certificate= */ NULL, test->server->name);
		error_keep(&test->error, &failure);
	}
	progress_finished(service_options(testing->service)->progress, test->server->name, /* server= */ NULL,
			  ok ? "ok" : "failed", ok ? NULL : &failure);
}

bool server_test_run(struct service *service, const struct str_list *names, struct server_tests *ret, struct error *err)
{
	size_t count = 0;
	CLEANUP(server_tests_done) struct server_tests tests = {0};
	CLEANUP(plan_done) struct plan plan = {0};

	AUTO_FREE const struct config_server **chosen = server_list_choose(service, names, &count, err);
	if (chosen == NULL)
		return false;
	tests.items = calloc(count ? count : 1, sizeof(*tests.items));
	if (tests.items == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		tests.items[tests.count++].server = chosen[i];
	if (!server_list_plan(service, &plan, err))
		return false;
	struct testing testing = {.service = service, .plan = &plan, .tests = &tests};
	worker_run_all(tests.count, PARALLEL_SERVERS, test_one, &testing);
	*ret = tests;
	tests = (struct server_tests){0};
	return true;
}

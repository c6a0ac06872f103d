/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `apply` does: for every certificate of the plan, issue it if it is due; then bring each server what it lacks.
 * Issuing comes first as a whole, so that a server that needs several certificates gets them in one transaction. Post
 * hooks come between the two: what was stopped for validation runs again before anything is deployed to it.
 */
#include "service/apply.h"

#include "base/log.h"
#include "service/hooks.h"
#include "service/issue.h"
#include "service/journal_sweep.h"
#include "service/renewal_info_ask.h"
#include "service/worker.h"

#include <stdio.h>

enum {
	/* Certificates at once: enough to hide the CA's round trips, few enough to be a polite client. */
	PARALLEL_CERTIFICATES = 8,
};

struct issuing {
	struct service *service;
	struct plan *plan;
	enum backoff_asked asked;
	struct run_result *results;
	struct hook_run *hooks;
	size_t *due; /* indexes of the plan's items that need the CA */
	size_t due_count;
};

static void issue_due(void *ctx, size_t index)
{
	struct issuing *issuing = ctx;
	size_t item = issuing->due[index];
	struct certificate_result *result = &issuing->results->certificates[item];
	issue_certificate(issuing->service, &issuing->plan->items[item], issuing->asked, issuing->hooks, result);
	if (result->action != RESULT_FAILED)
		hooks_deploy(issuing->hooks, &issuing->plan->items[item], /* by_hand= */ true, result);
}

/* Those whose own pre hook might stop what the others are validated through go last: their number. */
static size_t put_disturbing_last(struct issuing *issuing)
{
	size_t quiet = 0;
	for (size_t i = 0; i < issuing->due_count; i++) {
		size_t item = issuing->due[i];
		if (hooks_may_disturb(issuing->service, &issuing->plan->items[item].wanted))
			continue;
		issuing->due[i] = issuing->due[quiet];
		issuing->due[quiet++] = item;
	}
	return issuing->due_count - quiet;
}

static void issue_all(struct issuing *issuing)
{
	size_t all = issuing->due_count, last = put_disturbing_last(issuing);
	worker_run_all(all - last, PARALLEL_CERTIFICATES, issue_due, issuing);
	issuing->due += all - last;
	worker_run_all(last, PARALLEL_CERTIFICATES, issue_due, issuing);
	hooks_after(issuing->hooks);
}

/* What is left of earlier runs. */
static void retry_hooks(struct issuing *issuing)
{
	for (size_t i = 0; i < issuing->plan->count; i++)
		hooks_deploy(issuing->hooks, &issuing->plan->items[i], issuing->asked != BACKOFF_SCHEDULED,
			     &issuing->results->certificates[i]);
}

/* Without the network: what is not due is unchanged, what cannot be read has failed, the rest is due. */
static void sort_out(struct issuing *issuing)
{
	for (size_t i = 0; i < issuing->plan->count; i++) {
		const struct plan_item *item = &issuing->plan->items[i];
		struct certificate_result *result = &issuing->results->certificates[i];
		if (item->error != NULL) {
			result->action = RESULT_FAILED;
			error_keep(&result->error, item->error);
		} else if (item->action == PLAN_NONE) {
			result->action = RESULT_UNCHANGED;
		} else {
			issuing->due[issuing->due_count++] = i;
		}
	}
}

/*
 * Issuing takes minutes at times, and other runs may have renewed and deployed what this one left alone. What cannot be
 * read any more is told by what comes next.
 */
static void look_again(const struct issuing *issuing)
{
	for (size_t i = 0; issuing->due_count > 0 && i < issuing->plan->count; i++) {
		struct plan_item *item = &issuing->plan->items[i];
		CLEANUP(renewal_done) struct renewal stored = {0};
		struct error ignored = {0};
		char reason[sizeof(item->reason)];
		if (item->action != PLAN_NONE || item->error != NULL)
			continue;
		if (!plan_refresh(issuing->service, &item->wanted, &stored, &ignored))
			log_debug("%s: as it was before: %s", item->wanted.name, ignored.message);
		else if (stored.name != NULL &&
			 plan_decide(&item->wanted, &stored, clock_wall(), /* force= */ false, reason) == PLAN_NONE)
			(void)snprintf(item->reason, sizeof(item->reason), "%s", reason);
	}
}

/* What is known of each certificate once issuing is over. */
static bool describe(const struct plan *plan, struct run_result *results, struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];
		struct certificate_result *result = &results->certificates[i];
		if (!str_set(&result->name, item->wanted.name, err))
			return false;
		(void)snprintf(result->reason, sizeof(result->reason), "%s", item->reason);
		result->generation = item->wanted.generation;
		result->rolled_back_from = item->wanted.rolled_back_from;
		result->not_after = item->wanted.not_after;
		result->renew_at = item->wanted.renew_at;
	}
	return true;
}

static enum backoff_asked who_asks(const struct apply_options *options)
{
	if (options->force)
		return BACKOFF_FORCED;
	return options->by_hand ? BACKOFF_BY_HAND : BACKOFF_SCHEDULED;
}

bool apply_plan(struct service *service, struct plan *plan, const struct apply_options *options, struct run_result *ret,
		struct error *err)
{
	CLEANUP(run_result_done) struct run_result results = {0};
	AUTO_FREE size_t *due = calloc(plan->count ? plan->count : 1, sizeof(*due));
	if (due == NULL)
		return error_oom(err);
	if (!run_result_init(&results, plan->count, err))
		return false;
	CLEANUP(hooks_closep) struct hook_run *hooks = hooks_open(service, &results, err);
	if (hooks == NULL)
		return false;

	struct issuing issuing = {.service = service,
				  .plan = plan,
				  .asked = who_asks(options),
				  .results = &results,
				  .hooks = hooks,
				  .due = due};
	journal_sweep(service);
	renewal_info_ask(service, plan);
	sort_out(&issuing);
	issue_all(&issuing);
	retry_hooks(&issuing);
	look_again(&issuing);
	if (!plan_look(service, plan, err))
		return false;
	struct deploy_options deploy = options->deploy;
	deploy.by_hand = deploy.by_hand || issuing.asked != BACKOFF_SCHEDULED;
	if (!describe(plan, &results, err) || !deploy_plan(service, plan, &deploy, &results, err))
		return false;
	*ret = results;
	results = (struct run_result){0};
	return true;
}

bool deploy_only(struct service *service, struct plan *plan, const struct deploy_options *options,
		 struct run_result *ret, struct error *err)
{
	CLEANUP(run_result_done) struct run_result results = {0};

	if (!run_result_init(&results, plan->count, err))
		return false;
	results.deploy_only = true;
	CLEANUP(hooks_closep) struct hook_run *hooks = hooks_open(service, &results, err);
	if (hooks == NULL)
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_item *item = &plan->items[i];
		struct certificate_result *result = &results.certificates[i];
		result->action = RESULT_UNCHANGED;
		if (item->error != NULL) {
			result->action = RESULT_FAILED;
			error_keep(&result->error, item->error);
		} else if (item->wanted.generation == 0) {
			struct error missing = {0};
			result->action = RESULT_FAILED;
			error_set(&missing, ERROR_STORE, "deploy", "there is no certificate to deploy yet");
			error_hint(&missing, "`certferry apply %s` issues it", item->wanted.name);
			error_context(&missing, /* step= */ NULL, item->wanted.name, /* server= */ NULL);
			error_keep(&result->error, &missing);
		} else if (options->only == NULL || options->only->len == 0) {
			hooks_deploy(hooks, item, /* by_hand= */ true, result);
		}
	}
	if (!describe(plan, &results, err) || !deploy_plan(service, plan, options, &results, err))
		return false;
	*ret = results;
	results = (struct run_result){0};
	return true;
}

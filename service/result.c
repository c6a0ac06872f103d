/* SPDX-License-Identifier: Apache-2.0 */
/* Results of a run, and the exit code they mean. */
#include "service/result.h"

#include "base/str.h"

#include <stdlib.h>

const char *result_action_name(enum result_action action)
{
	static const char *const names[] = {
		[RESULT_FAILED] = "failed",
		[RESULT_UNCHANGED] = "unchanged",
		[RESULT_ISSUED] = "issued",
		[RESULT_RENEWED] = "renewed",
	};
	return names[action];
}

const char *hook_when_name(enum hook_when when)
{
	static const char *const names[] = {[HOOK_PRE] = "pre", [HOOK_DEPLOY] = "deploy", [HOOK_POST] = "post"};
	return names[when];
}

const char *hook_outcome_name(enum hook_outcome outcome)
{
	static const char *const names[] = {[HOOK_DONE] = "ok", [HOOK_FAILED] = "failed", [HOOK_PENDING] = "pending"};
	return names[outcome];
}

bool run_result_init(struct run_result *result, size_t count, struct error *err)
{
	result->certificates = calloc(count ? count : 1, sizeof(*result->certificates));
	if (result->certificates == NULL)
		return error_oom(err);
	result->count = count;
	return true;
}

void run_result_done(struct run_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		struct certificate_result *certificate = &result->certificates[i];
		for (size_t j = 0; j < certificate->server_count; j++) {
			free(certificate->servers[j].server);
			free(certificate->servers[j].error);
		}
		free(certificate->servers);
		free(certificate->hooks);
		str_list_done(&certificate->notes);
		free(certificate->error);
		free(certificate->name);
	}
	for (size_t i = 0; i < result->hook_count; i++) {
		free(result->hooks[i]->hook);
		free(result->hooks[i]->output);
		free(result->hooks[i]->error);
		free(result->hooks[i]);
	}
	free(result->hooks);
	free(result->certificates);
	*result = (struct run_result){0};
}

struct server_result *certificate_result_add(struct certificate_result *certificate, const char *server,
					     struct error *err)
{
	struct server_result *grown = reallocarray(certificate->servers, certificate->server_count + 1, sizeof(*grown));
	if (grown == NULL) {
		error_oom(err);
		return NULL;
	}
	certificate->servers = grown;
	struct server_result *added = &grown[certificate->server_count];
	*added = (struct server_result){0};
	if (!str_set(&added->server, server, err))
		return NULL;
	certificate->server_count++;
	return added;
}

struct hook_result *run_result_add_hook(struct run_result *result, struct error *err)
{
	struct hook_result **grown = reallocarray(result->hooks, result->hook_count + 1, sizeof(*grown));
	if (grown != NULL)
		result->hooks = grown;
	struct hook_result *added = grown != NULL ? calloc(1, sizeof(*added)) : NULL;
	if (added == NULL) {
		error_oom(err);
		return NULL;
	}
	grown[result->hook_count++] = added;
	return added;
}

bool certificate_result_add_hook(struct certificate_result *certificate, const struct hook_result *hook,
				 struct error *err)
{
	const struct hook_result **grown =
		reallocarray(certificate->hooks, certificate->hook_count + 1, sizeof(*grown));
	if (grown == NULL)
		return error_oom(err);
	certificate->hooks = grown;
	grown[certificate->hook_count++] = hook;
	return true;
}

struct tally {
	size_t succeeded, failed, busy, cancelled;
};

static void count_failure(struct tally *tally, const struct error *err)
{
	tally->failed++;
	if (err == NULL)
		return;
	if (err->category == ERROR_BUSY)
		tally->busy++;
	if (err->category == ERROR_CANCELLED)
		tally->cancelled++;
}

int run_result_exit_code(const struct run_result *result)
{
	struct tally tally = {0};
	for (size_t i = 0; i < result->count; i++) {
		const struct certificate_result *certificate = &result->certificates[i];
		if (certificate->action == RESULT_FAILED)
			count_failure(&tally, certificate->error);
		else if (!result->deploy_only || certificate->server_count == 0)
			tally.succeeded++;
		for (size_t j = 0; j < certificate->server_count; j++) {
			const struct server_result *server = &certificate->servers[j];
			if (server->result == PUSH_FAILED || server->result == PUSH_ROLLED_BACK)
				count_failure(&tally, server->error);
			/* That servers still have the old one is no success of a certificate that failed. */
			else if (server->result == PUSH_DEPLOYED || certificate->action != RESULT_FAILED)
				tally.succeeded++;
		}
	}
	for (size_t i = 0; i < result->hook_count; i++)
		if (result->hooks[i]->outcome != HOOK_DONE)
			count_failure(&tally, result->hooks[i]->error);
	if (tally.cancelled > 0)
		return 130;
	if (tally.failed == 0)
		return 0;
	if (tally.failed == tally.busy && tally.succeeded == 0)
		return 4;
	return tally.succeeded > 0 ? 3 : 1;
}

int error_exit_code(const struct error *err)
{
	switch (err->category) {
	case ERROR_USAGE:
	case ERROR_CONFIG:
		return 2;
	case ERROR_BUSY:
		return 4;
	case ERROR_CANCELLED:
		return 130;
	case ERROR_NONE:
	case ERROR_NETWORK:
	case ERROR_CA:
	case ERROR_DNS:
	case ERROR_REMOTE:
	case ERROR_STORE:
	case ERROR_TIMEOUT:
	case ERROR_DATA:
	case ERROR_INTERNAL:
		break;
	}
	return 1;
}

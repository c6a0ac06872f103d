/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks for people and in documents. */
#include "cli/output_hooks.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/output_json.h"

#include <stdio.h>
#include <string.h>

json_t *output_hooks_json(const struct certificate_result *certificate)
{
	json_t *list = json_array();
	for (size_t i = 0; i < certificate->hook_count; i++) {
		const struct hook_result *hook = certificate->hooks[i];
		json_t *object = json_object();
		output_set_str(object, "hook", hook->hook);
		output_set_str(object, "when", hook_when_name(hook->when));
		output_set_str(object, "result", hook_outcome_name(hook->outcome));
		output_set_str(object, "output", hook->output);
		(void)json_object_set_new(object, "error", output_error_object(hook->error));
		(void)json_array_append_new(list, object);
	}
	return list;
}

json_t *output_pending_hooks_json(const struct renewal *record)
{
	json_t *list = json_array();
	for (size_t i = 0; i < record->hook_count; i++) {
		const struct renewal_hook *hook = &record->hooks[i];
		json_t *object = json_object();
		output_set_str(object, "hook", hook->name);
		(void)json_object_set_new(object, "failures", json_integer((json_int_t)hook->failures));
		output_set_time(object, "retry_at", hook->retry_at);
		(void)json_object_set_new(object, "error", output_error_object(hook->error));
		(void)json_array_append_new(list, object);
	}
	return list;
}

static void print_hook(const struct hook_result *hook)
{
	printf("  %-6s hook %-18s %s\n", hook_when_name(hook->when), hook->hook, hook_outcome_name(hook->outcome));
}

void output_deploy_hooks(const struct certificate_result *certificate)
{
	for (size_t i = 0; i < certificate->hook_count; i++)
		if (certificate->hooks[i]->when == HOOK_DEPLOY)
			print_hook(certificate->hooks[i]);
}

void output_shared_hooks(const struct run_result *results)
{
	for (size_t i = 0; i < results->hook_count; i++)
		if (results->hooks[i]->when != HOOK_DEPLOY)
			print_hook(results->hooks[i]);
}

void output_hook_failures(const struct run_result *results)
{
	for (size_t i = 0; i < results->hook_count; i++)
		if (results->hooks[i]->error != NULL)
			log_failure(LOG_LEVEL_ERROR, results->hooks[i]->error);
}

void output_pending_hooks(const struct renewal *record)
{
	if (record->generation > 0 && record->deploy_hooks_due)
		printf("  deploy hooks have yet to run\n");
	for (size_t i = 0; i < record->hook_count; i++) {
		const struct renewal_hook *hook = &record->hooks[i];
		const char *file = strchr(hook->name, '/'); /* NULL: the certificate's own */
		char until[RFC3339_SIZE];
		bool held = hook->retry_at > clock_wall();
		printf("  deploy hook%s%s failed %u %s, is tried again %s%s%s%s\n", file != NULL ? " " : "",
		       file == NULL      ? ""
		       : file[1] == '\0' ? "folder"
					 : file + 1,
		       hook->failures, hook->failures == 1 ? "time" : "times", held ? "after " : "by the next run",
		       held ? rfc3339_format(hook->retry_at, until) : "", hook->error != NULL ? ": " : "",
		       hook->error != NULL ? hook->error->message : "");
	}
}

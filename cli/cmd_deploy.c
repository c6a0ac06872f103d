/* SPDX-License-Identifier: Apache-2.0 */
/* deploy: push what is live again, without issuing. */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"
#include "service/apply.h"

static bool goes_to(const struct plan *plan, const char *server)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->items[i].wanted.server_count; j++)
			if (str_equal(plan->items[i].wanted.servers[j].name, server))
				return true;
	return false;
}

/* Nothing done for a server that was asked for would pass for having nothing to do. */
static bool check_only(const struct plan *plan, const struct arguments *arguments, struct error *err)
{
	const struct str_list *only = &arguments->values[OPTION_TO], *names = &arguments->names;
	for (size_t i = 0; i < only->len; i++) {
		if (goes_to(plan, only->items[i]))
			continue;
		error_hint(err, "`servers` of a domain in the config says where its certificate goes");
		return error_set(err, ERROR_USAGE, "usage", "--to: %s to \"%s\"",
				 names->len == 1 ? "its certificate does not go" : "none of the certificates goes",
				 only->items[i]);
	}
	return true;
}

static int run(const struct arguments *arguments)
{
	const struct context_request request = {
		.config = CONTEXT_NEEDS_CONFIG, .create_store = true, .show_progress = true};
	const struct deploy_options options = {
		.only = &arguments->values[OPTION_TO],
		.compare = true,
		.force = option_given(arguments, OPTION_FORCE),
		.by_hand = true,
		.unverified = option_given(arguments, OPTION_NO_VERIFY),
	};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(plan_done) struct plan plan = {0};
	CLEANUP(run_result_done) struct run_result results = {0};
	struct error err = {0};

	if (!context_open(&context, arguments, &request, &err))
		return context_fail(arguments, &err);
	for (size_t i = 0; i < options.only->len; i++) {
		if (config_find_server(context.config, options.only->items[i]) != NULL)
			continue;
		error_set(&err, ERROR_USAGE, "usage", "--to: the config has no server \"%s\"", options.only->items[i]);
		error_hint(&err, "`certferry server list` shows them");
		return context_fail(arguments, &err);
	}
	if (!plan_from_config(context.service, &arguments->names, /* force= */ false, &plan, &err) ||
	    !check_only(&plan, arguments, &err) || !deploy_only(context.service, &plan, &options, &results, &err))
		return context_fail(arguments, &err);
	live_progress_stop(STEAL(context.live));
	if (!output_results(&results, context.form, &err))
		return context_fail(arguments, &err);
	return run_result_exit_code(&results);
}

const struct command command_deploy = {
	.name = "deploy",
	.synopsis = "[NAME...] [--to SERVER]...",
	.summary = "push live certificates to their servers again, without issuing",
	.details =
		"Compares what each server has and serves with what is live here, and pushes where they differ; also "
		"where earlier failures hold `apply` and `renew` back.",
	.options =
		(const struct option_spec[]){
			{OPTION_TO, "to", 0, "SERVER", "only to this server; repeatable"},
			{OPTION_FORCE, "force", 0, NULL, "push even where nothing differs"},
			{OPTION_NO_VERIFY, "no-verify", 0, NULL,
			 "without the handshake: before anything there serves it"},
			{0},
		},
	.run = run,
};

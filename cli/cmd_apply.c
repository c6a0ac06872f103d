/* SPDX-License-Identifier: Apache-2.0 */
/* apply: make the world match the config. */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"
#include "service/apply.h"

static int run(const struct arguments *arguments)
{
	const struct context_request request = {
		.config = CONTEXT_NEEDS_CONFIG, .create_store = true, .show_progress = true};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(plan_done) struct plan plan = {0};
	CLEANUP(run_result_done) struct run_result results = {0};
	struct apply_options options = {.force = option_given(arguments, OPTION_FORCE)};
	struct error err = {0};

	if (!context_open(&context, arguments, &request, &err) ||
	    !plan_from_config(context.service, &arguments->names, options.force, &plan, &err) ||
	    !apply_plan(context.service, &plan, &options, &results, &err))
		return context_fail(arguments, &err);
	live_progress_stop(STEAL(context.live));
	if (!output_results(&results, context.form, &err))
		return context_fail(arguments, &err);
	return run_result_exit_code(&results);
}

const struct command command_apply = {
	.name = "apply",
	.synopsis = "[NAME...]",
	.summary = "issue what is missing, renew what is due, deploy what differs",
	.details = "Works on every domain of the config, or on the certificates called NAME.",
	.options = (const struct option_spec[]){{OPTION_FORCE, "force", 0, NULL,
						 "renew even what is not due, or held back after failures"},
						{0}},
	.run = run,
};

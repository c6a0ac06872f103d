/* SPDX-License-Identifier: Apache-2.0 */
/* renew: what is due among all stored certificates, issued again as it was issued before. */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"
#include "service/apply.h"

static int run(const struct arguments *arguments)
{
	const struct context_request request = {
		.config = CONTEXT_MAY_HAVE_CONFIG,
		.create_store = true,
		.terms_agreed = true, /* when the certificate was first issued */
		.show_progress = true,
	};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(plan_done) struct plan plan = {0};
	CLEANUP(run_result_done) struct run_result results = {0};
	struct apply_options options = {.force = option_given(arguments, OPTION_FORCE)};
	struct error err = {0};

	if (!context_open(&context, arguments, &request, &err) ||
	    !plan_from_store(context.service, &arguments->names, options.force, &plan, &err) ||
	    !apply_plan(context.service, &plan, &options, &results, &err))
		return context_fail(arguments, &err);
	live_progress_stop(STEAL(context.live));
	if (!output_results(&results, context.form, &err))
		return context_fail(arguments, &err);
	return run_result_exit_code(&results);
}

const struct command command_renew = {
	.name = "renew",
	.synopsis = "[NAME...]",
	.summary = "renew what is due among all stored certificates",
	.details = "How each was issued is remembered; where the config describes a certificate, the config holds.",
	.options = (const struct option_spec[]){{OPTION_FORCE, "force", 0, NULL,
						 "renew even what is not due, or held back after failures"},
						{0}},
	.run = run,
};

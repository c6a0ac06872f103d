/* SPDX-License-Identifier: Apache-2.0 */
/* plan: what apply would do, and why, touching nothing. */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

static int run(const struct arguments *arguments)
{
	const struct context_request request = {.config = CONTEXT_NEEDS_CONFIG};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(plan_done) struct plan plan = {0};
	struct error err = {0};

	if (!context_open(&context, arguments, &request, &err) ||
	    !plan_from_config(context.service, &arguments->names, /* force= */ false, &plan, &err) ||
	    (!option_given(arguments, OPTION_OFFLINE) && !plan_look(context.service, &plan, &err)) ||
	    !output_plan(&plan, context.json, &err))
		return context_fail(arguments, &err);
	for (size_t i = 0; i < plan.count; i++) {
		if (plan.items[i].error != NULL)
			return plan.count > 1 ? 3 : 1;
	}
	return 0;
}

const struct command command_plan = {
	.name = "plan",
	.synopsis = "[NAME...]",
	.summary = "what apply would do, and why; changes nothing and asks no CA",
	.options = (const struct option_spec[]){{OPTION_OFFLINE, "offline", 0, NULL,
						 "only what is remembered: no server is asked what it serves"},
						{0}},
	.run = run,
};

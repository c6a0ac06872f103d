/* SPDX-License-Identifier: Apache-2.0 */
/* list and show: stored certificates, in short and in full. */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

static const struct option_spec options[] = {
	{OPTION_OFFLINE, "offline", 0, NULL, "only what is remembered: no server is asked what it serves"},
	{0},
};

/* As for other commands: some could not be shown, or none. */
static int exit_code(const struct inventory *inventory)
{
	size_t damaged = 0;
	for (size_t i = 0; i < inventory->count; i++)
		damaged += inventory->entries[i].status == STATUS_DAMAGED;
	return damaged == 0 ? 0 : damaged < inventory->count ? 3 : 1;
}

static int print_inventory(const struct arguments *arguments, bool details)
{
	const struct context_request request = {.config = CONTEXT_MAY_HAVE_CONFIG};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(inventory_done) struct inventory inventory = {0};
	struct error err = {0};

	if (!context_open(&context, arguments, &request, &err) ||
	    !inventory_read(context.service, &arguments->names, &inventory, &err) ||
	    (!option_given(arguments, OPTION_OFFLINE) && !inventory_look(context.service, &inventory, &err)) ||
	    !output_inventory(&inventory, context.json, details, &err))
		return context_fail(arguments, &err);
	return exit_code(&inventory);
}

static int run_list(const struct arguments *arguments)
{
	return print_inventory(arguments, /* details= */ false);
}

static int run_show(const struct arguments *arguments)
{
	struct error err = {0};
	if (arguments->names.len == 0) {
		error_set(&err, ERROR_USAGE, "usage", "show needs the name of a certificate");
		error_hint(&err, "`certferry list` shows them all");
		return context_fail(arguments, &err);
	}
	return print_inventory(arguments, /* details= */ true);
}

const struct command command_list = {
	.name = "list",
	.synopsis = "[NAME...]",
	.summary = "certificates with their expiry, and what their servers have and serve",
	.options = options,
	.run = run_list,
};

const struct command command_show = {
	.name = "show",
	.synopsis = "NAME...",
	.summary = "everything known about a certificate",
	.options = options,
	.run = run_show,
};

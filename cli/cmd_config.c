/* SPDX-License-Identifier: Apache-2.0 */
/* config check: is the config file right? */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

#include <stdio.h>

static int check(const struct arguments *arguments)
{
	struct error err = {0};
	CLEANUP(config_freep) struct config *config = context_read_config(arguments, &err);

	if (config == NULL)
		return context_fail(arguments, &err);
	if (option_given(arguments, OPTION_JSON))
		printf("{\"ok\":true,\"domains\":%zu,\"servers\":%zu}\n", config->domain_count, config->server_count);
	else
		printf("%s: fine: %zu certificate%s, %zu server%s\n", config->path, config->domain_count,
		       config->domain_count == 1 ? "" : "s", config->server_count,
		       config->server_count == 1 ? "" : "s");
	return 0;
}

static int run(const struct arguments *arguments)
{
	struct error err = {0};
	if (arguments->names.len == 1 && str_equal(arguments->names.items[0], "check"))
		return check(arguments);
	if (arguments->names.len == 0)
		error_set(&err, ERROR_USAGE, "usage", "config needs to be told what to do");
	else
		error_set(&err, ERROR_USAGE, "usage", "config does not know \"%s\"",
			  arguments->names.items[str_equal(arguments->names.items[0], "check")]);
	error_hint(&err, "`certferry config check` checks the config file");
	return context_fail(arguments, &err);
}

const struct command command_config = {
	.name = "config",
	.synopsis = "check",
	.summary = "check the config file, with line and column of every mistake",
	.run = run,
};

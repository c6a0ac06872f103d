/* SPDX-License-Identifier: Apache-2.0 */
/* help and version. */
#include "cli/commands.h"
#include "cli/context.h"

#include <stdio.h>

static void print_help(const struct command *const *commands)
{
	printf("certferry %s: obtains TLS certificates by ACME, keeps them fresh, and ferries them to their "
	       "servers.\n\n"
	       "usage: certferry [OPTION...] COMMAND [OPTION...] [NAME...]\n\ncommands:\n",
	       CERTFERRY_VERSION);
	for (const struct command *const *command = commands; *command != NULL; command++)
		printf("  %-10s %s\n", (*command)->name, (*command)->summary);
	printf("\noptions, before or after the command:\n");
	options_print(global_options);
	printf("\n`certferry help COMMAND` shows a command's own options.\n"
	       "Exit codes: 0 done or nothing to do, 1 failed, 2 bad usage or config, 3 some failed, 4 another run is "
	       "at "
	       "work,\n130 interrupted.\n");
}

static void print_command(const struct command *command)
{
	printf("usage: certferry %s%s%s%s\n\n%s.\n", command->name, command->options ? " [OPTION...]" : "",
	       command->synopsis[0] ? " " : "", command->synopsis, command->summary);
	if (command->details != NULL)
		printf("%s\n", command->details);
	if (command->options != NULL) {
		printf("\noptions:\n");
		options_print(command->options);
	}
	if (command->more != NULL)
		command->more();
	printf("\n`certferry help` lists the options that every command takes.\n");
}

static int run_help(const struct arguments *arguments)
{
	struct error err = {0};
	if (arguments->names.len == 0) {
		print_help(arguments->commands);
		return 0;
	}
	for (const struct command *const *command = arguments->commands; *command != NULL; command++) {
		if (str_equal((*command)->name, arguments->names.items[0])) {
			print_command(*command);
			return 0;
		}
	}
	error_set(&err, ERROR_USAGE, "usage", "there is no command \"%s\"", arguments->names.items[0]);
	error_hint(&err, "`certferry help` lists the commands");
	return context_fail(arguments, &err);
}

static int run_version(const struct arguments *arguments)
{
	if (option_given(arguments, OPTION_JSON))
		printf("{\"version\":\"%s\"}\n", CERTFERRY_VERSION);
	else
		printf("certferry %s\n", CERTFERRY_VERSION);
	return 0;
}

const struct command command_version = {
	.name = "version",
	.synopsis = "",
	.summary = "the version of this binary",
	.run = run_version,
};

const struct command command_help = {
	.name = "help",
	.synopsis = "[COMMAND]",
	.summary = "this text, or a command's own",
	.run = run_help,
};

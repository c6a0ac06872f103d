/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands; nothing else. */
#include "base/footprint.h"
#include "base/secret.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "transport/courier.h"

#include <signal.h>
#include <sys/stat.h>

/* In the order in which help shows them. */
static const struct command *const all_commands[] = {
	&command_apply,
	&command_plan,
	&command_issue,
	&command_renew,
	&command_list,
	&command_show,
	&command_deploy,
	&command_rollback,
	&command_revoke,
	&command_delete,
	&command_account,
	&command_dns,
	&command_server,
	&command_vhost,
	&command_persist,
	&command_config,
	&command_version,
	&command_help,
	NULL,
};

static bool setup_log(const struct arguments *arguments, struct error *err)
{
	const char *format = option_value(arguments, OPTION_LOG_FORMAT, "text");
	size_t verbose = arguments->values[OPTION_VERBOSE].len;
	enum log_level level = verbose == 0 ? LOG_LEVEL_INFO : verbose == 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_TRACE;

	if (option_given(arguments, OPTION_QUIET))
		level = LOG_LEVEL_ERROR;
	if (!str_equal(format, "text") && !str_equal(format, "json"))
		return error_set(err, ERROR_USAGE, "usage", "--log-format is text or json, not \"%s\"", format);
	const char *color = option_value(arguments, OPTION_COLOR, "auto");
	if (!str_equal(color, "auto") && !str_equal(color, "always") && !str_equal(color, "never"))
		return error_set(err, ERROR_USAGE, "usage", "--color is auto, always or never, not \"%s\"", color);
	log_setup(level, str_equal(format, "json") ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT, /* sink= */ NULL,
		  /* ctx= */ NULL);
	return true;
}

static int run(int argc, char **argv)
{
	CLEANUP(arguments_done) struct arguments arguments = {0};
	const struct command *command = NULL;
	struct error err = {0};

	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, /* sink= */ NULL, /* ctx= */ NULL);
	if (!arguments_parse(argc - 1, argv + 1, all_commands, &command, &arguments, &err) ||
	    !setup_log(&arguments, &err))
		return context_fail(&arguments, &err);
	if (option_given(&arguments, OPTION_VERSION))
		return command_version.run(&arguments);
	if (command == NULL && option_given(&arguments, OPTION_HELP))
		return command_help.run(&arguments);
	if (command == NULL) {
		error_set(&err, ERROR_USAGE, "usage", "no command given");
		error_hint(&err, "`certferry help` lists the commands");
		return context_fail(&arguments, &err);
	}
	if (option_given(&arguments, OPTION_HELP)) {
		str_list_done(&arguments.names);
		if (!str_list_add(&arguments.names, command->name, &err))
			return context_fail(&arguments, &err);
		return command_help.run(&arguments);
	}
	return command->run(&arguments);
}

int main(int argc, char **argv)
{
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)secret_setup();
	footprint_trim();
	if (argc > 0 && str_equal(argv[0], COURIER_ROLE))
		return courier_main(COURIER_FD);
	int code = run(argc, argv);
	/* Ending touches every library once more. */
	footprint_trim();
	return code;
}

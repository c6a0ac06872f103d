/* SPDX-License-Identifier: Apache-2.0 */
/* server: the config's targets. */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output_server.h"

/* What the subcommands work with. */
struct call {
	const struct arguments *arguments;
	struct context context;
	struct str_list names; /* behind the subcommand */
};

static void call_done(struct call *call)
{
	context_close(&call->context);
	str_list_done(&call->names);
}

/* --- Subcommands: each returns false with ERR where it has no exit code --- */

static bool list(struct call *call, int *ret_code, struct error *err)
{
	CLEANUP(server_list_done) struct server_list servers = {0};
	*ret_code = 0;
	return server_list_read(call->context.service, &call->names, &servers, err) &&
	       output_server_list(&servers, call->context.form, err);
}

static int exit_code(const struct server_tests *tests)
{
	size_t failed = 0;
	for (size_t i = 0; i < tests->count; i++) {
		if (tests->items[i].error == NULL)
			continue;
		if (tests->items[i].error->category == ERROR_CANCELLED)
			return error_exit_code(tests->items[i].error);
		failed++;
	}
	return failed == 0 ? 0 : failed < tests->count ? 3 : 1;
}

static bool test(struct call *call, int *ret_code, struct error *err)
{
	CLEANUP(server_tests_done) struct server_tests tests = {0};
	if (!server_test_run(call->context.service, &call->names, &tests, err))
		return false;
	live_progress_stop(STEAL(call->context.live));
	*ret_code = exit_code(&tests);
	return output_server_tests(&tests, call->context.form, err);
}

static const struct subcommand {
	const char *name;
	bool (*run)(struct call *call, int *ret_code, struct error *err);
	bool shows_progress;
} subcommands[] = {
	{"list", list, false},
	{"test", test, true},
};

static const struct subcommand *find_subcommand(const struct arguments *arguments, struct error *err)
{
	const char *name = arguments->names.len > 0 ? arguments->names.items[0] : NULL;
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
		if (str_equal(name, subcommands[i].name))
			return &subcommands[i];
	if (name == NULL)
		(void)error_set(err, ERROR_USAGE, "usage", "server needs to be told what to do");
	else
		(void)error_set(err, ERROR_USAGE, "usage", "server does not know \"%s\"", name);
	error_hint(err, "`certferry server list` shows the config's servers");
	return NULL;
}

static int run(const struct arguments *arguments)
{
	CLEANUP(call_done) struct call call = {.arguments = arguments};
	struct error err = {0};
	int code = 0;

	const struct subcommand *subcommand = find_subcommand(arguments, &err);
	if (subcommand == NULL)
		return context_fail(arguments, &err);
	const struct context_request request = {.config = CONTEXT_NEEDS_CONFIG,
						.show_progress = subcommand->shows_progress};
	for (size_t i = 1; i < arguments->names.len; i++)
		if (!str_list_add(&call.names, arguments->names.items[i], &err))
			return context_fail(arguments, &err);
	if (!context_open(&call.context, arguments, &request, &err) || !subcommand->run(&call, &code, &err))
		return context_fail(arguments, &err);
	return code;
}

const struct command command_server = {
	.name = "server",
	.synopsis = "list|test [SERVER...]",
	.summary = "the servers that certificates go to: list them, try everything short of a change",
	.details =
		"list shows how each is reached, what is meant for it and what came of that last; it asks nobody.\n"
		"test goes all the way of a deployment on all servers at once, and changes nothing: it logs in, looks\n"
		"whether files could be written and given to their owner, runs the test_command, and sees what is\n"
		"served. The reload_command is not run.",
	.run = run,
};

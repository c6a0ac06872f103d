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

static const struct subcommand {
	const char *name;
	bool (*run)(struct call *call, int *ret_code, struct error *err);
} subcommands[] = {
	{"list", list},
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
	const struct context_request request = {.config = CONTEXT_NEEDS_CONFIG};
	CLEANUP(call_done) struct call call = {.arguments = arguments};
	struct error err = {0};
	int code = 0;

	const struct subcommand *subcommand = find_subcommand(arguments, &err);
	if (subcommand == NULL)
		return context_fail(arguments, &err);
	for (size_t i = 1; i < arguments->names.len; i++)
		if (!str_list_add(&call.names, arguments->names.items[i], &err))
			return context_fail(arguments, &err);
	if (!context_open(&call.context, arguments, &request, &err) || !subcommand->run(&call, &code, &err))
		return context_fail(arguments, &err);
	return code;
}

const struct command command_server = {
	.name = "server",
	.synopsis = "list [SERVER...]",
	.summary = "the servers that certificates go to",
	.details = "list shows how each is reached, what is meant for it and what came of that last; it asks nobody.",
	.run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* server: the config's targets. */
#include "cli/commands.h"
#include "cli/confirm.h"
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

/* A changed key is told loudly, and needs a word of its own besides. */
static bool refuse(const struct server_trust *trust, bool replace, struct error *err)
{
	const struct ssh_target *target = &trust->target;
	const struct ssh_host_key *key = &trust->key;

	if (key->verdict == KNOWN_HOSTS_REVOKED) {
		(void)error_set(err, ERROR_REMOTE, "trust", "the host key of %s is revoked by %s line %u: %s %s",
				target->host, key->file, key->line, key->type, key->fingerprint);
		error_hint(err, "such a key is never accepted: give the server a new host key");
	} else if (key->verdict == KNOWN_HOSTS_OTHER_KEY && !replace) {
		(void)error_set(
			err, ERROR_REMOTE, "trust",
			"THE HOST KEY OF %s port %u HAS CHANGED: it is now %s %s, and not the one in line %u of %s. "
			"Somebody may be answering in its place",
			target->host, (unsigned)target->port, key->type, key->fingerprint, key->line, key->file);
		error_hint(err,
			   "only if you know that the server was reinstalled or its key replaced: "
			   "`certferry server trust --replace %s`",
			   target->server);
	}
	error_context(err, /* step= */ NULL, /* certificate= */ NULL, target->server);
	return error_is_set(err);
}

static bool confirm_key(const struct server_trust *trust, struct error *err)
{
	const struct ssh_target *target = &trust->target;
	const struct ssh_host_key *key = &trust->key;
	AUTO_FREE char *question = str_format(
		err,
		"%s%s (%s port %u) shows the host key\n  %s %s\nCompare it with what this says on the server itself:\n"
		"  for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done\nWhoever has that key will be "
		"given certificates and their keys.",
		key->verdict == KNOWN_HOSTS_OTHER_KEY ? "THE HOST KEY HAS CHANGED: the old one is given up.\n" : "",
		target->server, target->host, (unsigned)target->port, key->type, key->fingerprint);
	if (question == NULL)
		return false;
	/* For whoever cannot be asked. */
	error_hint(err,
		   "compare %s %s with `ssh-keygen -lf` of the /etc/ssh/ssh_host_*_key.pub files on the server itself, "
		   "then add --yes",
		   key->type, key->fingerprint);
	if (!confirm(question, "accepting a host key", err))
		return false;
	error_clear(err);
	return true;
}

static bool trust(struct call *call, int *ret_code, struct error *err)
{
	const struct arguments *arguments = call->arguments;
	CLEANUP(server_trust_done) struct server_trust look = {0};

	*ret_code = 0;
	if (call->names.len != 1) {
		(void)error_set(err, ERROR_USAGE, "usage", "server trust takes the name of one server");
		error_hint(err, "`certferry server list` shows them");
		return false;
	}
	if (!server_trust_look(call->context.service, call->names.items[0], &look, err) ||
	    refuse(&look, option_given(arguments, OPTION_REPLACE), err))
		return false;
	if (look.key.verdict != KNOWN_HOSTS_OK &&
	    ((!option_given(arguments, OPTION_YES) && !confirm_key(&look, err)) || !server_trust_accept(&look, err)))
		return false;
	return output_server_trust(&look, call->context.form, err);
}

static const struct subcommand {
	const char *name;
	bool (*run)(struct call *call, int *ret_code, struct error *err);
	bool shows_progress;
} subcommands[] = {
	{"list", list, false},
	{"test", test, true},
	{"trust", trust, false},
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
	.synopsis = "list|test [SERVER...] | trust SERVER",
	.summary =
		"the servers that certificates go to: list them, try everything short of a change, accept a host key",
	.details =
		"list shows how each is reached, what is meant for it and what came of that last; it asks nobody.\n"
		"test goes all the way of a deployment on all servers at once, and changes nothing: it logs in, looks\n"
		"whether files could be written and given to their owner, runs the test_command, and sees what is\n"
		"served. The reload_command is not run.\n"
		"trust shows the server's host key and, when you have compared its fingerprint, adds it to the "
		"server's\n"
		"known_hosts file. A key that has changed needs --replace, a revoked one is never accepted.",
	.options =
		(const struct option_spec[]){
			{OPTION_YES, "yes", 0, NULL, "trust: without asking"},
			{OPTION_REPLACE, "replace", 0, NULL, "trust: the key has changed, and that is right"},
			{0},
		},
	.run = run,
};

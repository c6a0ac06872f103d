/* SPDX-License-Identifier: Apache-2.0 */
/* rollback: an earlier generation live again, here and on its servers. */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"
#include "service/rollback.h"

#include <stdio.h>
#include <string.h>

static bool read_request(const struct arguments *arguments, struct rollback_request *ret, struct error *err)
{
	const char *to = option_value(arguments, OPTION_TO_GENERATION, /* fallback= */ NULL);
	if (arguments->names.len != 1) {
		error_set(err, ERROR_USAGE, "usage", "rollback takes the name of one certificate");
		error_hint(err, "`certferry list` shows them");
		return false;
	}
	ret->name = arguments->names.items[0];
	ret->force = option_given(arguments, OPTION_FORCE);
	if (to != NULL && (!parse_u64(to, strlen(to), INT64_MAX, &ret->to) || ret->to == 0))
		return error_set(err, ERROR_USAGE, "usage", "--to-generation takes a generation's number, not \"%s\"",
				 to);
	return true;
}

static int run(const struct arguments *arguments)
{
	const struct context_request context_request = {
		.config = CONTEXT_MAY_HAVE_CONFIG, .create_store = true, .show_progress = true};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(run_result_done) struct run_result results = {0};
	struct rollback_request request = {0};
	struct error err = {0};

	if (!read_request(arguments, &request, &err) || !context_open(&context, arguments, &context_request, &err) ||
	    !rollback_certificate(context.service, &request, &results, &err))
		return context_fail(arguments, &err);
	live_progress_stop(STEAL(context.live));
	if (context.form == OUTPUT_TEXT)
		printf("%s: %s\n", request.name, results.certificates[0].reason);
	if (!output_results(&results, context.form, &err))
		return context_fail(arguments, &err);
	return run_result_exit_code(&results);
}

const struct command command_rollback = {
	.name = "rollback",
	.synopsis = "NAME [--to-generation N]",
	.summary = "the previous generation of a certificate live again, here and on its servers",
	.details =
		"Nothing is issued, and later runs leave it so until the certificate is due by its own dates, or "
		"renewed\n"
		"with --force: then the next number becomes live. Without --to-generation it goes one back, once. A\n"
		"generation that has expired, was revoked, or lacks a name of the certificate is refused. Deploy "
		"hooks\n"
		"are run as after a renewal. A server that could not be reached gets it from the next `apply`.",
	.options =
		(const struct option_spec[]){
			{OPTION_TO_GENERATION, "to-generation", 0, "N", "this one (archive/NAME/ has them)"},
			{OPTION_FORCE, "force", 0, NULL, "even to one that would be refused"},
			{0},
		},
	.run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* delete: forget one certificate. */
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/context.h"
#include "cli/output.h"
#include "service/delete.h"

static bool confirm_deletion(const struct context *context, const char *name, struct error *err)
{
	AUTO_FREE char *question = str_format(err, "%s/live/%s, its key and all its generations will be removed.",
					      service_options(context->service)->state_dir, name);
	return question != NULL && confirm(question, "deleting a certificate", err);
}

static int run(const struct arguments *arguments)
{
	const struct context_request request = {.config = CONTEXT_MAY_HAVE_CONFIG, .create_store = true};
	CLEANUP(context_close) struct context context = {0};
	struct error err = {0};

	if (arguments->names.len != 1) {
		error_set(&err, ERROR_USAGE, "usage", "delete takes the name of one certificate");
		error_hint(&err, "`certferry list` shows them");
		return context_fail(arguments, &err);
	}
	const char *name = arguments->names.items[0];
	if (!context_open(&context, arguments, &request, &err) || !delete_check(context.service, name, &err) ||
	    (!option_given(arguments, OPTION_YES) && !confirm_deletion(&context, name, &err)) ||
	    !delete_certificate(context.service, name, &err))
		return context_fail(arguments, &err);
	const bool wanted = context.config != NULL && config_find_domain(context.config, name) != NULL;
	return output_deletion(name, wanted, context.form, &err) ? 0 : context_fail(arguments, &err);
}

const struct command command_delete = {
	.name = "delete",
	.synopsis = "NAME",
	.summary = "remove a certificate, its key and its record from the store",
	.details = "The CA is not told: see `certferry help revoke`. Servers that have it go on serving it.",
	.options =
		(const struct option_spec[]){
			{OPTION_YES, "yes", 0, NULL, "without asking"},
			{0},
		},
	.run = run,
};

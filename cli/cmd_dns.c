/* SPDX-License-Identifier: Apache-2.0 */
/* dns test: does a DNS provider do what dns-01 needs, with these credentials and for this name? */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* One line as soon as a step ends: the wait may take minutes. */
static void print_step(void *ctx, const struct dns_test_step *step)
{
	(void)ctx;
	printf("%-16s %-7s %7.2f s  %s\n", step->name, step->error != NULL ? "failed" : "ok", (double)step->ms / 1000,
	       step->error == NULL ? step->detail : "");
	(void)fflush(stdout);
}

static int test(const struct arguments *arguments)
{
	const struct context_request request = {
		.config = CONTEXT_MAY_HAVE_CONFIG, .create_store = true, .store_optional = true};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(dns_test_done) struct dns_test result = {0};
	struct error err = {0};
	char resolved[PATH_MAX];

	if (!context_open(&context, arguments, &request, &err))
		return context_fail(arguments, &err);
	/* Absolute, since another run may need it; one that is not there is told when it is read. */
	const char *credentials = option_value(arguments, OPTION_CREDENTIALS, /* fallback= */ NULL);
	if (credentials != NULL && realpath(credentials, resolved) != NULL)
		credentials = resolved;
	const struct dns_test_request what = {
		.provider = arguments->names.items[1],
		.credentials = credentials,
		.name = arguments->names.items[2],
		.finished = context.form == OUTPUT_TEXT ? print_step : NULL,
	};
	bool ok = dns_test_run(context.service, &what, &result, &err);
	if (!ok && result.step_count == 0)
		return context_fail(arguments, &err);
	if (!output_dns_test(&result, what.name, context.form, &err) && !error_is_set(&err))
		return context_fail(arguments, &err);
	return ok ? 0 : error_exit_code(&err);
}

static int run(const struct arguments *arguments)
{
	struct error err = {0};
	if (arguments->names.len == 3 && str_equal(arguments->names.items[0], "test"))
		return test(arguments);
	error_set(&err, ERROR_USAGE, "usage", "dns needs to be told what to do");
	error_hint(&err, "`certferry dns test PROVIDER NAME` puts a TXT record for NAME and removes it again");
	return context_fail(arguments, &err);
}

const struct command command_dns = {
	.name = "dns",
	.synopsis = "test PROVIDER NAME",
	.summary = "try a DNS provider: put a TXT value, see it everywhere, remove it",
	.details =
		"PROVIDER is an entry of the config's dns_providers, or a provider's name with --credentials (or its\n"
		"environment variables). NAME is what a certificate would name: the value is put at "
		"_acme-challenge.NAME.",
	.options =
		(const struct option_spec[]){
			{OPTION_CREDENTIALS, "credentials", 0, "FILE", "the DNS provider's credentials"},
			{0},
		},
	.run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* revoke: one certificate, for a reason. */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

static bool read_request(const struct arguments *arguments, struct revoke_request *ret, struct error *err)
{
	const char *reason = option_value(arguments, OPTION_REASON, /* fallback= */ NULL);
	if (arguments->names.len != 1) {
		error_set(err, ERROR_USAGE, "usage", "revoke takes the name of one certificate");
		error_hint(err, "`certferry list` shows them");
		return false;
	}
	ret->name = arguments->names.items[0];
	ret->with_certificate_key = option_given(arguments, OPTION_WITH_CERTIFICATE_KEY);
	return reason == NULL || revocation_reason_parse(reason, &ret->reason, err);
}

static int run(const struct arguments *arguments)
{
	const struct context_request context_request = {.config = CONTEXT_MAY_HAVE_CONFIG, .create_store = true};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(revoke_result_done) struct revoke_result result = {0};
	struct revoke_request request = {.reason = REVOCATION_UNSPECIFIED};
	struct error err = {0};

	if (!read_request(arguments, &request, &err) || !context_open(&context, arguments, &context_request, &err) ||
	    !revoke_certificate(context.service, &request, &result, &err) ||
	    !output_revocation(&request, &result, context.form, &err))
		return context_fail(arguments, &err);
	return 0;
}

const struct command command_revoke = {
	.name = "revoke",
	.synopsis = "NAME",
	.summary = "revoke a certificate; the next apply or renew replaces it, with a new key",
	.details =
		"Reasons: keyCompromise (1) when somebody else may have the key, superseded (4) when it was replaced,\n"
		"cessationOfOperation (5) when the name is given up, affiliationChanged (3), privilegeWithdrawn (9),\n"
		"unspecified (0, default). It cannot be undone. A key revoked as compromised is never used again.",
	.options =
		(const struct option_spec[]){
			{OPTION_REASON, "reason", 0, "REASON", "why, by name or number"},
			{OPTION_WITH_CERTIFICATE_KEY, "with-certificate-key", 0, NULL,
			 "sign with the certificate's key instead of the account's"},
			{0},
		},
	.run = run,
};

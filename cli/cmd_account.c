/* SPDX-License-Identifier: Apache-2.0 */
/* account: what is stored, and changes by hand. */
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/context.h"
#include "cli/output.h"
#include "config/ca_presets.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the subcommands work with. */
struct call {
	const struct arguments *arguments;
	struct context context;
	struct account_choice choice;
	const char *email;
	enum key_type key_type;
	bool has_key_type;
};

static bool usage(struct error *err, const char *message, const char *hint)
{
	error_set(err, ERROR_USAGE, "usage", "%s", message);
	error_hint(err, "%s", hint);
	return false;
}

static const enum key_type *chosen_type(const struct call *call)
{
	return call->has_key_type ? &call->key_type : NULL;
}

/* --- Subcommands: each fills RET --- */

static bool show(struct call *call, struct account_list *ret, struct error *err)
{
	call->choice.email = call->email;
	return accounts_show(call->context.service, &call->choice, option_given(call->arguments, OPTION_CHECK), ret,
			     err);
}

static bool reserve_one(struct account_list *ret, struct error *err)
{
	ret->items = calloc(1, sizeof(*ret->items));
	if (ret->items == NULL)
		return error_oom(err);
	ret->count = 1;
	return true;
}

static bool register_one(struct call *call, struct account_list *ret, struct error *err)
{
	const struct config *config = call->context.config;
	const char *email = call->email != NULL ? call->email : config != NULL ? config->email : NULL;
	if (call->choice.name != NULL)
		return usage(err, "account register takes no name",
			     "the CA is chosen by --server or the config, the contact by --email");
	if (option_given(call->arguments, OPTION_NO_EMAIL))
		email = NULL;
	return accounts_register(call->context.service, email, chosen_type(call), ret->items, err);
}

static bool update(struct call *call, struct account_list *ret, struct error *err)
{
	bool remove = option_given(call->arguments, OPTION_NO_EMAIL);
	if (call->email != NULL && remove)
		return usage(err, "--email and --no-email exclude each other", "give one of them");
	if (call->email == NULL && !remove && !option_given(call->arguments, OPTION_AGREE_TOS))
		return usage(err, "there is nothing to update",
			     "--email ADDRESS, --no-email, or --agree-tos when the CA's terms have changed");
	return accounts_update(call->context.service, &call->choice, call->email, remove, ret->items, err);
}

static bool rotate_key(struct call *call, struct account_list *ret, struct error *err)
{
	call->choice.email = call->email;
	return accounts_rotate_key(call->context.service, &call->choice, chosen_type(call), ret->items, err);
}

/* The operator types "yes", on a terminal. */
static bool confirm_end(const struct account_view *view, struct error *err)
{
	AUTO_FREE char *question = str_format(err,
					      "Account %s at %s (%s)\nIts certificates stay valid, but nothing can be "
					      "issued or renewed with it again.",
					      view->url, view->ca, view->email != NULL ? view->email : "no contact");
	return question != NULL && confirm(question, "deactivating an account", err);
}

static bool deactivate(struct call *call, struct account_list *ret, struct error *err)
{
	CLEANUP(account_view_done) struct account_view found = {0};
	call->choice.email = call->email;
	if (!accounts_find(call->context.service, &call->choice, &found, err))
		return false;
	if (!option_given(call->arguments, OPTION_YES) && !confirm_end(&found, err))
		return false;
	/* The very one that was confirmed. */
	const struct account_choice same = {.name = found.name};
	return accounts_deactivate(call->context.service, &same, ret->items, err);
}

static const struct subcommand {
	const char *name;
	bool (*run)(struct call *call, struct account_list *ret, struct error *err);
	bool changes; /* one account */
} subcommands[] = {
	{"show", show, false},
	{"register", register_one, true},
	{"update", update, true},
	{"rotate-key", rotate_key, true},
	{"deactivate", deactivate, true},
};

/* --- The command --- */

static const struct subcommand *find_subcommand(const char *name, struct error *err)
{
	enum { NEAR = 4 };
	const char *best = NULL;
	size_t distance = NEAR;
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++) {
		size_t edits = str_distance(name, subcommands[i].name, distance);
		if (str_equal(subcommands[i].name, name))
			return &subcommands[i];
		if (edits < distance) {
			distance = edits;
			best = subcommands[i].name;
		}
	}
	error_set(err, ERROR_USAGE, "usage", "account does not know \"%s\"", name);
	if (best != NULL)
		error_hint(err, "did you mean \"account %s\"?", best);
	else
		error_hint(err, "it takes show, register, update, rotate-key or deactivate");
	return NULL;
}

static bool read_call(struct call *call, struct error *err)
{
	const struct arguments *arguments = call->arguments;
	const char *type = option_value(arguments, OPTION_KEY_TYPE, /* fallback= */ NULL);

	if (arguments->names.len > 2)
		return usage(err, "account works on one account at a time", "certferry account show lists them");
	call->choice.name = arguments->names.len == 2 ? arguments->names.items[1] : NULL;
	call->email = option_value(arguments, OPTION_EMAIL, /* fallback= */ NULL);
	call->has_key_type = type != NULL;
	if (type != NULL && !key_type_parse_account(type, &call->key_type)) {
		error_set(err, ERROR_USAGE, "usage", "--key-type: \"%s\" is no key type of accounts", type);
		error_hint(err, "ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096 or ed25519");
		return false;
	}
	return true;
}

static void call_done(struct call *call)
{
	context_close(&call->context);
}

static int exit_code(const struct account_list *list)
{
	size_t failed = 0;
	for (size_t i = 0; i < list->count; i++)
		failed += list->items[i].error != NULL;
	return failed == 0 ? 0 : failed < list->count ? 3 : 1;
}

static int run(const struct arguments *arguments)
{
	CLEANUP(call_done) struct call call = {.arguments = arguments};
	CLEANUP(account_list_done) struct account_list list = {0};
	struct error err = {0};

	const struct subcommand *subcommand =
		find_subcommand(arguments->names.len > 0 ? arguments->names.items[0] : "show", &err);
	if (subcommand == NULL || !read_call(&call, &err))
		return context_fail(arguments, &err);
	const struct context_request request = {
		.config = CONTEXT_MAY_HAVE_CONFIG,
		.create_store = subcommand->changes,
		.terms_agreed = option_given(arguments, OPTION_AGREE_TOS),
	};
	if (!context_open(&call.context, arguments, &request, &err) ||
	    (subcommand->changes && !reserve_one(&list, &err)) || !subcommand->run(&call, &list, &err) ||
	    !output_accounts(&list, call.context.form, &err))
		return context_fail(arguments, &err);
	return exit_code(&list);
}

/* The known CAs, from their table. */
static void print_known_cas(void)
{
	size_t count = 0;
	const struct ca_preset *presets = ca_presets(&count);
	puts("\nknown CAs, for --server and the config's provider:");
	for (size_t i = 0; i < count; i++) {
		const struct ca_preset *preset = &presets[i];
		if (preset->retired != NULL)
			continue;
		printf("  %-20s %s%s%s\n", preset->name, preset->title,
		       preset->needs_eab ? "; needs external account credentials" : "",
		       preset->eab_email_url != NULL ? ", fetched for an e-mail address"
		       : preset->needs_contact       ? " and an e-mail address"
						     : "");
	}
}

const struct command command_account = {
	.name = "account",
	.synopsis = "show|register|update|rotate-key|deactivate [ACCOUNT]",
	.summary = "the accounts at CAs: list them, make one, change its contact or key, end it",
	.details =
		"ACCOUNT is a name or URL that `account show` tells; without it the one at the CA of --server or the\n"
		"config is meant. Certificates register what account they need by themselves; register makes one\n"
		"beforehand, or in place of one that is of no use any more. update takes --email, --no-email or\n"
		"--agree-tos; rotate-key gives it a new key; deactivate is for good.",
	.options =
		(const struct option_spec[]){
			{OPTION_EMAIL, "email", 0, "ADDRESS", "the contact (update: the new one)"},
			{OPTION_NO_EMAIL, "no-email", 0, NULL, "no contact"},
			{OPTION_KEY_TYPE, "key-type", 0, "TYPE",
			 "of the account's key: ecdsa-p256 (default), ecdsa-p384, rsa-2048, rsa-3072, rsa-4096, "
			 "ed25519"},
			{OPTION_EAB_KID, "eab-kid", 0, "ID", "external account, where the CA wants one: its key id"},
			{OPTION_EAB_HMAC_KEY_FILE, "eab-hmac-key-file", 0, "FILE",
			 "its HMAC key, in a file that only you can read"},
			{OPTION_EAB_ALGORITHM, "eab-algorithm", 0, "ALG", "HS256 (default), HS384 or HS512"},
			{OPTION_AGREE_TOS, "agree-tos", 0, NULL, "agree to the CA's terms of service"},
			{OPTION_CHECK, "check", 0, NULL,
			 "show: ask the CAs for status and contact, and show the CAA record that goes with it"},
			{OPTION_YES, "yes", 0, NULL, "deactivate: without asking"},
			{0},
		},
	.more = print_known_cas,
	.run = run,
};

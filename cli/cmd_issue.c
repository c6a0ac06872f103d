/* SPDX-License-Identifier: Apache-2.0 */
/* issue: one certificate without a config, remembered for renewal. */
#include "base/limits.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"
#include "cli/validation.h"
#include "config/values.h"
#include "service/apply.h"
#include "service/own_csr.h"
#include "service/wanted.h"

#include <stdlib.h>
#include <string.h>

static bool usage(struct error *err, const char *message, const char *hint)
{
	error_set(err, ERROR_USAGE, "usage", "%s", message);
	error_hint(err, "%s", hint);
	return false;
}

static bool set_identifiers(const struct str_list *names, struct renewal *wanted, struct error *err)
{
	if (names->len == 0)
		return usage(err, "no name given",
			     "certferry issue -d example.com -d www.example.com --webroot /var/www/html");
	wanted->identifiers = calloc(names->len, sizeof(*wanted->identifiers));
	if (wanted->identifiers == NULL)
		return error_oom(err);
	for (size_t i = 0; i < names->len; i++) {
		struct identifier identifier;
		bool known = false;
		if (!identifier_parse(names->items[i], &identifier, err))
			return false;
		for (size_t j = 0; j < wanted->identifier_count; j++)
			known = known || identifier_equal(&wanted->identifiers[j], &identifier);
		if (!known)
			wanted->identifiers[wanted->identifier_count++] = identifier;
	}
	return true;
}

static bool read_csr(const char *path, struct csr **ret, struct error *err)
{
	CLEANUP(secret_done) struct secret text = {0};
	struct error reason = {0};
	if (!secret_read_file(&text, path, LIMIT_KEY_FILE, /* private_only= */ false, err))
		return false;
	*ret = csr_parse(text.data, text.len, &reason);
	if (*ret != NULL)
		return true;
	(void)error_set(err, ERROR_USAGE, "usage", "--csr %s: %s", path, reason.message);
	if (reason.hint[0] != '\0')
		error_hint(err, "%s", reason.hint);
	return false;
}

/* Key and names are the request's; names given besides must be the same ones. */
static bool set_csr(const struct arguments *arguments, struct renewal *wanted, struct error *err)
{
	CLEANUP(csr_freep) struct csr *csr = NULL;
	const char *path = option_value(arguments, OPTION_CSR, /* fallback= */ NULL);
	size_t count = 0;

	if (path == NULL)
		return true;
	if (option_given(arguments, OPTION_KEY_TYPE) || option_given(arguments, OPTION_REUSE_KEY))
		return usage(err, "--key-type and --reuse-key do not go with --csr",
			     "the request holds the key, which is used again by each renewal");
	if (option_given(arguments, OPTION_DEPLOY))
		return usage(err, "--deploy does not go with --csr: the private key is not here to be deployed",
			     "take the certificate to where the key is");
	if (!read_csr(path, &csr, err))
		return false;
	const struct identifier *names = csr_identifiers(csr, &count);
	if (wanted->identifiers != NULL &&
	    !identifiers_equal(wanted->identifiers, wanted->identifier_count, names, count))
		return usage(err, "the names given by -d are not those of the certificate request",
			     "leave -d out: the names are taken from the request");
	free(wanted->identifiers);
	wanted->identifiers = calloc(count, sizeof(*wanted->identifiers));
	if (wanted->identifiers == NULL)
		return error_oom(err);
	memcpy(wanted->identifiers, names, count * sizeof(*names));
	wanted->identifier_count = count;
	return own_csr_remember(csr, wanted, err);
}

static bool set_name(const struct arguments *arguments, struct renewal *wanted, struct error *err)
{
	char fallback[IDENTIFIER_MAX];
	const char *name = option_value(arguments, OPTION_CERT_NAME,
					identifier_certificate_name(&wanted->identifiers[0], fallback));
	if (!name_is_valid(name)) {
		error_set(err, ERROR_USAGE, "usage", "\"%s\" cannot be a certificate's name", name);
		error_hint(err, "give one with --cert-name: lower-case letters, digits, \".\", \"_\" and \"-\"");
		return false;
	}
	return str_set(&wanted->name, name, err);
}

static bool set_key(const struct arguments *arguments, const struct config *config, struct renewal *wanted,
		    struct error *err)
{
	const char *type = option_value(arguments, OPTION_KEY_TYPE, /* fallback= */ NULL);
	if (wanted->csr != NULL)
		return true;
	wanted->reuse_key = option_given(arguments, OPTION_REUSE_KEY);
	wanted->key_type = config != NULL ? config->key_type : KEY_TYPE_ECDSA_P256;
	if (type == NULL || key_type_parse(type, &wanted->key_type))
		return true;
	error_set(err, ERROR_USAGE, "usage", "--key-type: \"%s\" is no key type", type);
	error_hint(err, "ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096");
	return false;
}

static bool set_wishes(const struct arguments *arguments, struct renewal *wanted, struct error *err)
{
	const char *profile = option_value(arguments, OPTION_PROFILE, /* fallback= */ NULL);
	const char *issuer = option_value(arguments, OPTION_PREFERRED_CHAIN, /* fallback= */ NULL);
	struct error reason = {0};
	if (profile != NULL && !value_profile(profile, &reason))
		return error_set(err, ERROR_USAGE, "usage", "--profile: %s", reason.message);
	if (issuer != NULL && !value_issuer(issuer, &reason))
		return error_set(err, ERROR_USAGE, "usage", "--preferred-chain: %s", reason.message);
	return str_set(&wanted->profile, profile, err) && str_set(&wanted->preferred_chain, issuer, err);
}

/* Remembered as a span, so that the renewal of a certificate for ten days is again one for ten days. */
static bool set_lifetime(const struct arguments *arguments, struct renewal *wanted, struct error *err)
{
	enum { HOUR = 3600, DAY = 24 * HOUR, DAYS_MAX = 3650 };
	const char *text = option_value(arguments, OPTION_NOT_AFTER, /* fallback= */ NULL);
	size_t len = text != NULL ? strlen(text) : 0;
	uint64_t count = 0;
	int64_t wall = 0, lifetime = 0;

	if (text == NULL)
		return true;
	if (text[len - 1] == 'd' && parse_u64(text, len - 1, DAYS_MAX, &count))
		lifetime = (int64_t)count * DAY;
	else if (text[len - 1] == 'h' && parse_u64(text, len - 1, DAYS_MAX * 24, &count))
		lifetime = (int64_t)count * HOUR;
	else if (rfc3339_parse(text, len, &wall))
		lifetime = wall - clock_wall();
	else
		return usage(err, "--not-after takes a span or a time", "for example 10d, 36h or 2027-01-31T12:00:00Z");
	if (lifetime < HOUR || lifetime > (int64_t)DAYS_MAX * DAY)
		return usage(err, "--not-after is not between an hour and ten years from now",
			     "for example 10d, 36h or 2027-01-31T12:00:00Z");
	wanted->lifetime = lifetime;
	return true;
}

/* A server whose copies have room for one certificate keeps the one that the config gives it. */
static bool check_copies(const struct config *config, const struct config_server *server, const struct renewal *wanted,
			 struct error *err)
{
	const char *holder = NULL, *path = config_copy_taken(config, server, wanted->name, &holder);
	if (path == NULL)
		return true;
	error_set(err, ERROR_CONFIG, "usage", "--deploy: %s on %s can hold one certificate only, and that is %s's",
		  path, server->name, holder);
	error_hint(err,
		   "write " CONFIG_COPY_NAME " into the paths under files: of that server, so that each certificate "
		   "gets a file of its own");
	return false;
}

static bool set_servers(const struct arguments *arguments, const struct config *config, struct renewal *wanted,
			struct error *err)
{
	const struct str_list *servers = &arguments->values[OPTION_DEPLOY];
	for (size_t i = 0; i < servers->len; i++) {
		const struct config_server *server =
			config != NULL ? config_find_server(config, servers->items[i]) : NULL;
		if (server == NULL) {
			error_set(err, ERROR_USAGE, "usage", "--deploy: the config has no server \"%s\"",
				  servers->items[i]);
			error_hint(err, "define it under servers: and name the file with --config");
			return false;
		}
		if (!check_copies(config, server, wanted, err) || renewal_server(wanted, server->name, err) == NULL)
			return false;
	}
	return true;
}

static bool set_hooks(const struct arguments *arguments, struct renewal *wanted, struct error *err)
{
	static const struct {
		enum option_id option;
		const char *name;
		size_t offset;
	} hooks[] = {
		{OPTION_PRE_HOOK, "--pre-hook", offsetof(struct renewal, pre_hook)},
		{OPTION_POST_HOOK, "--post-hook", offsetof(struct renewal, post_hook)},
		{OPTION_DEPLOY_HOOK, "--deploy-hook", offsetof(struct renewal, deploy_hook)},
	};
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		const char *line = option_value(arguments, hooks[i].option, /* fallback= */ NULL);
		if (line != NULL && (line[0] == '\0' || strlen(line) > LIMIT_HOOK_LINE))
			return error_set(err, ERROR_USAGE, "usage", "%s is empty or longer than %d bytes",
					 hooks[i].name, LIMIT_HOOK_LINE);
		if (!str_set((char **)((char *)wanted + hooks[i].offset), line, err))
			return false;
	}
	return true;
}

/* A provider that nobody knows, or credentials that cannot be read, are told before anything begins: this asks nobody.
 */
static bool check_provider(const struct context *context, const struct renewal *wanted, struct error *err)
{
	const struct dns_provider_module *module = NULL;
	struct dns_provider *provider = NULL;
	return wanted->dns_provider == NULL || service_dns_provider(context->service, wanted->dns_provider,
								    wanted->dns_credentials, &module, &provider, err);
}

static bool describe(const struct context *context, const struct arguments *arguments, struct renewal *ret,
		     struct error *err)
{
	CLEANUP(renewal_done) struct renewal wanted = {.pre_authorize = option_given(arguments, OPTION_PRE_AUTHORIZE)};
	const char *email = context->config != NULL ? context->config->email : NULL;

	if (option_given(arguments, OPTION_MUST_STAPLE)) {
		(void)error_set(err, ERROR_USAGE, "usage", "--must-staple is not offered: %s", must_staple_reason);
		error_hint(err, "issue without it");
		return false;
	}
	if (arguments->names.len > 0)
		return usage(err, "issue takes its names by -d",
			     "certferry issue -d example.com --webroot /var/www/html");
	bool named = option_given(arguments, OPTION_DOMAIN) || !option_given(arguments, OPTION_CSR);
	if ((named && !set_identifiers(&arguments->values[OPTION_DOMAIN], &wanted, err)) ||
	    !set_csr(arguments, &wanted, err) || !set_name(arguments, &wanted, err) ||
	    !validation_from_arguments(arguments, &wanted, err) || !set_key(arguments, context->config, &wanted, err) ||
	    !set_servers(arguments, context->config, &wanted, err) || !set_lifetime(arguments, &wanted, err) ||
	    !set_hooks(arguments, &wanted, err) ||
	    !str_set(&wanted.email, option_value(arguments, OPTION_EMAIL, email), err) ||
	    !set_wishes(arguments, &wanted, err) || !wanted_set_ca(context->service, &wanted, err) ||
	    !check_provider(context, &wanted, err))
		return false;
	*ret = wanted;
	wanted = (struct renewal){0};
	return true;
}

static int run(const struct arguments *arguments)
{
	const struct context_request request = {
		.config = CONTEXT_MAY_HAVE_CONFIG,
		.create_store = true,
		.terms_agreed = option_given(arguments, OPTION_AGREE_TOS),
		.show_progress = true,
	};
	CLEANUP(context_close) struct context context = {0};
	CLEANUP(renewal_done) struct renewal wanted = {0};
	CLEANUP(plan_done) struct plan plan = {0};
	CLEANUP(run_result_done) struct run_result results = {0};
	struct apply_options options = {.force = option_given(arguments, OPTION_FORCE), .by_hand = true};
	struct error err = {0};

	if (!context_open(&context, arguments, &request, &err) || !describe(&context, arguments, &wanted, &err) ||
	    !plan_one(context.service, &wanted, options.force, &plan, &err) ||
	    !apply_plan(context.service, &plan, &options, &results, &err))
		return context_fail(arguments, &err);
	live_progress_stop(STEAL(context.live));
	if (!output_results(&results, context.form, &err))
		return context_fail(arguments, &err);
	return run_result_exit_code(&results);
}

const struct command command_issue = {
	.name = "issue",
	.synopsis = "-d NAME [-d NAME...] | --csr FILE",
	.summary = "one certificate without a config, remembered for renewal",
	.details = "Example: certferry issue -d example.com -d www.example.com --webroot /var/www/html \\\n"
		   "           --email admin@example.com --agree-tos",
	.options =
		(const struct option_spec[]){
			{OPTION_DOMAIN, "domain", 'd', "NAME", "a name the certificate is for; repeatable"},
			{OPTION_CERT_NAME, "cert-name", 0, "NAME",
			 "what to call it here (default: the first name; an IPv6 address with - for :)"},
			{OPTION_WEBROOT, "webroot", 0, "DIR", "validate by files in this folder of a web server"},
			{OPTION_STANDALONE, "standalone", 0, "[ADDR:]PORT",
			 "validate by answering the CA over HTTP here; the CA asks port 80"},
			{OPTION_ALPN, "alpn", 0, "[ADDR:]PORT",
			 "validate by answering the CA over TLS here; the CA asks port 443"},
			{OPTION_DNS, "dns", 0, "PROVIDER", "validate by TXT records at this DNS provider"},
			{OPTION_CREDENTIALS, "credentials", 0, "FILE", "the DNS provider's credentials"},
			{OPTION_CHALLENGE, "challenge", 0, "TYPE",
			 "with --dns: dns-01 (default), or dns-account-01, whose record is this account's own"},
			{OPTION_DNS_PERSIST, "dns-persist", 0, NULL,
			 "validate by a TXT record that stays (see persist): nothing is written"},
			{OPTION_KEY_TYPE, "key-type", 0, "TYPE",
			 "ecdsa-p256 (default), ecdsa-p384, rsa-2048, rsa-3072, rsa-4096"},
			{OPTION_CSR, "csr", 0, "FILE",
			 "the certificate request of a key that stays with its owner (names are taken from it)"},
			{OPTION_REUSE_KEY, "reuse-key", 0, NULL, "keep the private key when renewing"},
			{OPTION_PROFILE, "profile", 0, "NAME", "the CA's certificate profile"},
			{OPTION_PREFERRED_CHAIN, "preferred-chain", 0, "ISSUER",
			 "the chain that ends under this common name, where the CA has it"},
			{OPTION_NOT_AFTER, "not-after", 0, "TIME",
			 "ask for this end (10d, 36h or RFC 3339); renewals ask for the same span"},
			{OPTION_PRE_AUTHORIZE, "pre-authorize", 0, NULL,
			 "authorize the names before the order, at CAs that offer it"},
			{OPTION_MUST_STAPLE, "must-staple", 0, NULL, NULL},
			{OPTION_EMAIL, "email", 0, "ADDRESS", "contact for the CA"},
			{OPTION_EAB_KID, "eab-kid", 0, "ID", "external account, where the CA wants one: its key id"},
			{OPTION_EAB_HMAC_KEY_FILE, "eab-hmac-key-file", 0, "FILE",
			 "its HMAC key, in a file that only you can read"},
			{OPTION_EAB_ALGORITHM, "eab-algorithm", 0, "ALG", "HS256 (default), HS384 or HS512"},
			{OPTION_AGREE_TOS, "agree-tos", 0, NULL, "agree to the CA's terms of service"},
			{OPTION_DEPLOY, "deploy", 0, "SERVER", "push it to this server of the config; repeatable"},
			{OPTION_PRE_HOOK, "pre-hook", 0, "LINE", "shell line to run before it is issued or renewed"},
			{OPTION_POST_HOOK, "post-hook", 0, "LINE", "the same for afterwards, also when it failed"},
			{OPTION_DEPLOY_HOOK, "deploy-hook", 0, "LINE",
			 "the same for when a new certificate is stored: it is in $RENEWED_LINEAGE"},
			{OPTION_FORCE, "force", 0, NULL, "issue even if it is not due, or the CA asked to wait"},
			{0},
		},
	.run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* persist: the records of dns-persist-01, printed or published. */
#include "acme/caa.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output_json.h"
#include "service/persist.h"
#include "service/wanted.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The names asked for, and how. */
struct call {
	struct context context;
	struct renewal wanted;
	struct persist_request request;
	struct identifier *identifiers;
};

static void call_done(struct call *call)
{
	context_close(&call->context);
	renewal_done(&call->wanted);
	free(call->identifiers);
}

static bool usage(struct error *err, const char *message, const char *hint)
{
	error_set(err, ERROR_USAGE, "usage", "%s", message);
	error_hint(err, "%s", hint);
	return false;
}

/* --- Names --- */

static bool add_name(struct call *call, const struct identifier *identifier, struct error *err)
{
	struct identifier *grown = reallocarray(call->identifiers, call->request.count + 1, sizeof(*call->identifiers));
	if (grown == NULL)
		return error_oom(err);
	call->identifiers = grown;
	if (identifier->type == IDENTIFIER_IP) {
		error_set(err, ERROR_USAGE, "usage", "the address %s cannot be proven by a DNS record",
			  identifier->value);
		error_hint(err, "dns-persist-01 is for DNS names");
		return false;
	}
	grown[call->request.count++] = *identifier;
	call->request.identifiers = grown;
	return true;
}

static bool add_domain(struct call *call, const struct config_domain *domain, struct error *err)
{
	for (size_t i = 0; i < domain->identifier_count; i++)
		if (!add_name(call, &domain->identifiers[i], err))
			return false;
	return true;
}

/* A certificate of the config by its name, that is to be proven so; else a DNS name. */
static bool add_word(struct call *call, const char *word, struct error *err)
{
	const struct config *config = call->context.config;
	struct identifier identifier;
	for (size_t i = 0; config != NULL && i < config->domain_count; i++)
		if (config->domains[i].challenge == CHALLENGE_DNS_PERSIST_01 &&
		    str_equal(config->domains[i].cert_name, word))
			return add_domain(call, &config->domains[i], err);
	return identifier_parse(word, &identifier, err) && add_name(call, &identifier, err);
}

static bool read_names(struct call *call, const struct str_list *words, struct error *err)
{
	const struct config *config = call->context.config;
	for (size_t i = 0; i < words->len; i++)
		if (!add_word(call, words->items[i], err))
			return false;
	for (size_t i = 0; words->len == 0 && config != NULL && i < config->domain_count; i++)
		if (config->domains[i].challenge == CHALLENGE_DNS_PERSIST_01 &&
		    !add_domain(call, &config->domains[i], err))
			return false;
	return call->request.count > 0 ||
	       usage(err, "no name given, and none in the config has challenge: dns-persist-01",
		     "certferry persist example.com");
}

/* --- Options --- */

/* A day ends with it: "2027-01-31" lasts to its last second, in UTC. */
static bool read_until(const char *text, int64_t *ret, struct error *err)
{
	char whole[32];
	int64_t until = 0;
	if (text == NULL)
		return true;
	(void)snprintf(whole, sizeof(whole), "%.10sT23:59:59Z", text);
	if (!rfc3339_parse(text, strlen(text), &until) &&
	    (strlen(text) != sizeof("2027-01-31") - 1 || !rfc3339_parse(whole, strlen(whole), &until)))
		return usage(err, "--until takes a day or a time", "for example 2027-01-31 or 2027-01-31T12:00:00Z");
	if (until <= clock_wall())
		return usage(err, "--until lies in the past", "a record that has ended proves nothing");
	*ret = until;
	return true;
}

static bool read_provider(struct call *call, const struct arguments *arguments, struct error *err)
{
	const char *provider = option_value(arguments, OPTION_DNS, /* fallback= */ NULL);
	const char *credentials = option_value(arguments, OPTION_CREDENTIALS, /* fallback= */ NULL);
	char resolved[PATH_MAX];

	call->request.publish = option_given(arguments, OPTION_PUBLISH);
	if (call->request.publish != (provider != NULL))
		return usage(err, "--publish and --dns go together", "--publish --dns PROVIDER");
	if (credentials != NULL && provider == NULL)
		return usage(err, "--credentials goes with --dns", "--publish --dns PROVIDER --credentials FILE");
	if (credentials != NULL && realpath(credentials, resolved) == NULL)
		return error_errno(err, ERROR_USAGE, "usage", errno, "%s", credentials);
	return str_set(&call->wanted.dns_provider, provider, err) &&
	       str_set(&call->wanted.dns_credentials, credentials != NULL ? resolved : NULL, err);
}

static bool read_call(struct call *call, const struct arguments *arguments, struct error *err)
{
	const struct config *config = call->context.config;
	const char *email = config != NULL ? config->email : NULL;

	call->request.wildcard = option_given(arguments, OPTION_WILDCARD);
	return read_names(call, &arguments->names, err) && read_provider(call, arguments, err) &&
	       read_until(option_value(arguments, OPTION_UNTIL, /* fallback= */ NULL), &call->request.until, err) &&
	       str_set(&call->wanted.email, option_value(arguments, OPTION_EMAIL, email), err) &&
	       wanted_set_ca(call->context.service, &call->wanted, err);
}

/* --- Output --- */

/* The CAA record beside it, which keeps every other account and challenge out (RFC 8657). */
static void add_caa(const struct persist_report *report, const struct persist_entry *entry, struct buf *out)
{
	buf_printf(out, "%s. IN CAA ", entry->domain);
	caa_property(report->caa_identities.items[0], report->account_url, CHALLENGE_DNS_PERSIST_01,
		     /* wildcard= */ false, out);
}

static json_t *caa_json(const struct persist_report *report, const struct persist_entry *entry)
{
	CLEANUP(buf_done) struct buf line;
	buf_init(&line, LIMIT_ISSUE_VALUE);
	if (report->caa_identities.len == 0)
		return json_null();
	add_caa(report, entry, &line);
	return json_string(buf_cstr(&line));
}

static json_t *entry_json(const struct persist_report *report, const struct persist_entry *entry)
{
	CLEANUP(buf_done) struct buf line;
	json_t *object = json_object();
	buf_init(&line, (size_t)4 * LIMIT_ISSUE_VALUE);
	persist_zone_line(entry->expectation.name, entry->value, &line);
	output_set_str(object, "domain", entry->domain);
	(void)json_object_set_new(object, "wildcard", json_boolean(entry->expectation.wildcard));
	output_set_str(object, "name", entry->expectation.name);
	output_set_str(object, "type", "TXT");
	output_set_str(object, "value", entry->value);
	output_set_str(object, "zone_line", buf_cstr(&line));
	output_set_str(object, "status", persist_status_name(entry->status));
	output_set_str(object, "detail", entry->detail);
	output_set_time(object, "until", entry->until);
	(void)json_object_set_new(object, "published_now", json_boolean(entry->published_now));
	(void)json_object_set_new(object, "caa", caa_json(report, entry));
	return object;
}

static bool print_json(const struct persist_report *report, struct error *err)
{
	json_t *document = json_object(), *records = json_array();
	output_set_str(document, "ca", report->ca_url);
	output_set_str(document, "account", report->account_url);
	output_set_str(document, "form", persist_form_name(report->form));
	for (size_t i = 0; i < report->count; i++)
		(void)json_array_append_new(records, entry_json(report, &report->entries[i]));
	(void)json_object_set_new(document, "records", records);
	return output_json(document, err);
}

static void print_entry(const struct persist_entry *entry)
{
	CLEANUP(buf_done) struct buf line;
	char when[RFC3339_SIZE];
	buf_init(&line, (size_t)4 * LIMIT_ISSUE_VALUE);
	persist_zone_line(entry->expectation.name, entry->value, &line);
	printf("\n%s%s%s: %s", entry->domain, entry->expectation.wildcard ? " and *." : "",
	       entry->expectation.wildcard ? entry->domain : "",
	       entry->published_now ? "published now" : persist_status_name(entry->status));
	if (entry->until != 0)
		printf(", until %s", rfc3339_format(entry->until, when));
	if (entry->detail != NULL)
		printf(" (the record %s)", entry->detail);
	printf("\n%s\n", buf_cstr(&line));
}

static void print_text(const struct persist_report *report)
{
	bool wanting = false;
	printf("dns-persist-01 (draft %s) at %s for the account %s\n", persist_form_name(report->form), report->ca_url,
	       report->account_url);
	for (size_t i = 0; i < report->count; i++) {
		print_entry(&report->entries[i]);
		wanting = wanting || report->entries[i].status != PERSIST_PUBLISHED;
	}
	if (wanting)
		puts("\nPublish what is not there yet in its zone, or through a DNS provider: --publish --dns "
		     "PROVIDER.\nThe records stay; whoever removes one ends what it allows.");
	for (size_t i = 0; report->caa_identities.len > 0 && i < report->count; i++) {
		CLEANUP(buf_done) struct buf line;
		buf_init(&line, LIMIT_ISSUE_VALUE);
		if (i == 0)
			puts("\nA CAA record for this account and challenge alone keeps all others out, where you want "
			     "that:");
		add_caa(report, &report->entries[i], &line);
		puts(buf_cstr(&line));
	}
	if (report->form == PERSIST_FORM_02)
		puts("\nThese records name the account's key: after `certferry account rotate-key`, publish anew.");
}

static int run(const struct arguments *arguments)
{
	/* Who writes a config agrees to its CA's terms; where one is only looked for, it has to be said. */
	const bool from_config = arguments->names.len == 0 || option_given(arguments, OPTION_CONFIG);
	const struct context_request context = {
		.config = from_config ? CONTEXT_NEEDS_CONFIG : CONTEXT_MAY_HAVE_CONFIG,
		.create_store = true,
		.terms_agreed = option_given(arguments, OPTION_AGREE_TOS),
	};
	CLEANUP(call_done) struct call call = {0};
	CLEANUP(persist_report_done) struct persist_report report = {0};
	struct error err = {0};

	if (!context_open(&call.context, arguments, &context, &err) || !read_call(&call, arguments, &err))
		return context_fail(arguments, &err);
	struct deadline deadline =
		service_deadline(call.context.service, service_options(call.context.service)->certificate_timeout_ms);
	if (!persist_report(call.context.service, &call.wanted, &call.request, deadline, &report, &err) ||
	    (call.context.form == OUTPUT_JSON && !print_json(&report, &err)))
		return context_fail(arguments, &err);
	if (call.context.form == OUTPUT_TEXT)
		print_text(&report);
	return 0;
}

const struct command command_persist = {
	.name = "persist",
	.synopsis = "[NAME...]",
	.summary = "the dns-persist-01 records to publish for this account",
	.details = "NAME is a DNS name, or a certificate of the config; without any, all of the config's that have\n"
		   "challenge: dns-persist-01. The account is registered if there is none yet.",
	.options =
		(const struct option_spec[]){
			{OPTION_WILDCARD, "wildcard", 0, NULL, "records that cover *.NAME too (policy=wildcard)"},
			{OPTION_UNTIL, "until", 0, "DATE", "records that end then (a day, or RFC 3339)"},
			{OPTION_PUBLISH, "publish", 0, NULL,
			 "publish what is missing, through --dns; nothing is removed"},
			{OPTION_DNS, "dns", 0, "PROVIDER", "the DNS provider to publish through"},
			{OPTION_CREDENTIALS, "credentials", 0, "FILE", "the DNS provider's credentials"},
			{OPTION_EMAIL, "email", 0, "ADDRESS", "contact for the CA"},
			{OPTION_AGREE_TOS, "agree-tos", 0, NULL, "agree to the CA's terms of service"},
			{0},
		},
	.run = run,
};

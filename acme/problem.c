/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problem documents into errors. What the CA said is kept whole and never rewritten: its detail often holds the one
 * link or time that helps. What a type means for us stands in one table.
 */
#include "acme/problem.h"

#include "acme/link.h"
#include "acme/url.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#include <string.h>

enum {
	BODY_SHOWN = 200, /* bytes of a body that is no problem document */
	TOO_MANY_REQUESTS = 429,
	SERVICE_UNAVAILABLE = 503,
};

/* RFC 8555 §6.7, RFC 9773 §7.4, the profiles draft, and what CAs use without a document. */
static const struct acme_problem_advice advice_table[] = {
	{"accountDoesNotExist", false,
	 "the CA does not know this account: check that it belongs to this CA (staging and production accounts are "
	 "separate); `certferry account register` makes a new one"},
	{"agreementRequired", false, "agree to the CA's terms of service: --agree-tos"},
	{"alreadyReplaced", false, "the certificate to be replaced has been replaced by another order already"},
	{"alreadyRevoked", false, "the certificate is revoked already: nothing is left to do"},
	{"badCSR", false, "the CA does not take this certificate request: try another key type, or fewer names"},
	{"badNonce", true, NULL},
	{"badPublicKey", false, "the CA does not take this key: choose another key type"},
	{"badRevocationReason", false, "choose another reason, or none"},
	{"badSignatureAlgorithm", false,
	 "the CA does not take this account key's algorithm: choose another with --key-type of `certferry account "
	 "register`"},
	{"caa", false,
	 "a CAA record forbids this CA to issue for the name: add one that names it, or remove the one that does not"},
	{"compound", false, NULL},
	{"conflict", true, "the CA is busy with the same thing from an earlier request: wait a little and run again"},
	{"connection", true,
	 "the CA could not reach the server: check that the name's A and AAAA records lead here and that the firewall "
	 "lets the challenge's port in (80 for http-01, 443 for tls-alpn-01)"},
	{"dns", true,
	 "the CA could not look the name up: check that it exists and that all its name servers answer (DNSSEC too)"},
	{"externalAccountRequired", false,
	 "this CA needs external account credentials: take the key id and HMAC key from its website and give them as "
	 "eab: {kid, hmac_key}, or with --eab-kid and --eab-hmac-key-file"},
	{"incorrectResponse", true,
	 "the CA got another answer than the expected one: check that nothing in front of the server (redirect, proxy, "
	 "other host) answers in its place"},
	{"invalidContact", false, "correct the e-mail address"},
	{"invalidProfile", false, "the CA does not offer this profile for these names: choose another, or none"},
	{"malformed", false, NULL},
	{"orderNotReady", true, NULL},
	{"rateLimited", true, "wait until the time given; a link in the CA's words may lift the limit or explain it"},
	{"rejectedIdentifier", false, "the CA will not issue for this name: remove it, or use another CA"},
	{"serverInternal", true, "the CA has a problem of its own: run again later, and see the CA's status page"},
	{"tls", true, "the CA could not talk TLS to the server: check what answers on port 443"},
	{"unauthorized", false,
	 "the CA found the wrong answer for the challenge, or this account may not do that: check that the name leads "
	 "to "
	 "where the challenge was published"},
	{"unsupportedContact", false, "use an e-mail address as contact, or none"},
	{"unsupportedIdentifier", false, "this CA does not issue for this kind of name: remove it, or use another CA"},
	{"userActionRequired", false, NULL /* made from the links in the answer */},
};

static const char *const urn_prefixes[] = {"urn:ietf:params:acme:error:", "urn:acme:error:"};

/* The last part of an ACME error URN; NULL for any other URI. */
static const char *urn_name(const char *urn)
{
	size_t len = urn != NULL ? strlen(urn) : 0;
	for (size_t i = 0; i < ARRAY_LEN(urn_prefixes); i++) {
		size_t prefix = strlen(urn_prefixes[i]);
		if (len > prefix && memcmp(urn, urn_prefixes[i], prefix) == 0)
			return urn + prefix;
	}
	return NULL;
}

const struct acme_problem_advice *acme_problem_advice(const char *urn)
{
	const char *name = urn_name(urn);
	for (size_t i = 0; name != NULL && i < ARRAY_LEN(advice_table); i++)
		if (strcmp(advice_table[i].type, name) == 0)
			return &advice_table[i];
	return NULL;
}

bool acme_problem_is(const char *urn, const char *name)
{
	return str_equal(urn_name(urn), name);
}

/* A member for display: what is missing or of the wrong type is "". Borrowed. */
static const char *text_member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "";
}

/* Append the detail, or else the title; on a line of its own. */
static void append_words(struct buf *out, const char *name, const char *words)
{
	if (str_is_empty(words))
		return;
	if (out->len > 0)
		buf_char(out, '\n');
	if (!str_is_empty(name)) {
		buf_str(out, name);
		buf_str(out, ": ");
	}
	buf_str(out, words);
}

static const char *problem_words(const json_t *problem)
{
	const char *detail = text_member(problem, "detail");
	return *detail != '\0' ? detail : text_member(problem, "title");
}

/*
 * The CA's words into ERR->said: detail, each subproblem with its identifier (RFC 8555 §6.7.1), and the instance. What
 * does not fit any more is left out; the detail comes first.
 */
static void keep_words(const json_t *problem, struct error *err)
{
	CLEANUP(buf_done) struct buf said;
	size_t i;
	json_t *sub;
	buf_init(&said, (size_t)4 * LIMIT_JSON_BODY);

	append_words(&said, NULL, problem_words(problem));
	json_array_foreach(json_object_get(problem, "subproblems"), i, sub)
	{
		const json_t *identifier = json_object_get(sub, "identifier");
		const char *words = problem_words(sub);
		append_words(&said, text_member(identifier, "value"),
			     *words != '\0' ? words : text_member(sub, "type"));
		error_part(err, text_member(identifier, "value"), text_member(sub, "type"), words);
	}
	append_words(&said, "see", text_member(problem, "instance"));
	error_said(err, buf_cstr(&said), said.len);
}

/* Type, transience, words and advice of PROBLEM into ERR, which is set already. */
static void keep_problem(const json_t *problem, struct error *err)
{
	const char *type = text_member(problem, "type");
	const json_t *subproblems = json_object_get(problem, "subproblems");

	/* RFC 7807 §4.2: about:blank says no more than the status. A compound is what its parts are. */
	if (*type != '\0' && strcmp(type, "about:blank") != 0)
		error_type(err, type);
	const struct acme_problem_advice *advice = acme_problem_advice(type);
	if (acme_problem_is(type, "compound"))
		advice = acme_problem_advice(text_member(json_array_get(subproblems, 0), "type"));
	if (advice != NULL) {
		err->transient = advice->transient;
		if (advice->hint != NULL)
			error_hint(err, "%s", advice->hint);
	}
	keep_words(problem, err);
}

/* §7.3.3: the operator must act at the instance's page, usually about new terms. */
static void hint_user_action(const json_t *problem, const struct http_response *response, struct error *err)
{
	char instance[ERROR_TEXT_MAX / 3], terms[ERROR_TEXT_MAX / 3];
	size_t terms_len = 0;
	const char *link = link_find(response, "terms-of-service", 0, &terms_len);
	const char *page = text_member(problem, "instance");

	escape_str(instance, sizeof(instance), *page != '\0' ? page : "the CA's website");
	if (link == NULL) {
		error_hint(err, "do what %s asks for, then run again", instance);
		return;
	}
	escape_text(terms, sizeof(terms), link, terms_len, /* keep_lines= */ false);
	error_hint(err, "the CA's terms have changed: read %s, agree at %s, then run again", terms, instance);
}

/* The problem document in RESPONSE, or NULL: HTML, nothing, or JSON that is no object. New reference. */
static json_t *read_problem(const struct http_response *response)
{
	struct error ignored = {0};
	json_t *problem = NULL;
	if (http_response_is(response, "application/problem+json") || http_response_is(response, "application/json"))
		problem = json_read(buf_cstr(&response->body), response->body.len, "problem document", &ignored);
	if (problem != NULL && !json_is_object(problem)) {
		json_decref(problem);
		problem = NULL;
	}
	return problem;
}

/* §6.2: what the CA takes instead. */
static void hint_algorithms(const json_t *problem, struct error *err)
{
	char safe[ERROR_NAME_MAX];
	size_t i;
	json_t *item;
	CLEANUP(buf_done) struct buf list;
	buf_init(&list, LIMIT_JSON_BODY);

	json_array_foreach(json_object_get(problem, "algorithms"), i, item)
	{
		if (json_is_string(item))
			buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", json_string_value(item));
	}
	if (list.len == 0)
		return;
	error_hint(err,
		   "the CA takes account keys that sign with %s: choose one with --key-type of `certferry account "
		   "register` (ecdsa-p256 signs with ES256, ecdsa-p384 with ES384, rsa-2048 with RS256)",
		   escape_str(safe, sizeof(safe), buf_cstr(&list)));
}

bool acme_problem_algorithms(const struct http_response *response, struct str_list *ret, struct error *err)
{
	AUTO_JSON json_t *problem = read_problem(response);
	size_t i;
	json_t *item;
	if (!acme_problem_is(text_member(problem, "type"), "badSignatureAlgorithm"))
		return true;
	json_array_foreach(json_object_get(problem, "algorithms"), i, item)
	{
		if (json_is_string(item) && !str_list_add_once(ret, json_string_value(item), err))
			return false;
	}
	return true;
}

/* §6.6: a page that explains the limit, where the CA names one. */
static void hint_limit(const struct http_response *response, struct error *err)
{
	char page[ERROR_TEXT_MAX / 2];
	size_t len = 0;
	const char *link = link_find(response, "help", 0, &len);
	if (response->status == TOO_MANY_REQUESTS && link != NULL && len < sizeof(page))
		error_hint(err, "wait until the time given; the CA explains the limit at %s",
			   escape_text(page, sizeof(page), link, len, /* keep_lines= */ false));
}

/* RFC 9110 §10.2.3, RFC 8555 §6.6; clamped, so that a CA cannot stop us for good. */
static void keep_retry_after(const struct http_response *response, int64_t now, struct error *err)
{
	const char *header = http_response_header(response, "Retry-After", 0);
	bool rate = response->status == TOO_MANY_REQUESTS || response->status == SERVICE_UNAVAILABLE;
	int64_t longest = rate ? LIMIT_RETRY_AFTER_RATE : LIMIT_RETRY_AFTER_FAILURE;
	int64_t seconds = 0;

	if (header == NULL || !retry_after_parse(header, now, &seconds) || seconds == 0)
		return;
	err->retry_at = now + (seconds < longest ? seconds : longest);
}

bool acme_problem_from_response(const struct http_response *response, const char *url, const char *step, int64_t now,
				struct error *err)
{
	AUTO_JSON json_t *problem = read_problem(response);
	struct acme_url parsed = {0};
	struct error ignored = {0};
	const char *host = acme_url_parse(url, &parsed, &ignored) ? parsed.host : "the CA";

	if (error_is_set(err))
		return false;
	(void)error_set(err, ERROR_CA, step, "%s answered with HTTP status %ld", host, response->status);
	err->http_status = response->status;
	err->transient = response->status >= 500 || response->status == TOO_MANY_REQUESTS;
	keep_retry_after(response, now, err);
	hint_limit(response, err);
	if (problem == NULL) {
		size_t shown = response->body.len < BODY_SHOWN ? response->body.len : BODY_SHOWN;
		error_said(err, buf_cstr(&response->body), shown);
		if (err->transient)
			error_hint(err, "the CA, or a proxy in front of it, has a problem of its own: run again later");
		return false;
	}
	if (acme_problem_is(text_member(problem, "type"), "userActionRequired"))
		hint_user_action(problem, response, err);
	if (acme_problem_is(text_member(problem, "type"), "badSignatureAlgorithm"))
		hint_algorithms(problem, err);
	keep_problem(problem, err);
	return false;
}

bool acme_problem_from_json(const json_t *problem, const char *step, const char *sentence, struct error *err)
{
	if (error_is_set(err))
		return false;
	(void)error_set(err, ERROR_CA, step, "%s", sentence);
	keep_problem(problem, err);
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of dns-persist-01: what the CA offers, what must stand, whether it does. What differs between the drafts is
 * in the table of forms and nowhere else.
 */
#include "acme/persist.h"

#include "acme/issue_value.h"
#include "acme/jwk.h"
#include "acme/session.h"
#include "base/base64url.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

enum { TXT_STRING_MAX = 255 };

/* The record's account: one URI, or several that are as good. */
typedef bool set_account(const struct persist_account *account, const char *domain, struct str_list *ret,
			 struct error *err);

/* -00, -01: the account's URL. */
static bool plain_account(const struct persist_account *account, const char *domain, struct str_list *ret,
			  struct error *err)
{
	(void)domain;
	return str_list_add(ret, account->url, err);
}

/* -02 §4.1: a digest over the domain, the key and the account. */
static bool add_hashed(const struct persist_account *account, const char *domain, struct str_list *ret,
		       struct error *err)
{
	unsigned char digest[SHA256_SIZE];
	CLEANUP(buf_done) struct buf input, uri;
	buf_init(&input, LIMIT_ISSUE_VALUE);
	buf_init(&uri, LIMIT_ISSUE_VALUE);

	buf_u8(&input, (uint8_t)strlen(domain));
	buf_str(&input, domain);
	buf_str(&input, account->thumbprint);
	buf_str(&input, account->url);
	if (!buf_check(&input, "account hash", err) || !sha256_digest(input.data, input.len, digest, err))
		return false;
	buf_printf(&uri, "%ssha-256/", account->hash_prefix);
	base64url_encode(&uri, digest, sizeof(digest));
	return buf_check(&uri, "account hash", err) && str_list_add(ret, buf_cstr(&uri), err);
}

/* -02: the domain's own digest, or the one that is shared between domains. */
static bool hashed_account(const struct persist_account *account, const char *domain, struct str_list *ret,
			   struct error *err)
{
	if (account->hash_prefix == NULL) {
		(void)error_set(err, ERROR_CA, NULL,
				"the CA offers dns-persist-01, but its directory does not say how the account is "
				"named (accountHashPrefix)");
		error_hint(err, "choose another challenge type");
		return false;
	}
	return add_hashed(account, domain, ret, err) && add_hashed(account, "*", ret, err);
}

static const struct form {
	const char *name;
	const char *list; /* the challenge's member with the issuers' names */
	bool names_account;
	set_account *account;
} forms[] = {
	[PERSIST_FORM_00] = {"-00", "issuer-domain-names", false, plain_account},
	[PERSIST_FORM_01] = {"-01", "issuer-domain-names", true, plain_account},
	[PERSIST_FORM_02] = {"-02", "issuerDomainNames", false, hashed_account},
};

const char *persist_form_name(enum persist_form form)
{
	return forms[form].name;
}

/* --- What the CA offers --- */

static bool malformed(struct error *err, const char *what)
{
	return error_set(err, ERROR_DATA, NULL, "%s", what);
}

static bool read_issuers(const json_t *list, struct str_list *ret, struct error *err)
{
	size_t count = json_array_size(list);
	if (count == 0 || count > LIMIT_PERSIST_ISSUERS)
		return malformed(err, "its list of issuer names has not one to ten entries");
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		if (name == NULL || !issuer_name_is_valid(name))
			return malformed(err, "an issuer name in it is no lower-case domain name");
		if (!str_list_add_once(ret, name, err))
			return false;
	}
	return true;
}

bool persist_offer_parse(const json_t *challenge, struct persist_offer *ret, struct error *err)
{
	CLEANUP(persist_offer_done) struct persist_offer offer = {.form = PERSIST_FORM_02};
	const json_t *list = NULL;
	const char *account_uri = NULL;

	if (!json_opt_array(challenge, forms[PERSIST_FORM_02].list, &list, err))
		return false;
	if (list == NULL) {
		if (!json_opt_array(challenge, forms[PERSIST_FORM_01].list, &list, err) ||
		    !json_opt_str(challenge, "accounturi", LIMIT_URL, &account_uri, err))
			return false;
		offer.form = account_uri != NULL ? PERSIST_FORM_01 : PERSIST_FORM_00;
	}
	if (!read_issuers(list, &offer.issuers, err) || !str_set(&offer.account_uri, account_uri, err))
		return false;
	*ret = offer;
	offer = (struct persist_offer){0};
	return true;
}

void persist_offer_done(struct persist_offer *offer)
{
	if (offer == NULL)
		return;
	str_list_done(&offer->issuers);
	free(offer->account_uri);
	*offer = (struct persist_offer){0};
}

bool persist_offer_from_directory(const struct acme_directory *directory, struct persist_offer *ret, bool *ret_found,
				  struct error *err)
{
	CLEANUP(persist_offer_done) struct persist_offer offer = {.form = PERSIST_FORM_02};
	bool found = directory->issuer_names.len > 0 && directory->account_hash_prefix != NULL;

	if (found && !str_list_copy(&offer.issuers, &directory->issuer_names, err))
		return false;
	*ret_found = found;
	*ret = offer;
	offer = (struct persist_offer){0};
	return true;
}

/* Whether WHOLE has all of PART; *RET_MISSING is the first that it has not. */
static bool has_all(const struct str_list *whole, const struct str_list *part, const char **ret_missing)
{
	for (size_t i = 0; i < part->len; i++)
		if (!str_list_has(whole, part->items[i])) {
			*ret_missing = part->items[i];
			return false;
		}
	return true;
}

bool persist_offer_check(const struct persist_offer *offer, const struct acme_directory *directory, struct error *err)
{
	const char *missing = NULL;

	if (offer->form != PERSIST_FORM_02)
		return true;
	if (!has_all(&offer->issuers, &directory->issuer_names, &missing))
		return error_set(err, ERROR_CA, NULL,
				 "the CA's dns-persist-01 challenge leaves out the issuer %s of the CA's directory",
				 missing);
	if (directory->caa_identities.len > 0 && !has_all(&directory->caa_identities, &offer->issuers, &missing))
		return error_set(err, ERROR_CA, NULL,
				 "the CA's dns-persist-01 challenge names the issuer %s, which is none of the CA's "
				 "caaIdentities",
				 missing);
	return true;
}

/* --- What must stand --- */

/* Substitution: who can change a challenge on its way, or the CA itself, could have us vouch for another account. */
static bool check_account(const struct persist_offer *offer, const struct persist_account *account, const char *name,
			  struct error *err)
{
	char shown[ERROR_NAME_MAX];
	if (!forms[offer->form].names_account || str_equal(offer->account_uri, account->url))
		return true;
	(void)error_set(err, ERROR_CA, NULL,
			"the CA's dns-persist-01 challenge for %s names the account %s, which is not ours (%s)", name,
			escape_str(shown, sizeof(shown), offer->account_uri), account->url);
	error_hint(err, "a record that names it would let that account have certificates for the name: publish none");
	return false;
}

bool persist_expect(const struct persist_offer *offer, const struct persist_account *account,
		    const struct identifier *identifier, struct persist_expectation *ret, struct error *err)
{
	CLEANUP(persist_expectation_done)
	struct persist_expectation expectation = {
		.form = offer->form,
		.wildcard = identifier_is_wildcard(identifier),
	};
	const char *base = identifier_base(identifier);

	if (identifier->type != IDENTIFIER_DNS)
		return error_set(err, ERROR_CA, NULL, "%s is an address, which dns-persist-01 cannot prove", base);
	(void)snprintf(expectation.name, sizeof(expectation.name), "_validation-persist.%s", base);
	if (!check_account(offer, account, identifier->value, err) ||
	    !str_list_copy(&expectation.issuers, &offer->issuers, err) ||
	    !forms[offer->form].account(account, base, &expectation.account_uris, err))
		return false;
	*ret = expectation;
	expectation = (struct persist_expectation){0};
	return true;
}

void persist_expectation_done(struct persist_expectation *expectation)
{
	if (expectation == NULL)
		return;
	str_list_done(&expectation->issuers);
	str_list_done(&expectation->account_uris);
	*expectation = (struct persist_expectation){0};
}

bool persist_record(const struct persist_expectation *expectation, int64_t until, struct buf *ret, struct error *err)
{
	const char *account_uri = expectation->account_uris.items[0];
	if (!issue_value_is_valid(account_uri))
		return error_set(err, ERROR_CA, NULL, "the account's URL has characters that no record can hold");
	buf_printf(ret, "%s; accounturi=%s", expectation->issuers.items[0], account_uri);
	if (expectation->wildcard)
		buf_str(ret, "; policy=wildcard");
	if (until != 0)
		buf_printf(ret, "; persistUntil=%lld", (long long)until);
	return buf_check(ret, "dns-persist-01 record", err);
}

/* --- What stands --- */

/* "12": seconds since 1970. */
static bool read_until(const char *text, int64_t *ret, struct error *err)
{
	uint64_t until = 0;
	if (text == NULL)
		return true;
	/* 0 would say "without end" to our own code. */
	if (!parse_u64(text, strlen(text), INT64_MAX, &until))
		return malformed(err, "its persistUntil is no number of seconds");
	*ret = until > 0 ? (int64_t)until : 1;
	return true;
}

bool persist_record_parse(const char *text, size_t len, struct persist_record *ret, struct error *err)
{
	static const char *const once[] = {"accounturi", "policy", "persistuntil"};
	CLEANUP(issue_value_done) struct issue_value value = {0};
	CLEANUP(persist_record_done) struct persist_record record = {0};

	if (!issue_value_parse(text, len, &value, err))
		return false;
	for (size_t i = 0; i < value.count; i++) {
		size_t count = 0;
		(void)issue_value_get(&value, value.parameters[i].tag, &count);
		if (count > 1)
			return malformed(err, "a parameter is repeated");
	}
	const char *account_uri = issue_value_get(&value, once[0], NULL);
	const char *policy = issue_value_get(&value, once[1], NULL);
	if (value.issuer[0] != '\0' && str_is_empty(account_uri))
		return malformed(err, "it has no accounturi");
	record.wildcard = policy != NULL && str_equal_nocase(policy, "wildcard");
	if (!read_until(issue_value_get(&value, once[2], NULL), &record.until, err) ||
	    !str_set(&record.issuer, value.issuer, err) ||
	    !str_set(&record.account_uri, account_uri != NULL ? account_uri : "", err))
		return false;
	*ret = record;
	record = (struct persist_record){0};
	return true;
}

void persist_record_done(struct persist_record *record)
{
	free(record->issuer);
	free(record->account_uri);
	*record = (struct persist_record){0};
}

static bool is_for_us(const struct persist_expectation *expectation, const char *value)
{
	for (size_t i = 0; i < expectation->issuers.len; i++)
		if (issue_value_names(value, strlen(value), expectation->issuers.items[i]))
			return true;
	return false;
}

/* One record that names an issuer of ours. */
static bool judge_one(const struct persist_expectation *expectation, const char *value, int64_t now,
		      struct persist_finding *ret, struct error *err)
{
	CLEANUP(persist_record_done) struct persist_record record = {0};
	struct error reason = {0};

	*ret = (struct persist_finding){.verdict = PERSIST_MALFORMED};
	if (!persist_record_parse(value, strlen(value), &record, &reason)) {
		if (reason.category != ERROR_DATA) {
			*err = reason;
			return false;
		}
		escape_str(ret->text, sizeof(ret->text), reason.message);
		return true;
	}
	ret->until = record.until;
	if (!str_list_has(&expectation->account_uris, record.account_uri)) {
		ret->verdict = PERSIST_OTHER_ACCOUNT;
		escape_str(ret->text, sizeof(ret->text), record.account_uri);
	} else if (record.until != 0 && record.until <= now) {
		ret->verdict = PERSIST_EXPIRED;
	} else if (expectation->wildcard && !record.wildcard) {
		ret->verdict = PERSIST_NO_WILDCARD;
	} else {
		ret->verdict = PERSIST_FITS;
	}
	return true;
}

static bool is_better(const struct persist_finding *a, const struct persist_finding *b)
{
	if (a->verdict != b->verdict)
		return a->verdict < b->verdict;
	return b->until != 0 && (a->until == 0 || a->until > b->until);
}

bool persist_judge(const struct persist_expectation *expectation, const struct str_list *values, int64_t now,
		   struct persist_finding *ret, struct error *err)
{
	struct persist_finding best = {.verdict = PERSIST_ABSENT}, finding;
	for (size_t i = 0; i < values->len; i++) {
		if (!is_for_us(expectation, values->items[i]))
			continue;
		if (!judge_one(expectation, values->items[i], now, &finding, err))
			return false;
		if (is_better(&finding, &best))
			best = finding;
	}
	*ret = best;
	return true;
}

void persist_describe(const struct persist_finding *finding, enum persist_form form, struct buf *out)
{
	char when[RFC3339_SIZE];
	switch (finding->verdict) {
	case PERSIST_FITS:
		buf_str(out, "is there");
		if (finding->until != 0)
			buf_printf(out, " and ends at %s", rfc3339_format(finding->until, when));
		return;
	case PERSIST_NO_WILDCARD:
		buf_str(out, "does not cover wildcards (policy=wildcard)");
		return;
	case PERSIST_EXPIRED:
		buf_printf(out, "has ended at %s", rfc3339_format(finding->until, when));
		return;
	case PERSIST_OTHER_ACCOUNT:
		buf_printf(out, "names another account%s: %s",
			   form == PERSIST_FORM_02 ? ", or this one with an earlier key" : "", finding->text);
		return;
	case PERSIST_MALFORMED:
		buf_printf(out, "is malformed: %s", finding->text);
		return;
	case PERSIST_ABSENT:
		buf_str(out, "is missing");
		return;
	}
}

void persist_zone_line(const char *name, const char *value, struct buf *out)
{
	size_t len = strlen(value);
	buf_printf(out, "%s. IN TXT", name);
	for (size_t i = 0; i < len; i++) {
		if (i % TXT_STRING_MAX == 0)
			buf_str(out, i == 0 ? " \"" : "\" \"");
		if (value[i] == '"' || value[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, value[i]);
	}
	buf_char(out, '"');
}

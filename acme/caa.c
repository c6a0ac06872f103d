/* SPDX-License-Identifier: Apache-2.0 */
/* Judges CAA sets. What cannot be understood names nobody: a CA reads it so as well. */
#include "acme/caa.h"

#include "acme/issue_value.h"
#include "base/escape.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

enum { CRITICAL = 128, FLAGS_MAX = 255 };

/* A record taken apart; borrowed from its text. */
struct property {
	uint64_t flags;
	const char *tag;
	size_t tag_len;
	const char *value;
};

static bool split(const char *text, struct property *ret)
{
	const char *tag = strchr(text, ' ');
	const char *value = tag != NULL ? strchr(tag + 1, ' ') : NULL;
	if (value == NULL || !parse_u64(text, (size_t)(tag - text), FLAGS_MAX, &ret->flags))
		return false;
	ret->tag = tag + 1;
	ret->tag_len = (size_t)(value - ret->tag);
	ret->value = value + 1;
	return true;
}

static bool has_tag(const struct property *property, const char *tag)
{
	return property->tag_len == strlen(tag) && memcmp(property->tag, tag, property->tag_len) == 0;
}

/* Registered at IANA. A CA that takes part in this knows those it has to act on. */
static bool is_known(const struct property *property)
{
	static const char *const tags[] = {"issue",        "issuewild",    "iodef",    "issuemail",
					   "contactemail", "contactphone", "issuevmc", "security"};
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (has_tag(property, tags[i]))
			return true;
	return false;
}

/* How far a record that is for the CA comes. The order is from far to near. */
enum stand { STAND_NONE, STAND_NAMED, STAND_ACCOUNT, STAND_ALLOWS };

struct judging {
	const struct caa_question *question;
	struct caa_finding *finding;
	enum stand best;
	bool wants_account, wants_method; /* of records that name the CA */
};

/* RFC 8657 §3: one accounturi, ours; two are as good as a foreign one. */
static bool fits_account(struct judging *judging, const struct issue_value *value, char reason[ERROR_NAME_MAX])
{
	char shown[ERROR_NAME_MAX / 2];
	size_t count = 0;
	const char *uri = issue_value_get(value, "accounturi", &count);

	judging->wants_account = judging->wants_account || count > 0;
	if (count == 0 || (count == 1 && str_equal(uri, judging->question->account_url)))
		return true;
	if (count > 1)
		(void)snprintf(reason, ERROR_NAME_MAX,
			       "its record for this CA gives two accounts, which counts as none");
	else
		(void)snprintf(reason, ERROR_NAME_MAX, "its record for this CA is for another account: %s",
			       escape_str(shown, sizeof(shown), uri));
	return false;
}

/* RFC 8657 §4: labels with commas between them; an empty list forbids all. */
static bool lists_method(const char *list, const char *method)
{
	size_t len = strlen(method);
	for (;;) {
		size_t piece = strcspn(list, ",");
		if (piece == len && strncmp(list, method, len) == 0)
			return true;
		if (list[piece] == '\0')
			return false;
		list += piece + 1;
	}
}

static bool fits_method(struct judging *judging, const struct issue_value *value, char reason[ERROR_NAME_MAX])
{
	const char *method = challenge_type_name(judging->question->method);
	char shown[ERROR_NAME_MAX / 2];
	size_t count = 0;
	const char *list = issue_value_get(value, "validationmethods", &count);

	judging->wants_method = judging->wants_method || count > 0;
	if (count == 0 || (count == 1 && lists_method(list, method)))
		return true;
	(void)snprintf(reason, ERROR_NAME_MAX, "its record for this CA does not allow %s, only: %s", method,
		       *list != '\0' ? escape_str(shown, sizeof(shown), list) : "nothing");
	return false;
}

static bool names_ca(const struct caa_question *question, const struct issue_value *value)
{
	for (size_t i = 0; i < question->identities->len; i++)
		if (str_equal_nocase(value->issuer, question->identities->items[i]))
			return true;
	return false;
}

static bool judge_value(struct judging *judging, const char *text, struct error *err)
{
	CLEANUP(issue_value_done) struct issue_value value = {0};
	struct error refused = {0};
	char reason[ERROR_NAME_MAX] = "";
	enum stand stand = STAND_NAMED;

	if (!issue_value_parse(text, strlen(text), &value, &refused)) {
		if (refused.category == ERROR_DATA)
			return true;
		*err = refused;
		return false;
	}
	if (!names_ca(judging->question, &value))
		return true;
	if (fits_account(judging, &value, reason))
		stand = fits_method(judging, &value, reason) ? STAND_ALLOWS : STAND_ACCOUNT;
	if (stand > judging->best) {
		judging->best = stand;
		memcpy(judging->finding->reason, reason, sizeof(reason));
	}
	return true;
}

/* RFC 8659 §4.2, §4.3: for a wildcard `issuewild` alone where there is one, else `issue`. */
static const char *relevant_tag(const struct str_list *records, bool wildcard)
{
	struct property property;
	for (size_t i = 0; wildcard && i < records->len; i++)
		if (split(records->items[i], &property) && has_tag(&property, "issuewild"))
			return "issuewild";
	return "issue";
}

static void note_critical(const struct property *property, struct caa_finding *finding)
{
	if ((property->flags & CRITICAL) != 0 && !is_known(property) && finding->critical[0] == '\0')
		(void)escape_text(finding->critical, sizeof(finding->critical), property->tag, property->tag_len,
				  /* keep_lines= */ false);
}

bool caa_judge(const struct str_list *records, const struct caa_question *question, struct caa_finding *ret,
	       struct error *err)
{
	struct caa_finding finding = {0};
	struct judging judging = {.question = question, .finding = &finding};
	const char *tag = relevant_tag(records, question->wildcard);
	size_t relevant = 0;

	for (size_t i = 0; i < records->len; i++) {
		struct property property;
		if (!split(records->items[i], &property))
			continue;
		note_critical(&property, &finding);
		if (!has_tag(&property, tag))
			continue;
		relevant++;
		if (!judge_value(&judging, property.value, err))
			return false;
	}
	finding.allowed = relevant == 0 || judging.best == STAND_ALLOWS;
	if (!finding.allowed && judging.best == STAND_NONE)
		(void)snprintf(finding.reason, sizeof(finding.reason), "its records do not name this CA (%s)",
			       question->identities->items[0]);
	if (!finding.allowed) {
		CLEANUP(buf_done) struct buf fix;
		buf_init(&fix, sizeof(finding.fix) - 1);
		caa_property(question->identities->items[0], judging.wants_account ? question->account_url : NULL,
			     judging.wants_method ? question->method : CHALLENGE_UNKNOWN, str_equal(tag, "issuewild"),
			     &fix);
		escape_str(finding.fix, sizeof(finding.fix), buf_cstr(&fix));
	}
	*ret = finding;
	return true;
}

void caa_property(const char *identity, const char *account_url, enum challenge_type method, bool wildcard,
		  struct buf *out)
{
	buf_printf(out, "0 %s \"%s", wildcard ? "issuewild" : "issue", identity);
	if (account_url != NULL)
		buf_printf(out, "; accounturi=%s", account_url);
	if (method != CHALLENGE_UNKNOWN)
		buf_printf(out, "; validationmethods=%s", challenge_type_name(method));
	buf_char(out, '"');
}

void caa_show(const struct str_list *records, struct buf *out)
{
	char tag[ERROR_NAME_MAX], value[ERROR_NAME_MAX * 2];
	for (size_t i = 0; i < records->len; i++) {
		struct property property;
		if (!split(records->items[i], &property))
			continue;
		escape_text(tag, sizeof(tag), property.tag, property.tag_len, /* keep_lines= */ false);
		buf_printf(out, "%s%u %s \"%s\"", i > 0 ? ", " : "", (unsigned)property.flags, tag,
			   escape_str(value, sizeof(value), property.value));
	}
}

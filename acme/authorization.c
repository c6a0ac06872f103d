/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorizations. CAs shuffle the challenges and invent new types, so a challenge is chosen by its type's name and the
 * rest is passed over.
 */
#include "acme/authorization.h"

#include "acme/problem.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#include <string.h>

static const char *const status_names[] = {
	[AUTHORIZATION_PENDING] = "pending",           [AUTHORIZATION_VALID] = "valid",
	[AUTHORIZATION_INVALID] = "invalid",           [AUTHORIZATION_DEACTIVATED] = "deactivated",
	[AUTHORIZATION_EXPIRED] = "expired",           [AUTHORIZATION_REVOKED] = "revoked",
	[AUTHORIZATION_OTHER] = "in an unknown state",
};

const char *authorization_status_name(enum authorization_status status)
{
	return status_names[status];
}

static enum authorization_status parse_status(const char *text)
{
	for (size_t i = 0; i < AUTHORIZATION_OTHER; i++)
		if (strcmp(status_names[i], text) == 0)
			return (enum authorization_status)i;
	return AUTHORIZATION_OTHER;
}

/* §7.1.4: a wildcard's authorization shows the base name, and `wildcard` true. */
static bool parse_identifier(const json_t *object, bool wildcard, struct identifier *ret, struct error *err)
{
	const char *type = NULL, *value = NULL;
	if (!json_need_str(object, "type", IDENTIFIER_MAX, &type, err) ||
	    !json_need_str(object, "value", IDENTIFIER_MAX, &value, err))
		return false;
	AUTO_FREE char *name = str_format(err, "%s%s", wildcard && !str_starts(value, "*.") ? "*." : "", value);
	if (name == NULL)
		return false;
	if (!identifier_parse(name, ret, err) || strcmp(type, identifier_type_name(ret->type)) != 0) {
		error_clear(err); /* identifier_parse() blames the user */
		return error_set(err, ERROR_DATA, NULL, "authorization is for something that is no name of ours");
	}
	return true;
}

static bool parse_challenges(const json_t *list, struct authorization *authorization, struct error *err)
{
	size_t count = json_array_size(list);
	if (count == 0)
		return true;
	authorization->challenges = calloc(count, sizeof(*authorization->challenges));
	if (authorization->challenges == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		struct challenge *challenge = &authorization->challenges[authorization->challenge_count];
		if (!challenge_from_json(json_array_get(list, i), challenge, err))
			return false;
		authorization->challenge_count++;
	}
	return true;
}

static bool parse_members(const json_t *root, struct authorization *authorization, struct error *err)
{
	const char *status = NULL;
	const json_t *identifier = NULL, *challenges = NULL;
	bool wildcard = false;

	if (!json_need_str(root, "status", 64, &status, err) || !json_opt_bool(root, "wildcard", &wildcard, err) ||
	    !json_opt_object(root, "identifier", &identifier, err) ||
	    !json_opt_array(root, "challenges", &challenges, err))
		return false;
	if (identifier == NULL)
		return error_set(err, ERROR_DATA, NULL, "authorization names no identifier");
	authorization->status = parse_status(status);
	return parse_identifier(identifier, wildcard, &authorization->identifier, err) &&
	       parse_challenges(challenges, authorization, err);
}

bool authorization_parse(const char *text, size_t len, struct authorization *ret, struct error *err)
{
	AUTO_JSON json_t *root = json_read(text, len, "authorization", err);
	CLEANUP(authorization_done) struct authorization authorization = {0};

	if (root == NULL || !parse_members(root, &authorization, err))
		return false;
	*ret = authorization;
	authorization = (struct authorization){0};
	return true;
}

/* Whether the INDEX-th challenge is the first of its type's name: some CAs repeat one. */
static bool is_first(const struct authorization *authorization, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (str_equal(authorization->challenges[i].type_name, authorization->challenges[index].type_name))
			return false;
	return true;
}

/* The types on offer, for a person: "http-01, tls-alpn-01". */
static void list_offers(const struct authorization *authorization, struct buf *out)
{
	for (size_t i = 0; i < authorization->challenge_count; i++)
		if (is_first(authorization, i))
			buf_printf(out, "%s%s", out->len > 0 ? ", " : "", authorization->challenges[i].type_name);
	if (out->len == 0)
		buf_str(out, "nothing");
}

/* What is on offer for this name and can be done here, by the words that ask for it. */
static void advise(const struct authorization *authorization, struct error *err)
{
	const bool wildcard = identifier_is_wildcard(&authorization->identifier);
	CLEANUP(buf_done) struct buf ways;
	buf_init(&ways, LIMIT_JSON_BODY);

	for (size_t i = 0; i < authorization->challenge_count; i++) {
		const struct challenge *challenge = &authorization->challenges[i];
		const char *usage = challenge_type_usage(challenge->type);
		bool dns = challenge_type_is_dns(challenge->type);
		bool fits = dns ? authorization->identifier.type == IDENTIFIER_DNS : !wildcard;
		if (usage != NULL && fits && is_first(authorization, i))
			buf_printf(&ways, "%s%s by %s", ways.len > 0 ? "; or " : "", challenge->type_name, usage);
	}
	if (ways.len > 0)
		error_hint(err, "for this name it would take %s", buf_cstr(&ways));
	else if (wildcard)
		error_hint(err, "wildcards need a DNS challenge: ask another CA, or list the names one by one");
	else
		error_hint(err, "none of these can be done by this version: ask another CA");
}

const struct challenge *authorization_choose(const struct authorization *authorization, enum challenge_type type,
					     struct error *err)
{
	const char *name = authorization->identifier.value;
	for (size_t i = 0; i < authorization->challenge_count; i++) {
		const struct challenge *challenge = &authorization->challenges[i];
		if (challenge->type != type)
			continue;
		if (challenge->malformed[0] != '\0') {
			(void)error_set(err, ERROR_CA, NULL, "the CA's %s challenge for %s is malformed: %s",
					challenge_type_name(type), name, challenge->malformed);
			return NULL;
		}
		if (challenge->url == NULL ||
		    (type != CHALLENGE_DNS_PERSIST_01 && !challenge_token_is_valid(challenge->token))) {
			(void)error_set(err, ERROR_CA, NULL, "the CA's %s challenge for %s has no usable url and token",
					challenge_type_name(type), name);
			return NULL;
		}
		return challenge;
	}
	CLEANUP(buf_done) struct buf offers;
	buf_init(&offers, LIMIT_JSON_BODY);
	list_offers(authorization, &offers);
	(void)error_set(err, ERROR_CA, NULL, "this CA does not offer %s for %s; it offers %s",
			challenge_type_name(type), name, buf_cstr(&offers));
	advise(authorization, err);
	return NULL;
}

void authorization_failures(const struct authorization *authorization, struct buf *said, struct error *err)
{
	for (size_t i = 0; i < authorization->challenge_count; i++) {
		const struct challenge *challenge = &authorization->challenges[i];
		if (challenge->error == NULL)
			continue;
		const char *words = challenge->error->said;
		buf_printf(said, "%s%s (%s): %s", said->len > 0 ? "\n" : "", authorization->identifier.value,
			   challenge->type_name, *words != '\0' ? words : challenge->error->type);
		if (!error_is_set(err))
			*err = *challenge->error;
	}
}

void authorization_parts(const struct authorization *authorization, struct error *err)
{
	const char *name = authorization->identifier.value;
	for (size_t i = 0; i < authorization->challenge_count; i++) {
		const struct error *failure = authorization->challenges[i].error;
		struct error_part part;
		size_t count = 0;
		if (failure == NULL)
			continue;
		while (acme_problem_is(failure->type, "compound") && error_part_at(failure, count, &part)) {
			error_part(err, part.identifier[0] != '\0' ? part.identifier : name, part.type, part.detail);
			count++;
		}
		if (count == 0)
			error_part(err, name, failure->type, failure->said);
	}
}

void authorization_done(struct authorization *authorization)
{
	for (size_t i = 0; i < authorization->challenge_count; i++)
		challenge_done(&authorization->challenges[i]);
	free(authorization->challenges);
	*authorization = (struct authorization){0};
}

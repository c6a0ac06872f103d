/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Challenges. The token is the one piece of a CA's answer that ends up in file names and DNS records, so it is checked
 * against its alphabet before anybody sees it.
 */
#include "acme/challenge.h"

#include "acme/dns_account.h"
#include "acme/jwk.h"
#include "acme/problem.h"
#include "acme/session.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {
	[CHALLENGE_STATUS_PENDING] = "pending",
	[CHALLENGE_STATUS_PROCESSING] = "processing",
	[CHALLENGE_STATUS_VALID] = "valid",
	[CHALLENGE_STATUS_INVALID] = "invalid",
};

static enum challenge_status parse_status(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(status_names); i++)
		if (strcmp(status_names[i], text) == 0)
			return (enum challenge_status)i;
	return CHALLENGE_STATUS_OTHER;
}

/* What is wrong with it matters only when this challenge is chosen. */
static bool parse_offer(const json_t *object, struct challenge *challenge, struct error *err)
{
	struct error reason = {0};
	if (challenge->type != CHALLENGE_DNS_PERSIST_01 || persist_offer_parse(object, &challenge->persist, &reason))
		return true;
	if (reason.category != ERROR_DATA) {
		*err = reason;
		return false;
	}
	escape_str(challenge->malformed, sizeof(challenge->malformed), reason.message);
	return true;
}

static bool parse_members(const json_t *object, struct challenge *challenge, struct error *err)
{
	const char *url = NULL, *token = NULL, *status = "pending";
	const json_t *problem = NULL;

	if (!json_opt_str(object, "status", 64, &status, err) || !json_opt_str(object, "url", LIMIT_URL, &url, err) ||
	    !json_opt_str(object, "token", LIMIT_JSON_STRING, &token, err) ||
	    !json_opt_object(object, "error", &problem, err))
		return false;
	challenge->status = parse_status(status);
	if (problem != NULL) {
		challenge->error = calloc(1, sizeof(*challenge->error));
		if (challenge->error == NULL)
			return error_oom(err);
		(void)acme_problem_from_json(problem, NULL, "the challenge failed", challenge->error);
	}
	return str_set(&challenge->url, url, err) && str_set(&challenge->token, token, err) &&
	       parse_offer(object, challenge, err);
}

bool challenge_from_json(const json_t *object, struct challenge *ret, struct error *err)
{
	const char *type = NULL;
	CLEANUP(challenge_done) struct challenge challenge = {0};

	if (!json_need_str(object, "type", LIMIT_JSON_STRING, &type, err))
		return false;
	challenge.type = challenge_type_parse(type);
	escape_str(challenge.type_name, sizeof(challenge.type_name), type);
	/* §8: what an unknown type looks like inside is not ours to judge. */
	if (challenge.type != CHALLENGE_UNKNOWN && !parse_members(object, &challenge, err))
		return false;
	*ret = challenge;
	challenge = (struct challenge){0};
	return true;
}

void challenge_done(struct challenge *challenge)
{
	free(challenge->url);
	free(challenge->token);
	free(challenge->error);
	persist_offer_done(&challenge->persist);
	*challenge = (struct challenge){0};
}

bool challenge_token_is_valid(const char *token)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (token == NULL)
		return false;
	size_t len = strspn(token, alphabet);
	return token[len] == '\0' && len >= LIMIT_TOKEN_MIN && len <= LIMIT_TOKEN_MAX;
}

/* Where the TXT record goes, and what it says. */
static bool set_dns(struct acme_challenge_task *task, const struct challenge_context *context,
		    const char *key_authorization, struct error *err)
{
	const char *base = identifier_base(&task->identifier);
	char label[DNS_ACCOUNT_LABEL_SIZE];

	if (task->type == CHALLENGE_DNS_01) {
		(void)snprintf(task->dns_name, sizeof(task->dns_name), "_acme-challenge.%s", base);
	} else {
		if (!dns_account_label(context->account_url, label, err))
			return false;
		(void)snprintf(task->dns_name, sizeof(task->dns_name), "%s._acme-challenge.%s", label, base);
	}
	return sha256_base64url(key_authorization, task->dns_value, err);
}

/* No token and no key authorization: the record alone. */
static bool persist_task(const struct challenge *challenge, const struct identifier *identifier,
			 const struct challenge_context *context, struct acme_challenge_task *ret, struct error *err)
{
	struct acme_challenge_task task = {.type = challenge->type, .identifier = *identifier};
	const struct persist_account account = {
		.url = context->account_url,
		.thumbprint = context->thumbprint,
		.hash_prefix = context->directory->account_hash_prefix,
	};
	AUTO_FREE struct persist_expectation *expectation = calloc(1, sizeof(*expectation));
	if (expectation == NULL)
		return error_oom(err);
	if (!persist_offer_check(&challenge->persist, context->directory, err) ||
	    !persist_expect(&challenge->persist, &account, identifier, expectation, err))
		return false;
	memcpy(task.dns_name, expectation->name, sizeof(expectation->name));
	task.persist = STEAL(expectation);
	*ret = task;
	return true;
}

bool challenge_task(const struct challenge *challenge, const struct identifier *identifier,
		    const struct challenge_context *context, struct acme_challenge_task *ret, struct error *err)
{
	if (challenge->type == CHALLENGE_DNS_PERSIST_01)
		return persist_task(challenge, identifier, context, ret, err);
	struct acme_challenge_task task = {.type = challenge->type, .identifier = *identifier};
	AUTO_FREE char *token = NULL;
	AUTO_FREE char *key_authorization = str_format(err, "%s.%s", challenge->token, context->thumbprint);

	if (key_authorization == NULL || !str_set(&token, challenge->token, err))
		return false;
	if ((challenge->type == CHALLENGE_DNS_01 || challenge->type == CHALLENGE_DNS_ACCOUNT_01) &&
	    !set_dns(&task, context, key_authorization, err))
		return false;
	task.token = STEAL(token);
	task.key_authorization = STEAL(key_authorization);
	*ret = task;
	return true;
}

/* What is const for its reader; here it goes back to where it came from. */
static void *unconst(const void *given)
{
	void *memory = NULL;
	memcpy(&memory, &given, sizeof(memory));
	return memory;
}

void challenge_task_done(struct acme_challenge_task *task)
{
	struct persist_expectation *persist = unconst(task->persist);
	free(unconst(task->token));
	free(unconst(task->key_authorization));
	persist_expectation_done(persist);
	free(persist);
	*task = (struct acme_challenge_task){0};
}

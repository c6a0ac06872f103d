/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key rollover: a JWS by the old key around a JWS by the new one, so that the CA sees that both agree.
 */
#include "acme/keychange.h"

#include "acme/account.h"
#include "acme/jws.h"
#include "acme/problem.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"

#include <string.h>

static const char step[] = "key-change";

enum { CONFLICT = 409 };

bool keychange_build(const struct acme_signer *new_key, const char *account, const char *old_jwk, const char *url,
		     struct buf *ret, struct error *err)
{
	const struct jws_header header = {.kid = NULL, .nonce = NULL, .url = url};
	CLEANUP(buf_done) struct buf payload;
	buf_init(&payload, LIMIT_JSON_BODY);

	AUTO_JSON json_t *root = json_object();
	json_t *old_key = json_read(old_jwk, strlen(old_jwk), "public key", err);
	if (old_key == NULL)
		return false;
	if (json_object_set_new(root, "account", json_string(account)) != 0 ||
	    json_object_set_new(root, "oldKey", old_key) != 0)
		return error_oom(err);
	return json_write(root, /* pretty= */ false, &payload, err) &&
	       jws_build(new_key, &header, buf_cstr(&payload), ret, err);
}

/* §7.3.5: the new key has an account already, which Location names. */
static void explain_conflict(const struct http_response *response, struct error *err)
{
	char safe[ERROR_TEXT_MAX / 2];
	const char *location = http_response_header(response, "Location", 0);
	err->hint[0] = '\0';
	error_hint(err, "the new key belongs to the account %s already: choose another key",
		   location != NULL ? escape_str(safe, sizeof(safe), location) : "of somebody else");
}

static void explain_type(const struct acme_signer *new_key, struct error *err)
{
	err->hint[0] = '\0';
	error_hint(err, "the CA does not take an account key that signs with %s: choose another with --key-type",
		   new_key->alg);
}

/* The account answers to the new key: only now the old one may go. */
static bool prove(struct acme_session *session, const struct acme_identity *account, const struct acme_signer *new_key,
		  struct deadline deadline, struct error *err)
{
	const struct acme_identity changed = {.signer = new_key, .kid = account->kid};
	CLEANUP(acme_account_done) struct acme_account seen = {0};
	struct error failure = {0};

	if (acme_account_read(session, &changed, deadline, &seen, &failure))
		return true;
	failure.hint[0] = '\0';
	error_hint(&failure, "the CA accepted the new key, yet the account does not answer to it: the old key is kept");
	*err = failure;
	error_context(err, step, NULL, NULL);
	return false;
}

bool acme_account_change_key(struct acme_session *session, const struct acme_identity *account,
			     const struct acme_signer *new_key, struct deadline deadline, struct error *err)
{
	const struct acme_directory *directory = acme_session_directory(session, deadline, err);
	CLEANUP(buf_done) struct buf payload;
	buf_init(&payload, LIMIT_JSON_BODY);

	if (directory == NULL)
		return false;
	if (directory->key_change == NULL)
		return error_set(err, ERROR_CA, step, "this CA cannot change an account's key");
	if (!keychange_build(new_key, account->kid, account->signer->jwk, directory->key_change, &payload, err)) {
		error_context(err, step, NULL, NULL);
		return false;
	}
	CLEANUP(acme_post_done)
	struct acme_post post = {.url = directory->key_change, .payload = buf_cstr(&payload)};
	if (!acme_session_post(session, account, &post, 1, step, deadline, err)) {
		if (post.response.status == CONFLICT)
			explain_conflict(&post.response, err);
		else if (acme_problem_is(err->type, "badPublicKey"))
			explain_type(new_key, err);
		return false;
	}
	return prove(session, account, new_key, deadline, err);
}

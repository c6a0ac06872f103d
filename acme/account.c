/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newAccount. Only the Location header matters in the answer: CAs send thin bodies, or none.
 */
#include "acme/account.h"

#include "acme/eab.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#include <string.h>

static const char step[] = "account";

enum { CREATED = 201 };

/* RFC 8555 §7.3: one address, no header fields. */
static bool set_contact(json_t *root, const char *email, struct error *err)
{
	if (strpbrk(email, "?,;<> \"") != NULL || strchr(email, '@') == NULL)
		return error_set(err, ERROR_CONFIG, step, "\"%s\" is not one plain e-mail address", email);
	AUTO_FREE char *contact = str_format(err, "mailto:%s", email);
	if (contact == NULL)
		return false;
	json_t *list = json_array();
	if (json_object_set_new(root, "contact", list) != 0)
		return error_oom(err);
	if (json_array_append_new(list, json_string(contact)) != 0)
		return error_set(err, ERROR_CONFIG, step, "the e-mail address is not valid UTF-8");
	return true;
}

static bool set_binding(json_t *root, const struct acme_eab *eab, const struct acme_signer *signer, const char *url,
			struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, LIMIT_JSON_BODY);
	if (!eab_build(eab, signer->jwk, url, &text, err))
		return false;
	json_t *binding = json_read(text.data, text.len, "external account binding", err);
	return json_object_set_new(root, "externalAccountBinding", binding) == 0 || error_oom(err);
}

/* RFC 8555 §7.3. */
static bool build_request(const struct acme_account_request *request, const struct acme_signer *signer, const char *url,
			  struct buf *ret, struct error *err)
{
	AUTO_JSON json_t *root = json_object();
	if (root == NULL)
		return error_oom(err);
	if (request->terms_agreed && json_object_set_new(root, "termsOfServiceAgreed", json_true()) != 0)
		return error_oom(err);
	if (request->email != NULL && !set_contact(root, request->email, err))
		return false;
	if (request->only_return_existing && json_object_set_new(root, "onlyReturnExisting", json_true()) != 0)
		return error_oom(err);
	if (request->eab != NULL && !set_binding(root, request->eab, signer, url, err))
		return false;
	return json_write(root, /* pretty= */ false, ret, err);
}

/* What the CA demands of a new account, before anything is sent. */
static bool check_demands(const struct acme_directory *directory, const struct acme_account_request *request,
			  struct error *err)
{
	char terms[ERROR_TEXT_MAX / 2];
	if (request->only_return_existing)
		return true;
	/* §7.3: never agreed to silently. */
	if (directory->terms_of_service != NULL && !request->terms_agreed) {
		escape_str(terms, sizeof(terms), directory->terms_of_service);
		(void)error_set(err, ERROR_USAGE, step, "the CA's terms of service have not been agreed to");
		error_hint(err, "read %s and agree with --agree-tos", terms);
		return false;
	}
	if (directory->external_account_required && request->eab == NULL) {
		(void)error_set(err, ERROR_CONFIG, step, "this CA needs external account credentials");
		error_hint(err, "take the key id and HMAC key from the CA's website and give them as "
				"eab: {kid, hmac_key}");
		return false;
	}
	return true;
}

/* §7.1.2: an account that is deactivated or revoked is of no use. A body without a status says nothing. */
static bool check_status(const struct http_response *response, struct error *err)
{
	struct error ignored = {0};
	const char *status = NULL;
	char safe[64];
	AUTO_JSON json_t *root = json_read(buf_cstr(&response->body), response->body.len, "account", &ignored);
	if (root == NULL || !json_opt_str(root, "status", 64, &status, &ignored) || status == NULL)
		return true;
	if (strcmp(status, "valid") == 0)
		return true;
	(void)error_set(err, ERROR_CA, step, "the account is %s at the CA", escape_str(safe, sizeof(safe), status));
	error_hint(err, "register a new account with another key");
	return false;
}

bool acme_account_register(struct acme_session *session, const struct acme_signer *signer,
			   const struct acme_account_request *request, struct deadline deadline, char **ret_url,
			   bool *ret_created, struct error *err)
{
	const struct acme_directory *directory = acme_session_directory(session, deadline, err);
	const struct acme_identity identity = {.signer = signer, .kid = NULL};
	CLEANUP(buf_done) struct buf payload;
	buf_init(&payload, LIMIT_JSON_BODY);

	if (directory == NULL || !check_demands(directory, request, err))
		return false;
	if (!build_request(request, signer, directory->new_account, &payload, err)) {
		error_context(err, step, NULL, NULL);
		return false;
	}
	CLEANUP(acme_post_done)
	struct acme_post post = {
		.url = directory->new_account,
		.payload = buf_cstr(&payload),
		.repeatable = true, /* §7.3.1: a key that is known already gets its account again */
	};
	if (!acme_session_post(session, &identity, &post, 1, step, deadline, err))
		return false;

	const char *location = http_response_header(&post.response, "Location", 0);
	if (location == NULL)
		return error_set(err, ERROR_CA, step, "the CA's answer to newAccount has no account URL (Location)");
	if (!acme_session_check_url(session, location, step, err) || !check_status(&post.response, err))
		return false;
	*ret_created = post.response.status == CREATED;
	*ret_url = NULL;
	return str_set(ret_url, location, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts. Of newAccount's answer only the Location header matters: CAs send thin bodies, or none.
 */
#include "acme/account.h"

#include "acme/eab.h"
#include "acme/problem.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"

#include <string.h>

static const char step[] = "account";

enum { CREATED = 201, STATUS_TEXT_MAX = 64 };

/* ---- The object, §7.1.2. ---- */

static const char *const status_names[] = {
	[ACME_ACCOUNT_VALID] = "valid",
	[ACME_ACCOUNT_DEACTIVATED] = "deactivated",
	[ACME_ACCOUNT_REVOKED] = "revoked",
	[ACME_ACCOUNT_UNKNOWN] = "unknown",
};

const char *acme_account_status_name(enum acme_account_status status)
{
	return status_names[status];
}

void acme_account_done(struct acme_account *account)
{
	str_list_done(&account->contacts);
	free(account->orders);
	*account = (struct acme_account){0};
}

static enum acme_account_status parse_status(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(status_names); i++)
		if (str_equal(status_names[i], text))
			return (enum acme_account_status)i;
	return ACME_ACCOUNT_UNKNOWN;
}

static bool read_contacts(const json_t *root, struct str_list *ret, struct error *err)
{
	const json_t *list = NULL;
	size_t i;
	json_t *item;
	if (!json_opt_array(root, "contact", &list, err))
		return false;
	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);
		if (text == NULL || strlen(text) > LIMIT_URL)
			return error_set(err, ERROR_DATA, NULL, "a contact of the account is no text");
		if (!str_list_add(ret, text, err))
			return false;
	}
	return true;
}

bool account_parse(const char *text, size_t len, struct acme_account *ret, struct error *err)
{
	CLEANUP(acme_account_done) struct acme_account account = {.status = ACME_ACCOUNT_UNKNOWN};
	AUTO_JSON json_t *root = len > 0 ? json_read(text, len, "account", err) : NULL;
	const char *status = NULL, *orders = NULL;

	if (len > 0 && (root == NULL || !json_opt_str(root, "status", STATUS_TEXT_MAX, &status, err) ||
			!json_opt_bool(root, "termsOfServiceAgreed", &account.terms_agreed, err) ||
			!json_opt_str(root, "orders", LIMIT_URL, &orders, err) ||
			!str_set(&account.orders, orders, err) || !read_contacts(root, &account.contacts, err)))
		return false;
	account.status = parse_status(status);
	*ret = account;
	account = (struct acme_account){0};
	return true;
}

/* ---- Requests. ---- */

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

/* RFC 8555 §7.3.2. */
static bool build_change(const struct acme_account_change *change, struct buf *ret, struct error *err)
{
	AUTO_JSON json_t *root = json_object();
	if (root == NULL)
		return error_oom(err);
	if (change->email != NULL && !set_contact(root, change->email, err))
		return false;
	if (change->email == NULL && change->remove_contacts && json_object_set_new(root, "contact", json_array()) != 0)
		return error_oom(err);
	if (change->terms_agreed && json_object_set_new(root, "termsOfServiceAgreed", json_true()) != 0)
		return error_oom(err);
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
				"eab: {kid, hmac_key}, or with --eab-kid and --eab-hmac-key-file");
		return false;
	}
	return true;
}

/* ---- Answers. ---- */

/*
 * The table's advice for an error type is made for orders; ERR is about an account. WITH_EAB: the request carried a
 * binding, which is what is wrong most often then.
 */
static bool advise(const struct acme_signer *signer, bool with_eab, struct error *err)
{
	if (with_eab && (acme_problem_is(err->type, "unauthorized") || acme_problem_is(err->type, "malformed"))) {
		err->hint[0] = '\0';
		error_hint(err, "check the external account's key id and HMAC key; many CAs accept them only once, "
				"or for a few days: then take new ones from the CA's website");
	} else if (acme_problem_is(err->type, "unauthorized")) {
		err->hint[0] = '\0';
		error_hint(err, "the CA lets this account do nothing any more; `certferry account register` makes a "
				"new one");
	} else if (acme_problem_is(err->type, "badPublicKey")) {
		err->hint[0] = '\0';
		error_hint(err,
			   "the CA does not take an account key that signs with %s: choose another with --key-type; "
			   "every CA takes ecdsa-p256",
			   signer->alg);
	}
	return false;
}

/* An account that is deactivated or revoked is of no use. A body without a status, or none at all, says nothing. */
static bool check_status(const struct http_response *response, struct error *err)
{
	struct error ignored = {0};
	CLEANUP(acme_account_done) struct acme_account account = {0};

	if (!account_parse(buf_cstr(&response->body), response->body.len, &account, &ignored) ||
	    account.status == ACME_ACCOUNT_VALID || account.status == ACME_ACCOUNT_UNKNOWN)
		return true;
	(void)error_set(err, ERROR_CA, step, "the account is %s at the CA", acme_account_status_name(account.status));
	error_hint(err, "`certferry account register` makes a new one, with a new key");
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
	if (!acme_session_post(session, &identity, &post, 1, step, deadline, err)) {
		if (request->algorithms != NULL && !acme_problem_algorithms(&post.response, request->algorithms, err))
			return false;
		return advise(signer, request->eab != NULL, err);
	}
	const char *location = http_response_header(&post.response, "Location", 0);
	if (location == NULL)
		return error_set(err, ERROR_CA, step, "the CA's answer to newAccount has no account URL (Location)");
	if (!acme_session_check_url(session, location, step, err) || !check_status(&post.response, err))
		return false;
	*ret_created = post.response.status == CREATED;
	*ret_url = NULL;
	return str_set(ret_url, location, err);
}

bool acme_account_find(struct acme_session *session, const struct acme_signer *signer, struct deadline deadline,
		       char **ret_url, struct error *err)
{
	const struct acme_account_request request = {.only_return_existing = true};
	struct error failure = {0};
	bool created = false;

	if (acme_account_register(session, signer, &request, deadline, ret_url, &created, &failure))
		return true;
	/* A CA that does not even take the key has no account with it. */
	if (acme_problem_is(failure.type, "accountDoesNotExist") || acme_problem_is(failure.type, "badPublicKey") ||
	    acme_problem_is(failure.type, "badSignatureAlgorithm")) {
		*ret_url = NULL;
		return true;
	}
	*err = failure;
	return false;
}

/* POST to the account URL; the answer in RET (NULL: not looked at). */
static bool post_account(struct acme_session *session, const struct acme_identity *account, struct acme_post *post,
			 struct deadline deadline, struct acme_account *ret, struct error *err)
{
	post->url = account->kid;
	if (!acme_session_post(session, account, post, 1, step, deadline, err))
		return advise(account->signer, /* with_eab= */ false, err);
	if (ret == NULL || account_parse(buf_cstr(&post->response.body), post->response.body.len, ret, err))
		return true;
	return error_attribute(err, ERROR_CA, step);
}

bool acme_account_read(struct acme_session *session, const struct acme_identity *account, struct deadline deadline,
		       struct acme_account *ret, struct error *err)
{
	CLEANUP(acme_post_done) struct acme_post post = {.payload = NULL};
	return post_account(session, account, &post, deadline, ret, err);
}

bool acme_account_update(struct acme_session *session, const struct acme_identity *account,
			 const struct acme_account_change *change, struct deadline deadline, struct acme_account *ret,
			 struct error *err)
{
	CLEANUP(buf_done) struct buf payload;
	buf_init(&payload, LIMIT_JSON_BODY);
	if (!build_change(change, &payload, err))
		return false;
	CLEANUP(acme_post_done) struct acme_post post = {.payload = buf_cstr(&payload), .repeatable = true};
	return post_account(session, account, &post, deadline, ret, err);
}

bool acme_account_deactivate(struct acme_session *session, const struct acme_identity *account,
			     struct deadline deadline, struct error *err)
{
	CLEANUP(acme_post_done) struct acme_post post = {.payload = "{\"status\":\"deactivated\"}"};
	return post_account(session, account, &post, deadline, /* ret= */ NULL, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google's application default credentials. The metadata server is asked at its literal address, without looking up its
 * name: that it answers this machine alone is all that makes plain http bearable.
 */
#include "dns-providers/google_account.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_URL "https://oauth2.googleapis.com/token"
#define SCOPE "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
#define METADATA_NAME "metadata.google.internal"
#define METADATA_ADDRESS "169.254.169.254"

enum { TEXT_MAX = 2048, KEY_MAX = 32 * 1024, CLAIM_SECONDS = 3600, PROJECT_MAX = 128, WHAT_SIZE = 512 };

static const struct provider_hint hints[] = {
	{"invalid_grant",
	 "check that the machine's clock is right, and that the key was not deleted and its account not disabled",
	 false},
	{"invalid_client", "check the credentials file: its client is not known", false},
	{0},
};

/* The credentials file. */

void google_credentials_done(struct google_credentials *credentials)
{
	free(credentials->token_url);
	free(credentials->project);
	jwt_key_free(credentials->key);
	free(credentials->key_id);
	free(credentials->email);
	free(credentials->client_id);
	secret_done(&credentials->client_secret);
	secret_done(&credentials->refresh_token);
	free(credentials->quota_project);
	*credentials = (struct google_credentials){0};
}

bool google_project_is_valid(const char *project)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";
	size_t len = strspn(project, good);
	return len > 0 && len <= PROJECT_MAX && project[len] == '\0';
}

/* Text that may stand in a header or URL: none of these has blanks. */
static bool need_word(const json_t *root, const char *key, bool required, char **ret, struct error *err)
{
	const char *text = NULL;
	if (!(required ? json_need_str(root, key, TEXT_MAX, &text, err)
		       : json_opt_str(root, key, TEXT_MAX, &text, err)))
		return false;
	for (const char *c = text; c != NULL && *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~')
			return error_set(err, ERROR_DATA, NULL, "\"%s\" has a blank or a special character", key);
	}
	return str_set(ret, text, err);
}

static bool need_secret(const json_t *root, const char *key, struct secret *ret, struct error *err)
{
	const char *text = NULL;
	return json_need_str(root, key, TEXT_MAX, &text, err) && secret_set(ret, text, strlen(text), err);
}

static bool read_service_account(const json_t *root, const char *source, struct google_credentials *ret,
				 struct error *err)
{
	const char *pem = NULL;
	ret->kind = GOOGLE_SERVICE_ACCOUNT;
	if (!json_need_str(root, "private_key", KEY_MAX, &pem, err) ||
	    !need_word(root, "client_email", true, &ret->email, err) ||
	    !need_word(root, "private_key_id", false, &ret->key_id, err) ||
	    !need_word(root, "project_id", false, &ret->project, err))
		return false;
	ret->key = jwt_key_read(pem, strlen(pem), source, err);
	return ret->key != NULL;
}

static bool read_user(const json_t *root, struct google_credentials *ret, struct error *err)
{
	ret->kind = GOOGLE_USER;
	return need_word(root, "client_id", true, &ret->client_id, err) &&
	       need_secret(root, "client_secret", &ret->client_secret, err) &&
	       need_secret(root, "refresh_token", &ret->refresh_token, err) &&
	       need_word(root, "quota_project_id", false, &ret->quota_project, err);
}

static bool read_document(const json_t *root, const char *source, struct google_credentials *ret, struct error *err)
{
	AUTO_FREE char *type = NULL;
	if (!need_word(root, "type", true, &type, err) || !need_word(root, "token_uri", false, &ret->token_url, err))
		return false;
	if (str_is_empty(ret->token_url) && !str_set(&ret->token_url, TOKEN_URL, err))
		return false;
	if (str_equal(type, "service_account"))
		return read_service_account(root, source, ret, err);
	if (str_equal(type, "authorized_user"))
		return read_user(root, ret, err);
	error_hint(err, "use a service account's key, or let the machine's metadata server answer");
	return error_set(err, ERROR_DATA, NULL, "credentials of the type \"%s\" are not supported", type);
}

bool google_credentials_read(const char *text, size_t len, const char *source, struct google_credentials *ret,
			     struct error *err)
{
	struct error cause = {0};
	struct provider_setting url = {0};
	json_t *root AUTO_JSON = json_read(text, len, "the key file", &cause);
	bool ok = root != NULL && read_document(root, source, ret, &cause) &&
		  secret_set(&url.value, ret->token_url, strlen(ret->token_url), &cause);
	(void)snprintf(url.source, sizeof(url.source), "\"token_uri\"");
	ok = ok && provider_check_url(&url, &cause) &&
	     (ret->project == NULL || google_project_is_valid(ret->project) ||
	      error_set(&cause, ERROR_CONFIG, NULL, "\"project_id\" is no project's id"));
	provider_setting_done(&url);
	if (ok)
		return true;
	google_credentials_done(ret);
	if (cause.hint[0] != '\0')
		error_hint(err, "%s", cause.hint);
	return error_set(err, cause.category == ERROR_DATA ? ERROR_CONFIG : cause.category, NULL, "%s: %s", source,
			 cause.message);
}

bool google_claims(const struct google_credentials *credentials, int64_t now, struct buf *ret, struct error *err)
{
	json_t *claims AUTO_JSON =
		json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", credentials->email, "scope", SCOPE, "aud",
			  credentials->token_url, "iat", (json_int_t)now, "exp", (json_int_t)now + CLAIM_SECONDS);
	if (claims == NULL)
		return error_oom(err);
	return json_write(claims, /* pretty= */ false, ret, err) && buf_check(ret, "claims", err);
}

/* Where it is. */

static bool read_file(const char *path, const char *source, struct google_credentials *ret, struct error *err)
{
	CLEANUP(secret_done) struct secret content = {0};
	return secret_read_file(&content, path, LIMIT_CREDENTIAL_FILE, /* private_only= */ true, err) &&
	       google_credentials_read(content.data, content.len, source, ret, err);
}

/* Where `gcloud auth application-default login` puts it; false: nowhere. */
static bool find_gcloud(char *path, size_t size)
{
	const char *folder = getenv("CLOUDSDK_CONFIG"), *home = getenv("HOME");
	if (!str_is_empty(folder))
		(void)snprintf(path, size, "%s/application_default_credentials.json", folder);
	else if (!str_is_empty(home))
		(void)snprintf(path, size, "%s/.config/gcloud/application_default_credentials.json", home);
	else
		return false;
	return access(path, F_OK) == 0;
}

bool google_credentials_find(const struct dns_provider_module *module, const struct dns_setting *settings, size_t count,
			     struct google_credentials *ret, char source[128], struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting text = {0};
	CLEANUP(provider_setting_done) struct provider_setting file = {0};
	char path[4096];

	/* What the config says goes before what the environment says, whichever of the two it is. */
	bool file_first = provider_setting_given(settings, count, "credentials_file") &&
			  !provider_setting_given(settings, count, "credentials");
	if (!provider_setting_find(module, settings, count, "credentials_file", true, &file, err) ||
	    (!file_first && !provider_setting_find(module, settings, count, "credentials", true, &text, err)))
		return false;
	if (text.value.data != NULL) {
		(void)snprintf(source, 128, "%s", text.source);
		return google_credentials_read(text.value.data, text.value.len, source, ret, err);
	}
	if (file.value.data != NULL) {
		(void)snprintf(source, 128, "%s", file.source);
		return read_file(file.value.data, source, ret, err);
	}
	if (find_gcloud(path, sizeof(path))) {
		(void)snprintf(source, 128, "gcloud's application default credentials");
		return read_file(path, source, ret, err);
	}
	(void)snprintf(source, 128, "the machine's service account");
	return true;
}

/* $GCE_METADATA_HOST, as Google's own libraries have it. */
static bool set_metadata_url(struct google_account *account, struct error *err)
{
	const char *host = getenv("GCE_METADATA_HOST");
	if (str_is_empty(host) || str_equal(host, METADATA_NAME))
		host = METADATA_ADDRESS;
	account->metadata_url = str_format(err, "http://%s/computeMetadata/v1", host);
	return account->metadata_url != NULL &&
	       secret_set(&account->flavor, "Metadata-Flavor: Google", strlen("Metadata-Flavor: Google"), err);
}

/* Tokens. */

static bool ask_endpoint(struct google_account *account, const struct buf *form, struct deadline deadline,
			 struct secret *ret_token, int64_t *ret_seconds, struct error *err)
{
	char what[WHAT_SIZE];
	const struct provider_call call = {
		.step = "authorize",
		.what = what,
		.method = HTTP_POST,
		.url = account->credentials.token_url,
		.body = form,
		.content_type = "application/x-www-form-urlencoded",
	};
	(void)snprintf(what, sizeof(what), "cannot get one from %.200s for %.200s", account->credentials.token_url,
		       account->credentials.email != NULL ? account->credentials.email : account->source);
	return buf_check(form, "token request", err) &&
	       oauth_ask(&account->api, &call, deadline, ret_token, ret_seconds, err);
}

static bool fetch_by_key(struct google_account *account, struct deadline deadline, struct secret *ret_token,
			 int64_t *ret_seconds, struct error *err)
{
	const struct google_credentials *credentials = &account->credentials;
	CLEANUP(buf_done) struct buf claims;
	CLEANUP(buf_done) struct buf form;
	CLEANUP(secret_done) struct secret jwt = {0};

	buf_init(&claims, LIMIT_CREDENTIAL_FILE);
	buf_init(&form, 2 * LIMIT_CREDENTIAL_FILE);
	if (!google_claims(credentials, clock_wall(), &claims, err) ||
	    !jwt_sign(credentials->key, JWT_RS256, credentials->key_id != NULL ? "kid" : NULL, credentials->key_id,
		      buf_cstr(&claims), &jwt, err))
		return false;
	oauth_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	oauth_form_add(&form, "assertion", jwt.data);
	return ask_endpoint(account, &form, deadline, ret_token, ret_seconds, err);
}

static bool fetch_by_refresh(struct google_account *account, struct deadline deadline, struct secret *ret_token,
			     int64_t *ret_seconds, struct error *err)
{
	const struct google_credentials *credentials = &account->credentials;
	CLEANUP(buf_done) struct buf form;
	buf_init(&form, LIMIT_CREDENTIAL_FILE);
	oauth_form_add(&form, "grant_type", "refresh_token");
	oauth_form_add(&form, "client_id", credentials->client_id);
	oauth_form_add(&form, "client_secret", credentials->client_secret.data);
	oauth_form_add(&form, "refresh_token", credentials->refresh_token.data);
	return ask_endpoint(account, &form, deadline, ret_token, ret_seconds, err);
}

/* PATH of the metadata server; its answer has the flavour too, as nobody else's has. */
static bool ask_metadata(struct google_account *account, const char *path, const char *what, struct deadline deadline,
			 struct http_response *ret, struct error *err)
{
	AUTO_FREE char *url = str_format(err, "%s/%s", account->metadata_url, path);
	const struct provider_call call = {
		.step = "authorize",
		.what = what,
		.method = HTTP_GET,
		.url = url,
		.metadata = true,
		.slow = true,
	};
	error_hint(err, "outside of Google's cloud set credentials_file, or GOOGLE_APPLICATION_CREDENTIALS");
	if (url == NULL || !provider_ask(&account->api, &call, deadline, ret, err))
		return false;
	if (str_equal(http_response_header(ret, "Metadata-Flavor", 0), "Google")) {
		error_clear(err);
		return true;
	}
	return error_set(err, ERROR_DNS, "authorize", "%s: who answers at %s is not Google's metadata server", what,
			 account->metadata_url);
}

static bool fetch_from_metadata(struct google_account *account, struct deadline deadline, struct secret *ret_token,
				int64_t *ret_seconds, struct error *err)
{
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	if (!ask_metadata(account, "instance/service-accounts/default/token",
			  "cannot get one for the machine's service account", deadline, &answer, err))
		return false;
	return oauth_read_token(buf_cstr(&answer.body), answer.body.len, clock_wall(), ret_token, ret_seconds,
				&cause) ||
	       error_set(err, ERROR_DNS, "authorize", "the metadata server: %s", cause.message);
}

static bool fetch(void *ctx, struct deadline deadline, struct secret *ret_token, int64_t *ret_seconds,
		  struct error *err)
{
	struct google_account *account = ctx;
	switch (account->credentials.kind) {
	case GOOGLE_SERVICE_ACCOUNT:
		return fetch_by_key(account, deadline, ret_token, ret_seconds, err);
	case GOOGLE_USER:
		return fetch_by_refresh(account, deadline, ret_token, ret_seconds, err);
	case GOOGLE_METADATA:
		return fetch_from_metadata(account, deadline, ret_token, ret_seconds, err);
	}
	return error_set(err, ERROR_INTERNAL, NULL, "unknown kind of credentials");
}

/* The account. */

bool google_account_open(const struct dns_provider_module *module, const struct dns_setting *settings, size_t count,
			 struct http_client *client, struct google_account *ret, struct error *err)
{
	oauth_init(&ret->oauth, fetch, ret);
	if (!google_credentials_find(module, settings, count, &ret->credentials, ret->source, err) ||
	    !set_metadata_url(ret, err))
		return false;
	ret->api = (struct provider_api){
		.title = "access token",
		.client = client,
		.headers = &ret->flavor,
		.header_count = ret->credentials.kind == GOOGLE_METADATA ? 1 : 0,
		.hints = hints,
	};
	log_debug("%s: using %s", module->title, ret->source);
	return true;
}

void google_account_close(struct google_account *account)
{
	google_credentials_done(&account->credentials);
	oauth_done(&account->oauth);
	secret_done(&account->flavor);
	free(account->metadata_url);
}

bool google_account_authorize(void *ctx, const struct provider_call *call, struct deadline deadline,
			      struct provider_headers *ret, struct error *err)
{
	struct google_account *account = ctx;
	const char *quota = account->credentials.quota_project;
	(void)call;
	if (!oauth_authorize(&account->oauth, deadline, ret, err))
		return false;
	if (quota == NULL)
		return true;
	AUTO_FREE char *line = str_format(err, "x-goog-user-project: %s", quota);
	return line != NULL && secret_set(&ret->lines[ret->count++], line, strlen(line), err);
}

void google_account_renew(void *ctx, uint64_t mark)
{
	struct google_account *account = ctx;
	oauth_renew(&account->oauth, mark);
}

bool google_account_project(struct google_account *account, struct deadline deadline, char **ret, struct error *err)
{
	CLEANUP(http_response_done) struct http_response answer = {0};
	if (account->credentials.project != NULL)
		return str_set(ret, account->credentials.project, err);
	if (account->credentials.kind != GOOGLE_METADATA) {
		error_hint(err, "set project, or GOOGLE_CLOUD_PROJECT");
		return error_set(err, ERROR_CONFIG, NULL, "%s does not say which project has the zones",
				 account->source);
	}
	if (!ask_metadata(account, "project/project-id", "cannot learn the machine's project", deadline, &answer, err))
		return false;
	if (!google_project_is_valid(buf_cstr(&answer.body)))
		return error_set(err, ERROR_DNS, "authorize", "the metadata server: malformed project");
	return str_set(ret, buf_cstr(&answer.body), err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the ways is taken: the first for which there is what it needs, in the order of enum azure_kind, unless
 * auth_method says otherwise. certbot-dns-azure's names of settings are taken beside ours.
 */
#include "dns-providers/azure_account.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "dns-providers/azure_message.h"
#include "dns-providers/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define METADATA_URL "http://169.254.169.254"
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

enum { WHAT_SIZE = 512, CLAIM_SECONDS = 600 };

static const struct azure_cloud clouds[] = {
	{{"public", "AzurePublicCloud", NULL},
	 "https://login.microsoftonline.com",
	 "https://management.azure.com",
	 "https://management.azure.com"},
	{{"usgovernment", "AzureUSGovernmentCloud", NULL},
	 "https://login.microsoftonline.us",
	 "https://management.usgovcloudapi.net",
	 "https://management.core.usgovcloudapi.net"},
	{{"china", "AzureChinaCloud", NULL},
	 "https://login.chinacloudapi.cn",
	 "https://management.chinacloudapi.cn",
	 "https://management.core.chinacloudapi.cn"},
};

static const struct provider_hint hints[] = {
	{"AADSTS7000222", "the application's secret has expired: make a new one", false},
	{"AADSTS7000215", "this is not the secret's value: its id will not do", false},
	{"AADSTS700016", "check client_id and tenant_id: there is no such application in this tenant", false},
	{"AADSTS90002", "check tenant_id: there is no such tenant in this cloud", false},
	{"AADSTS700027", "upload the certificate to the application", false},
	{"invalid_client", "check the application's credentials, and when they expire", false},
	{0},
};

/* Settings. */

/* The setting KEY, or what certbot-dns-azure calls ALSO (NULL: nothing), or the environment's. */
static bool find(const struct dns_provider_module *module, const struct dns_setting *settings, size_t count,
		 const char *key, const char *also, struct provider_setting *ret, struct error *err)
{
	if (also != NULL && provider_setting_given(settings, count, also) &&
	    !provider_setting_given(settings, count, key))
		key = also;
	return provider_setting_find(module, settings, count, key, /* environment= */ true, ret, err);
}

struct found {
	struct provider_setting tenant, client, secret, certificate, token_file, method, environment, authority;
	struct provider_setting msi_client, msi_own;
};

static void found_done(struct found *found)
{
	provider_setting_done(&found->tenant);
	provider_setting_done(&found->client);
	provider_setting_done(&found->secret);
	provider_setting_done(&found->certificate);
	provider_setting_done(&found->token_file);
	provider_setting_done(&found->method);
	provider_setting_done(&found->environment);
	provider_setting_done(&found->authority);
	provider_setting_done(&found->msi_client);
	provider_setting_done(&found->msi_own);
}

static bool find_all(const struct dns_provider_module *module, const struct dns_setting *settings, size_t count,
		     struct found *ret, struct error *err)
{
	const struct {
		const char *key, *also;
		struct provider_setting *into;
	} wanted[] = {
		{"tenant_id", NULL, &ret->tenant},
		{"client_id", "sp_client_id", &ret->client},
		{"client_secret", "sp_client_secret", &ret->secret},
		{"certificate_file", "sp_certificate_path", &ret->certificate},
		{"token_file", NULL, &ret->token_file},
		{"auth_method", NULL, &ret->method},
		{"environment", NULL, &ret->environment},
		{"authority_host", NULL, &ret->authority},
		{"msi_client_id", NULL, &ret->msi_client},
		{"msi_system_assigned", NULL, &ret->msi_own},
	};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (!find(module, settings, count, wanted[i].key, wanted[i].also, wanted[i].into, err))
			return false;
	}
	return true;
}

static bool choose_cloud(const struct found *found, struct azure_account *ret, struct error *err)
{
	const char *wanted = found->environment.value.data;
	ret->cloud = &clouds[0];
	if (wanted == NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(clouds); i++) {
		for (size_t j = 0; clouds[i].names[j] != NULL; j++) {
			if (str_equal_nocase(clouds[i].names[j], wanted)) {
				ret->cloud = &clouds[i];
				return true;
			}
		}
	}
	error_hint(err, "the clouds are public, usgovernment and china");
	return error_set(err, ERROR_CONFIG, NULL, "%s is no cloud of Azure", found->environment.source);
}

/* lego's words: env is secret or certificate. */
static bool choose_kind(const struct found *found, struct azure_account *ret, struct error *err)
{
	const char *method = found->method.value.data;
	bool env = str_equal(method, "env");
	if (str_equal(method, "msi") || (method == NULL && (found->msi_client.value.data != NULL ||
							    str_equal_nocase(found->msi_own.value.data, "true")))) {
		ret->kind = AZURE_MANAGED;
		return true;
	}
	if (str_equal(method, "wli")) {
		ret->kind = AZURE_WORKLOAD;
		return true;
	}
	if (method != NULL && !env) {
		error_hint(err, "the methods are env, wli and msi");
		return error_set(err, ERROR_CONFIG, NULL, "%s is no method that is known here", found->method.source);
	}
	if (found->secret.value.data != NULL || env)
		ret->kind = found->secret.value.data == NULL && found->certificate.value.data != NULL
				    ? AZURE_CERTIFICATE
				    : AZURE_SECRET;
	else if (found->certificate.value.data != NULL)
		ret->kind = AZURE_CERTIFICATE;
	else if (found->token_file.value.data != NULL)
		ret->kind = AZURE_WORKLOAD;
	else
		ret->kind = AZURE_MANAGED;
	return true;
}

/* An application needs these two; they stand in a URL and in tokens. */
static bool need(const struct provider_setting *setting, const char *key, const char *variable, struct error *err)
{
	if (setting->value.data == NULL) {
		error_hint(err, "set %s, or %s", key, variable);
		return error_set(err, ERROR_CONFIG, NULL, "Azure DNS needs the setting \"%s\" for an application", key);
	}
	return provider_name_is_valid(setting->value.data) ||
	       error_set(err, ERROR_CONFIG, NULL, "%s is no identifier of Azure's", setting->source);
}

static bool read_certificate(const struct provider_setting *file, struct azure_account *ret, struct error *err)
{
	CLEANUP(secret_done) struct secret pem = {0};
	if (!secret_read_file(&pem, file->value.data, LIMIT_CREDENTIAL_FILE, /* private_only= */ true, err))
		return false;
	ret->key = jwt_key_read(pem.data, pem.len, file->source, err);
	return ret->key != NULL && jwt_thumbprint(ret->key, pem.data, pem.len, file->source, &ret->thumbprint, err);
}

static bool open_application(const struct found *found, struct azure_account *ret, struct error *err)
{
	AUTO_FREE char *login = NULL;
	if (!need(&found->tenant, "tenant_id", "AZURE_TENANT_ID", err) ||
	    !need(&found->client, "client_id", "AZURE_CLIENT_ID", err) ||
	    (found->authority.value.data != NULL && !provider_check_url(&found->authority, err)) ||
	    !provider_base_url(&found->authority, ret->cloud->login, &login, err) ||
	    !str_set(&ret->client_id, found->client.value.data, err))
		return false;
	(void)snprintf(ret->source, sizeof(ret->source), "the application %.100s", ret->client_id);
	ret->token_url = str_format(err, "%s/%s/oauth2/v2.0/token", login, found->tenant.value.data);
	if (ret->token_url == NULL)
		return false;
	if (ret->kind == AZURE_CERTIFICATE)
		return read_certificate(&found->certificate, ret, err);
	if (ret->kind == AZURE_WORKLOAD && found->token_file.value.data != NULL)
		return str_set(&ret->token_file, found->token_file.value.data, err);
	if (ret->kind == AZURE_SECRET && found->secret.value.data != NULL)
		return secret_set(&ret->secret, found->secret.value.data, found->secret.value.len, err);
	error_hint(err, "set %s", ret->kind == AZURE_SECRET ? "client_secret or certificate_file" : "token_file");
	return error_set(err, ERROR_CONFIG, NULL, "Azure DNS has no credentials for %s", ret->source);
}

/* "http://localhost:…", as some platforms have it, names what an address says more surely. */
static char *plain_endpoint(const char *url, struct error *err)
{
	static const char local[] = "http://localhost:";
	if (str_starts(url, local))
		return str_format(err, "http://127.0.0.1:%s", url + strlen(local));
	return str_format(err, "%s", url);
}

/* The platform's endpoint where the environment names one, else the machine's metadata service. */
static bool open_managed(const struct found *found, struct azure_account *ret, struct error *err)
{
	const char *endpoint = getenv("IDENTITY_ENDPOINT"), *word = getenv("IDENTITY_HEADER");
	const char *metadata = getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST");
	const struct provider_setting *client = found->msi_client.value.data ? &found->msi_client : &found->client;
	CLEANUP(buf_done) struct buf url = {0};
	bool platform = !str_is_empty(endpoint);

	if (platform && str_is_empty(word)) {
		error_hint(err, "use an application with a secret or a certificate instead");
		return error_set(err, ERROR_CONFIG, NULL, "Azure DNS: Azure Arc's managed identity is not supported");
	}
	if (client->value.data != NULL && !str_equal_nocase(found->msi_own.value.data, "true") &&
	    (!need(client, "client_id", "AZURE_CLIENT_ID", err) || !str_set(&ret->client_id, client->value.data, err)))
		return false;
	(void)snprintf(ret->source, sizeof(ret->source), "the managed identity%s%.100s", ret->client_id ? " " : "",
		       ret->client_id ? ret->client_id : "");
	AUTO_FREE char *base = plain_endpoint(platform                 ? endpoint
					      : str_is_empty(metadata) ? METADATA_URL
								       : metadata,
					      err);
	if (base == NULL)
		return false;
	buf_init(&url, LIMIT_URL);
	buf_printf(&url, "%s%s&resource=", base,
		   platform ? "?api-version=2019-08-01" : "/metadata/identity/oauth2/token?api-version=2018-02-01");
	sigv4_encode(ret->cloud->audience, &url);
	if (ret->client_id != NULL)
		oauth_form_add(&url, "client_id", ret->client_id);
	AUTO_FREE char *line =
		platform ? str_format(err, "X-IDENTITY-HEADER: %s", word) : str_format(err, "Metadata: true");
	ret->token_url = buf_take(&url, "URL", err);
	return line != NULL && ret->token_url != NULL && secret_set(&ret->identity_header, line, strlen(line), err);
}

/* Tokens. */

bool azure_claims(const char *audience, const char *client_id, const char *id, int64_t now, struct buf *ret,
		  struct error *err)
{
	json_t *claims AUTO_JSON = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "aud", audience, "iss", client_id,
					     "sub", client_id, "jti", id, "nbf", (json_int_t)now, "iat",
					     (json_int_t)now, "exp", (json_int_t)now + CLAIM_SECONDS);
	if (claims == NULL)
		return error_oom(err);
	return json_write(claims, /* pretty= */ false, ret, err) && buf_check(ret, "claims", err);
}

static bool make_assertion(const struct azure_account *account, struct secret *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf claims = {0};
	unsigned char random[16];
	char id[2 * sizeof(random) + 1];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return error_set(err, ERROR_INTERNAL, NULL, "no random numbers");
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(id + 2 * i, 3, "%02x", random[i]);
	buf_init(&claims, LIMIT_CREDENTIAL_FILE);
	return azure_claims(account->token_url, account->client_id, id, clock_wall(), &claims, err) &&
	       jwt_sign(account->key, JWT_PS256, "x5t#S256", buf_cstr(&account->thumbprint), buf_cstr(&claims), ret,
			err);
}

/* The platform's token, without the line end that may stand behind it. It is replaced from time to time. */
static bool read_assertion(const struct azure_account *account, struct secret *ret, struct error *err)
{
	CLEANUP(secret_done) struct secret content = {0};
	if (!secret_read_file(&content, account->token_file, LIMIT_CREDENTIAL_FILE, /* private_only= */ false, err))
		return false;
	size_t len = content.data != NULL ? strcspn(content.data, " \r\n\t") : 0;
	if (len == 0)
		return error_set(err, ERROR_CONFIG, NULL, "%s holds no token", account->token_file);
	return secret_set(ret, content.data, len, err);
}

static bool fetch_for_application(struct azure_account *account, const char *what, struct deadline deadline,
				  struct secret *ret_token, int64_t *ret_seconds, struct error *err)
{
	CLEANUP(buf_done) struct buf form;
	CLEANUP(secret_done) struct secret assertion = {0};
	const struct provider_call call = {
		.step = "authorize",
		.what = what,
		.method = HTTP_POST,
		.url = account->token_url,
		.body = &form,
		.content_type = "application/x-www-form-urlencoded",
	};

	AUTO_FREE char *scope = str_format(err, "%s/.default", account->cloud->audience);
	buf_init(&form, 4 * LIMIT_CREDENTIAL_FILE);
	if (scope == NULL || (account->kind == AZURE_CERTIFICATE && !make_assertion(account, &assertion, err)) ||
	    (account->kind == AZURE_WORKLOAD && !read_assertion(account, &assertion, err)))
		return false;
	oauth_form_add(&form, "grant_type", "client_credentials");
	oauth_form_add(&form, "client_id", account->client_id);
	oauth_form_add(&form, "scope", scope);
	if (account->kind == AZURE_SECRET) {
		oauth_form_add(&form, "client_secret", account->secret.data);
	} else {
		oauth_form_add(&form, "client_assertion_type", ASSERTION_TYPE);
		oauth_form_add(&form, "client_assertion", assertion.data);
	}
	return buf_check(&form, "token request", err) &&
	       oauth_ask(&account->api, &call, deadline, ret_token, ret_seconds, err);
}

static bool fetch(void *ctx, struct deadline deadline, struct secret *ret_token, int64_t *ret_seconds,
		  struct error *err)
{
	struct azure_account *account = ctx;
	char what[WHAT_SIZE];
	const struct provider_call call = {
		.step = "authorize",
		.what = what,
		.method = HTTP_GET,
		.url = account->token_url,
		.metadata = true,
		.slow = true,
	};
	if (account->kind == AZURE_MANAGED) {
		(void)snprintf(what, sizeof(what), "cannot get one for %s", account->source);
		if (oauth_ask(&account->api, &call, deadline, ret_token, ret_seconds, err))
			return true;
		error_hint(err,
			   "outside of Azure set tenant_id, client_id and client_secret; inside, give the machine a "
			   "managed identity");
		return false;
	}
	(void)snprintf(what, sizeof(what), "cannot get one for %s from %.250s", account->source, account->token_url);
	return fetch_for_application(account, what, deadline, ret_token, ret_seconds, err);
}

/* The account. */

bool azure_account_open(const struct dns_provider_module *module, const struct dns_setting *settings, size_t count,
			struct http_client *client, struct azure_account *ret, struct error *err)
{
	CLEANUP(found_done) struct found found = {0};
	oauth_init(&ret->oauth, fetch, ret);
	buf_init(&ret->thumbprint, LIMIT_URL);
	if (!find_all(module, settings, count, &found, err) || !choose_cloud(&found, ret, err) ||
	    !choose_kind(&found, ret, err) ||
	    !(ret->kind == AZURE_MANAGED ? open_managed : open_application)(&found, ret, err))
		return false;
	ret->api = (struct provider_api){
		.title = "access token",
		.client = client,
		.headers = &ret->identity_header,
		.header_count = ret->kind == AZURE_MANAGED ? 1 : 0,
		.hints = hints,
		.read_failure = azure_read_failure,
	};
	log_debug("%s: using %s", module->title, ret->source);
	return true;
}

void azure_account_close(struct azure_account *account)
{
	free(account->client_id);
	free(account->token_url);
	free(account->token_file);
	secret_done(&account->secret);
	secret_done(&account->identity_header);
	jwt_key_free(account->key);
	buf_done(&account->thumbprint);
	oauth_done(&account->oauth);
}

bool azure_account_authorize(void *ctx, const struct provider_call *call, struct deadline deadline,
			     struct provider_headers *ret, struct error *err)
{
	struct azure_account *account = ctx;
	(void)call;
	return oauth_authorize(&account->oauth, deadline, ret, err);
}

void azure_account_renew(void *ctx, uint64_t mark)
{
	struct azure_account *account = ctx;
	oauth_renew(&account->oauth, mark);
}

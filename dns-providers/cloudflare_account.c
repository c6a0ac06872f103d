/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloudflare's two kinds of credential, API tokens and the global key with its e-mail address, are what users mix up
 * most: both are checked by their form before anybody is asked.
 */
#include "dns-providers/cloudflare_account.h"

#include "base/log.h"
#include "base/str.h"
#include "dns-providers/cloudflare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_PATH "/client/v4"

enum { GLOBAL_KEY_LEN = 37, TOKEN_LEN = 40 };

/* The settings of one instance, as found. */
struct settings {
	struct provider_setting token, zone_token, email, key, zone_id, account_id, url;
};

/* Settings. */

static void settings_done(struct settings *settings)
{
	provider_setting_done(&settings->token);
	provider_setting_done(&settings->zone_token);
	provider_setting_done(&settings->email);
	provider_setting_done(&settings->key);
	provider_setting_done(&settings->zone_id);
	provider_setting_done(&settings->account_id);
	provider_setting_done(&settings->url);
}

static bool has_key(const struct dns_setting *settings, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal(settings[i].key, key))
			return true;
	}
	return false;
}

static bool find_settings(const struct dns_setting *from, size_t count, struct settings *ret, struct error *err)
{
	/* A credential in the config is not mixed with another one that happens to be in the environment. */
	bool key_given = has_key(from, count, "api_key"), token_given = has_key(from, count, "api_token");
	const struct {
		const char *key;
		bool environment;
		struct provider_setting *ret;
	} wanted[] = {
		{"api_token", !key_given, &ret->token}, {"api_key", !token_given, &ret->key},
		{"email", !token_given, &ret->email},   {"zone_token", !key_given, &ret->zone_token},
		{"zone_id", true, &ret->zone_id},       {"account_id", true, &ret->account_id},
		{"api_url", true, &ret->url},
	};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (!provider_setting_find(&cloudflare_module, from, count, wanted[i].key, wanted[i].environment,
					   wanted[i].ret, err))
			return false;
	}
	return true;
}

static bool is_global_key(const struct secret *value)
{
	return value->len == GLOBAL_KEY_LEN && strspn(value->data, "0123456789abcdef") == GLOBAL_KEY_LEN;
}

static bool is_token(const struct secret *value)
{
	return value->len == TOKEN_LEN && strspn(value->data, "0123456789abcdef") < TOKEN_LEN;
}

/* The most frequent mistake: the one kind of credential where the other is expected. */
static bool check_kinds(const struct settings *settings, struct error *err)
{
	const struct provider_setting *tokens[] = {&settings->token, &settings->zone_token};
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		if (!is_global_key(&tokens[i]->value))
			continue;
		error_hint(err, "make an API token with DNS:Edit and Zone:Read, or set email and api_key instead");
		return error_set(err, ERROR_CONFIG, NULL,
				 "Cloudflare: %s looks like a global API key (37 hexadecimal digits), not like a token",
				 tokens[i]->source);
	}
	if (settings->token.value.data == NULL && is_token(&settings->key.value)) {
		error_hint(err, "set it as api_token, without email");
		return error_set(err, ERROR_CONFIG, NULL,
				 "Cloudflare: %s looks like an API token, not like the global API key",
				 settings->key.source);
	}
	return true;
}

static bool check_credential(const struct settings *settings, struct error *err)
{
	if (settings->token.value.data != NULL)
		return true;
	if (settings->key.value.data == NULL) {
		error_hint(err, "set api_token in the config, or the variable CLOUDFLARE_API_TOKEN");
		return error_set(err, ERROR_CONFIG, NULL, "Cloudflare needs an api_token, or email and api_key");
	}
	if (settings->email.value.data == NULL)
		return error_set(err, ERROR_CONFIG, NULL, "Cloudflare: api_key needs the account's email beside it");
	return true;
}

static bool check_forms(const struct settings *settings, struct error *err)
{
	const struct provider_setting *ids[] = {&settings->zone_id, &settings->account_id};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		if (ids[i]->value.data != NULL && !provider_id_is_valid(ids[i]->value.data))
			return error_set(err, ERROR_CONFIG, NULL, "Cloudflare: %s is no id of Cloudflare's",
					 ids[i]->source);
	}
	return settings->url.value.data == NULL || provider_check_url(&settings->url, err);
}

bool cloudflare_account_check(const struct dns_setting *from, size_t count, size_t *ret_index, struct error *err)
{
	CLEANUP(settings_done) struct settings settings = {0};
	*ret_index = count;
	return find_settings(from, count, &settings, err) && check_credential(&settings, err) &&
	       check_kinds(&settings, err) && check_forms(&settings, err);
}

/* The instance. */

void cloudflare_account_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	for (size_t i = 0; i < provider->cache_count; i++) {
		free(provider->cache[i].name);
		free(provider->cache[i].id);
	}
	free(provider->cache);
	free(provider->base);
	free(provider->zone_id);
	free(provider->account_id);
	for (size_t i = 0; i < ARRAY_LEN(provider->auth); i++)
		secret_done(&provider->auth[i]);
	secret_done(&provider->zone_auth);
	(void)pthread_mutex_destroy(&provider->lock);
	free(provider);
}

DEFINE_FREEP(provider_closep, struct dns_provider, cloudflare_account_close)

static bool header_line(const char *name, const struct secret *value, struct secret *ret, struct error *err)
{
	size_t name_len = strlen(name);
	if (!secret_reserve(ret, name_len + value->len, err))
		return false;
	memcpy(ret->data, name, name_len);
	memcpy(ret->data + name_len, value->data, value->len);
	return true;
}

static bool take_credential(struct dns_provider *provider, const struct settings *settings, struct error *err)
{
	const struct provider_setting *used = &settings->token;
	bool ok = used->value.data != NULL;
	if (ok) {
		ok = header_line("Authorization: Bearer ", &used->value, &provider->auth[0], err);
		provider->records.header_count = 1;
	} else {
		used = &settings->key;
		ok = header_line("X-Auth-Email: ", &settings->email.value, &provider->auth[0], err) &&
		     header_line("X-Auth-Key: ", &used->value, &provider->auth[1], err);
		provider->records.header_count = 2;
	}
	(void)snprintf(provider->source, sizeof(provider->source), "%s", used->source);
	provider->records.headers = provider->auth;
	provider->zones = provider->records;
	if (!ok || settings->zone_token.value.data == NULL)
		return ok;
	(void)snprintf(provider->source, sizeof(provider->source), "%s", settings->zone_token.source);
	provider->zones.headers = &provider->zone_auth;
	provider->zones.header_count = 1;
	return header_line("Authorization: Bearer ", &settings->zone_token.value, &provider->zone_auth, err);
}

struct dns_provider *cloudflare_account_open(const struct dns_setting *from, size_t count, struct http_client *client,
					     struct error *err)
{
	CLEANUP(settings_done) struct settings settings = {0};
	CLEANUP(provider_closep) struct dns_provider *provider = calloc(1, sizeof(*provider));

	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	(void)pthread_mutex_init(&provider->lock, NULL);
	provider->records = (struct provider_api){
		.title = cloudflare_module.title,
		.request_id_header = "cf-ray",
		.client = client,
	};
	if (!find_settings(from, count, &settings, err) || !check_credential(&settings, err) ||
	    !check_kinds(&settings, err) || !check_forms(&settings, err) ||
	    !take_credential(provider, &settings, err) ||
	    !str_set(&provider->base, settings.url.value.data ? settings.url.value.data : CLOUDFLARE_API_URL, err) ||
	    !str_set(&provider->zone_id, settings.zone_id.value.data, err) ||
	    !str_set(&provider->account_id, settings.account_id.value.data, err))
		return NULL;
	for (size_t len = strlen(provider->base); len > 0 && provider->base[len - 1] == '/'; len--)
		provider->base[len - 1] = '\0';
	log_debug("%s: using %s", provider->records.title, provider->source);
	return STEAL(provider);
}

/* Calls. */

static void add_hint(const struct cloudflare_failure *failure, struct error *err)
{
	static const struct {
		int64_t code;
		const char *hint;
	} hints[] = {
		{CLOUDFLARE_BAD_TOKEN_FORMAT,
		 "api_token is no API token; a global API key goes with email and api_key"},
		{CLOUDFLARE_BAD_KEY_FORMAT, "api_key is no global API key; an API token goes into api_token"},
		{CLOUDFLARE_UNKNOWN_KEY, "check email and api_key"},
		{CLOUDFLARE_INVALID_TOKEN,
		 "check the token: its text, its dates, and the addresses it may be used from"},
		{CLOUDFLARE_NOT_ALLOWED, "give the token DNS:Edit and Zone:Read on the zone"},
		{CLOUDFLARE_BAD_ROUTE, "check zone_id"},
	};
	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		if (cloudflare_failure_has(failure, hints[i].code))
			error_hint(err, "%s", hints[i].hint);
	}
}

/* Whether a 404 says that nothing of this API is there, so that it may live below API_PATH. */
static bool is_no_api(const struct http_response *answer)
{
	struct cloudflare_failure failure;
	return answer->status == 404 &&
	       (!cloudflare_read_failure(buf_cstr(&answer->body), answer->body.len, &failure) ||
		cloudflare_failure_has(&failure, CLOUDFLARE_NO_ROUTE));
}

static bool is_bare_host(const char *base)
{
	const char *host = strstr(base, "://");
	return host != NULL && strchr(host + 3, '/') == NULL;
}

/* Send CALL to PATH below the API's address. */
bool cloudflare_account_send(struct dns_provider *provider, const struct provider_api *api, struct provider_call *call,
			     const char *path, struct deadline deadline, struct http_response *ret, bool *ret_lost,
			     struct error *err)
{
	for (bool add_path = atomic_load(&provider->path_added);; add_path = true) {
		CLEANUP(http_response_done) struct http_response answer = {0};
		AUTO_FREE char *url = str_format(err, "%s%s%s", provider->base, add_path ? API_PATH : "", path);
		if (url == NULL)
			return false;
		call->url = url;
		bool sent = provider_send(api, call, deadline, &answer, ret_lost, err);
		call->url = NULL;
		if (!sent)
			return false;
		if (!add_path && is_bare_host(provider->base) && is_no_api(&answer))
			continue;
		if (add_path && !is_no_api(&answer))
			atomic_store(&provider->path_added, true);
		*ret = answer;
		answer = (struct http_response){0};
		return true;
	}
}

void cloudflare_account_refused(const struct provider_api *api, const struct provider_call *call,
				const struct http_response *answer, struct cloudflare_failure *ret, struct error *err)
{
	bool said = cloudflare_read_failure(buf_cstr(&answer->body), answer->body.len, ret);
	if (said)
		add_hint(ret, err);
	else
		*ret = (struct cloudflare_failure){0};
	(void)provider_refused(api, call, answer, said ? ret->text : NULL, err);
}

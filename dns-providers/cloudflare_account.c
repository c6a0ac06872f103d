/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloudflare's two kinds of credential, API tokens and the global key with its e-mail address, are what users mix up
 * most: both are checked by their form before anybody is asked.
 */
#include "dns-providers/cloudflare_account.h"

#include "base/log.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_PATH "/client/v4"

#define NO_ROUTE "7000"

enum { GLOBAL_KEY_LEN = 37, TOKEN_LEN = 40 };

static const struct provider_hint hints[] = {
	{"6111", "api_token is no API token; a global API key goes with email and api_key", false},
	{"6103", "api_key is no global API key; an API token goes into api_token", false},
	{"9103", "check email and api_key", false},
	{"9109", "check the token: its text, its dates, and the addresses it may be used from", false},
	{"10000", "give the token DNS:Edit and Zone:Read on the zone", false},
	{"7003", "check zone_id", false},
	{0},
};

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

static bool find_settings(const struct dns_provider_module *module, const struct dns_setting *from, size_t count,
			  struct settings *ret, struct error *err)
{
	/* A credential in the config is not mixed with another one that happens to be in the environment. */
	bool key_given = provider_setting_given(from, count, "api_key");
	bool token_given = provider_setting_given(from, count, "api_token");
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
		if (!provider_setting_find(module, from, count, wanted[i].key, wanted[i].environment, wanted[i].ret,
					   err))
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

bool cloudflare_account_check(const struct dns_provider_module *module, const struct dns_setting *from, size_t count,
			      size_t *ret_index, struct error *err)
{
	CLEANUP(settings_done) struct settings settings = {0};
	*ret_index = count;
	return find_settings(module, from, count, &settings, err) && check_credential(&settings, err) &&
	       check_kinds(&settings, err) && check_forms(&settings, err);
}

/* The instance. */

void cloudflare_account_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	provider_zones_done(&provider->found);
	provider_turns_done(&provider->turns);
	free(provider->base);
	free(provider->zone_id);
	free(provider->account_id);
	for (size_t i = 0; i < ARRAY_LEN(provider->auth); i++)
		secret_done(&provider->auth[i]);
	secret_done(&provider->zone_auth);
	free(provider);
}

DEFINE_FREEP(provider_closep, struct dns_provider, cloudflare_account_close)

static bool take_credential(struct dns_provider *provider, const struct settings *settings, struct error *err)
{
	const struct provider_setting *used = &settings->token;
	bool ok = used->value.data != NULL;
	if (ok) {
		ok = provider_header("Authorization: Bearer ", &used->value, &provider->auth[0], err);
		provider->records.header_count = 1;
	} else {
		used = &settings->key;
		ok = provider_header("X-Auth-Email: ", &settings->email.value, &provider->auth[0], err) &&
		     provider_header("X-Auth-Key: ", &used->value, &provider->auth[1], err);
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
	return provider_header("Authorization: Bearer ", &settings->zone_token.value, &provider->zone_auth, err);
}

struct dns_provider *cloudflare_account_open(const struct dns_provider_module *module, const struct dns_setting *from,
					     size_t count, struct http_client *client, struct error *err)
{
	CLEANUP(settings_done) struct settings settings = {0};
	CLEANUP(provider_closep) struct dns_provider *provider = calloc(1, sizeof(*provider));

	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	provider_zones_init(&provider->found);
	provider_turns_init(&provider->turns, module->at_once);
	provider->records = (struct provider_api){
		.title = module->title,
		.request_id_header = "cf-ray",
		.client = client,
		.turns = &provider->turns,
		.hints = hints,
	};
	if (!find_settings(module, from, count, &settings, err) || !check_credential(&settings, err) ||
	    !check_kinds(&settings, err) || !check_forms(&settings, err) ||
	    !take_credential(provider, &settings, err) ||
	    !provider_base_url(&settings.url, CLOUDFLARE_API_URL, &provider->base, err) ||
	    !str_set(&provider->zone_id, settings.zone_id.value.data, err) ||
	    !str_set(&provider->account_id, settings.account_id.value.data, err))
		return NULL;
	log_debug("%s: using %s", provider->records.title, provider->source);
	return STEAL(provider);
}

/* Calls. */

/* Whether a refusal says that nothing of this API is there, so that it may live below API_PATH. */
static bool is_no_api(enum provider_result result, const struct error *cause, const struct provider_failure *failure)
{
	return result == PROVIDER_REFUSED && cause->http_status == 404 &&
	       (failure->count == 0 || provider_failure_has(failure, NO_ROUTE));
}

static bool is_bare_host(const char *base)
{
	const char *host = strstr(base, "://");
	return host != NULL && strchr(host + 3, '/') == NULL;
}

enum provider_result cloudflare_account_call(struct dns_provider *provider, const struct provider_api *api,
					     struct provider_call *call, const char *path, struct deadline deadline,
					     struct http_response *ret, struct provider_failure *ret_failure,
					     struct error *err)
{
	for (bool add_path = atomic_load(&provider->path_added);; add_path = true) {
		struct provider_failure failure = {0};
		struct error cause = {0};
		AUTO_FREE char *url = str_format(err, "%s%s%s", provider->base, add_path ? API_PATH : "", path);
		if (url == NULL)
			return PROVIDER_FAILED;
		call->url = url;
		enum provider_result result = provider_call_api(api, call, deadline, ret, &failure, &cause);
		call->url = NULL;
		bool no_api = is_no_api(result, &cause, &failure);
		if (no_api && !add_path && is_bare_host(provider->base))
			continue;
		if (add_path && !no_api)
			atomic_store(&provider->path_added, true);
		if (result != PROVIDER_OK)
			*err = cause;
		if (ret_failure != NULL)
			*ret_failure = failure;
		return result;
	}
}

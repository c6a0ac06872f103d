/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloudflare: one record per value, so adding and removing never touch another value. A create whose answer is lost is
 * looked for before it is sent again, since the API would keep both.
 */
#include "dns-providers/cloudflare.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "dns-providers/cloudflare_message.h"
#include "dns-providers/common.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_URL "https://api.cloudflare.com/client/v4"
#define API_PATH "/client/v4"

enum {
	ADD_TRIES = 4,
	ZONE_CACHE_MAX = 1000, /* names looked up, found or not; beyond that they are asked for again */
	GLOBAL_KEY_LEN = 37,
	TOKEN_LEN = 40,
};

static const struct dns_provider_key keys[] = {
	{"api_token", "CLOUDFLARE_API_TOKEN,CLOUDFLARE_DNS_API_TOKEN,CF_DNS_API_TOKEN,CF_API_TOKEN,CF_Token", false,
	 true, "an API token with DNS:Edit and Zone:Read on the zone"},
	{"zone_token", "CLOUDFLARE_ZONE_API_TOKEN,CF_ZONE_API_TOKEN", false, true,
	 "an API token with Zone:Read, where api_token may only edit records"},
	{"email", "CLOUDFLARE_EMAIL,CF_API_EMAIL,CF_Email", false, false, "the account's e-mail address, for api_key"},
	{"api_key", "CLOUDFLARE_API_KEY,CF_API_KEY,CF_Key", false, true,
	 "the account's global API key, with email; an api_token is the better choice"},
	{"zone_id", "CLOUDFLARE_ZONE_ID,CF_Zone_ID", false, false, "the zone's id: no zone is looked up then"},
	{"account_id", "CLOUDFLARE_ACCOUNT_ID,CF_Account_ID", false, false,
	 "looks for zones in this account only, where several have one of the same name"},
	{"api_url", "CLOUDFLARE_API_URL,CLOUDFLARE_BASE_URL", false, false, "the API's address, by default " API_URL},
	{0},
};

/* The settings of one instance, as found. */
struct settings {
	struct provider_setting token, zone_token, email, key, zone_id, account_id, url;
};

/* What a candidate name turned out to be. */
struct cached_zone {
	char *name;
	char *id; /* NULL: no usable zone */
};

struct dns_provider {
	char *base;                  /* the API's address without a final "/" */
	atomic_bool path_added;      /* BASE was a bare host, and the API turned out to live below API_PATH there */
	char *zone_id;               /* as configured; NULL: look it up */
	char *account_id;            /* or NULL */
	char source[128];            /* which credential is used, for messages */
	struct secret auth[2];       /* header lines for records */
	struct secret zone_auth;     /* for zones, where another token does that; else empty */
	struct provider_api records; /* both borrow the above */
	struct provider_api zones;
	pthread_mutex_t lock; /* of the cache */
	struct cached_zone *cache;
	size_t cache_count;
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

static bool cloudflare_check(const struct dns_setting *from, size_t count, size_t *ret_index, struct error *err)
{
	CLEANUP(settings_done) struct settings settings = {0};
	*ret_index = count;
	return find_settings(from, count, &settings, err) && check_credential(&settings, err) &&
	       check_kinds(&settings, err) && check_forms(&settings, err);
}

/* The instance. */

static void cloudflare_close(struct dns_provider *provider)
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

DEFINE_FREEP(provider_closep, struct dns_provider, cloudflare_close)

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

static struct dns_provider *cloudflare_open(const struct dns_setting *from, size_t count, struct http_client *client,
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
	    !str_set(&provider->base, settings.url.value.data ? settings.url.value.data : API_URL, err) ||
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
static bool send_to(struct dns_provider *provider, const struct provider_api *api, struct provider_call *call,
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

/* An answer that is not 200: true with what the API said in RET where it said something. Sets the error. */
static bool refused(const struct provider_api *api, const struct provider_call *call,
		    const struct http_response *answer, struct cloudflare_failure *ret, struct error *err)
{
	bool said = cloudflare_read_failure(buf_cstr(&answer->body), answer->body.len, ret);
	if (said)
		add_hint(ret, err);
	(void)provider_refused(api, call, answer, said ? ret->text : NULL, err);
	return said;
}

/* Zones. */

static bool cache_find(struct dns_provider *provider, const char *name, bool *ret_known, char **ret_id,
		       struct error *err)
{
	bool ok = true;
	*ret_known = false;
	(void)pthread_mutex_lock(&provider->lock);
	for (size_t i = 0; i < provider->cache_count && !*ret_known; i++) {
		if (!str_equal(provider->cache[i].name, name))
			continue;
		*ret_known = true;
		ok = str_set(ret_id, provider->cache[i].id, err);
	}
	(void)pthread_mutex_unlock(&provider->lock);
	return ok;
}

/* Forgetting is no failure: the name is asked for again then. */
static void cache_add(struct dns_provider *provider, const char *name, const char *id)
{
	struct error ignored = {0};
	struct cached_zone entry = {0};
	(void)pthread_mutex_lock(&provider->lock);
	struct cached_zone *cache = NULL;
	if (provider->cache_count < ZONE_CACHE_MAX && str_set(&entry.name, name, &ignored) &&
	    str_set(&entry.id, id, &ignored))
		cache = reallocarray(provider->cache, provider->cache_count + 1, sizeof(*cache));
	if (cache != NULL) {
		provider->cache = cache;
		cache[provider->cache_count++] = entry;
	} else {
		free(entry.name);
		free(entry.id);
	}
	(void)pthread_mutex_unlock(&provider->lock);
}

/* Ask for the zone called exactly NAME. */
static bool ask_zone(struct dns_provider *provider, const char *name, struct deadline deadline,
		     struct cloudflare_zones *ret, struct error *err)
{
	struct provider_call call = {.step = "find-zone", .what = "cannot look for the zone", .method = HTTP_GET};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct cloudflare_failure failure;
	struct error cause = {0};
	bool lost = false;
	AUTO_FREE char *path =
		str_format(err, "/zones?name=%s&per_page=50%s%s", name, provider->account_id ? "&account.id=" : "",
			   provider->account_id ? provider->account_id : "");

	if (path == NULL || !send_to(provider, &provider->zones, &call, path, deadline, &answer, &lost, err))
		return false;
	if (answer.status != 200) {
		(void)refused(&provider->zones, &call, &answer, &failure, err);
		return false;
	}
	if (!cloudflare_read_zones(buf_cstr(&answer.body), answer.body.len, name, ret, &cause))
		return provider_failed(&provider->zones, &call, &cause, err);
	return true;
}

/* *RET_ID: the id of the usable zone called NAME, or NULL. PENDING collects the names of zones that are not active. */
static bool look_up_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			 struct buf *pending, struct error *err)
{
	struct cloudflare_zones zones = {0};
	bool known = false;

	if (!cache_find(provider, name, &known, ret_id, err) || known)
		return known;
	if (!ask_zone(provider, name, deadline, &zones, err))
		return false;
	if (zones.active > 1) {
		error_hint(err, "set account_id or zone_id");
		return error_set(err, ERROR_DNS, "find-zone", "Cloudflare: %zu active zones are called %s",
				 zones.active, name);
	}
	if (zones.active == 0 && zones.status[0] != '\0')
		buf_printf(pending, "; the zone %s is there, but its status is \"%s\"", name, zones.status);
	if (zones.partial)
		log_debug("Cloudflare: %s is a partial zone: its records show only where CNAMEs lead to Cloudflare",
			  name);
	/* A pending zone is not remembered: the message has to tell of it each time. */
	if (zones.active == 0 && zones.status[0] == '\0')
		cache_add(provider, name, /* id= */ NULL);
	if (zones.active == 0)
		return true;
	cache_add(provider, name, zones.id);
	return str_set(ret_id, zones.id, err);
}

static bool cloudflare_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline,
				 char **ret_id, char **ret_zone, struct error *err)
{
	CLEANUP(buf_done) struct buf tried;
	CLEANUP(buf_done) struct buf pending;
	AUTO_FREE char *id = NULL;
	AUTO_FREE char *zone = NULL;

	buf_init(&tried, ERROR_TEXT_MAX);
	buf_init(&pending, ERROR_TEXT_MAX);
	if (!provider_name_is_valid(name))
		return error_set(err, ERROR_DNS, "find-zone", "Cloudflare: not a name that can have a zone");
	if (provider->zone_id != NULL) {
		/* Its apex is not asked for, since the token may not be allowed to; it is only for messages. */
		if (!str_set(&id, provider->zone_id, err) || !str_set(&zone, provider->zone_id, err))
			return false;
	}
	/* From the full name, since _acme-challenge itself may be delegated, down to two labels. */
	for (const char *at = name; id == NULL && strchr(at, '.') != NULL; at = strchr(at, '.') + 1) {
		if (!look_up_zone(provider, at, deadline, &id, &pending, err))
			return false;
		buf_printf(&tried, "%s%s", tried.len > 0 ? ", " : "", at);
		if (id != NULL && !str_set(&zone, at, err))
			return false;
	}
	if (id == NULL) {
		error_hint(err, pending.len > 0 ? "the domain's name servers must be Cloudflare's"
						: "give the token Zone:Read and DNS:Edit on the zone, or set zone_id");
		return error_set(err, ERROR_DNS, "find-zone",
				 "Cloudflare: %s sees no zone that holds %s; asked for %s%s", provider->source, name,
				 buf_cstr(&tried), buf_cstr(&pending));
	}
	*ret_id = STEAL(id);
	*ret_zone = STEAL(zone);
	return true;
}

/* Records. */

/* Both come back from our own files: nothing else than they may get into a URL. */
static bool check_target(const char *step, const char *zone_id, const char *name, struct error *err)
{
	if (provider_id_is_valid(zone_id) && provider_name_is_valid(name))
		return true;
	return error_set(err, ERROR_DNS, step, "Cloudflare: malformed zone id or record name");
}

static bool list_records(struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
			 const char *value, struct deadline deadline, struct str_list *ret_ids, struct error *err)
{
	struct provider_call call = {.step = step, .what = "cannot list the records", .method = HTTP_GET};
	struct provider_pages pages = {0};
	bool lost = false, more = true;

	while (provider_pages_next(&pages, provider->records.title, &more, err) && more) {
		CLEANUP(http_response_done) struct http_response answer = {0};
		struct cloudflare_failure failure;
		struct error cause = {0};
		AUTO_FREE char *path = str_format(err, "/zones/%s/dns_records?type=TXT&name=%s&per_page=100&page=%u",
						  zone_id, name, pages.page);
		if (path == NULL || !send_to(provider, &provider->records, &call, path, deadline, &answer, &lost, err))
			return false;
		if (answer.status != 200) {
			(void)refused(&provider->records, &call, &answer, &failure, err);
			return false;
		}
		if (!cloudflare_read_records(buf_cstr(&answer.body), answer.body.len, name, value, ret_ids, &pages,
					     &cause))
			return provider_failed(&provider->records, &call, &cause, err);
	}
	return !more;
}

/* What one attempt to create came to. */
enum created { CREATED, CREATED_UNSURE, CREATED_NOT };

static enum created create_record(struct dns_provider *provider, const char *zone_id, const struct buf *body,
				  struct deadline deadline, char ret_id[CLOUDFLARE_ID_MAX], struct error *err)
{
	struct provider_call call = {
		.step = "add-record",
		.what = "cannot add the record",
		.method = HTTP_POST,
		.json = body,
		.creates = true,
	};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct cloudflare_failure failure = {0};
	struct error cause = {0};
	bool lost = false;
	AUTO_FREE char *path = str_format(err, "/zones/%s/dns_records", zone_id);

	if (path == NULL)
		return CREATED_NOT;
	if (!send_to(provider, &provider->records, &call, path, deadline, &answer, &lost, err))
		return lost ? CREATED_UNSURE : CREATED_NOT;
	if (answer.status != 200) {
		(void)refused(&provider->records, &call, &answer, &failure, err);
		return cloudflare_failure_has(&failure, CLOUDFLARE_RECORD_EXISTS) ||
				       cloudflare_failure_has(&failure, CLOUDFLARE_RECORD_IDENTICAL)
			       ? CREATED_UNSURE
			       : CREATED_NOT;
	}
	if (cloudflare_read_created(buf_cstr(&answer.body), answer.body.len, ret_id, &cause))
		return CREATED;
	(void)provider_failed(&provider->records, &call, &cause, err);
	return CREATED_UNSURE;
}

static bool cloudflare_add_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			       struct deadline deadline, char **ret_record, struct error *err)
{
	CLEANUP(buf_done) struct buf body;
	char id[CLOUDFLARE_ID_MAX];

	buf_init(&body, LIMIT_JSON_BODY);
	if (!check_target("add-record", zone_id, name, err) || !cloudflare_write_record(name, value, &body, err))
		return false;
	for (unsigned attempt = 1;; attempt++) {
		CLEANUP(str_list_done) struct str_list found = {0};
		struct error cause = {0}, listing = {0};
		enum created created = create_record(provider, zone_id, &body, deadline, id, &cause);
		if (created == CREATED)
			return str_set(ret_record, id, err);
		/* There already, or its answer lost: the list tells. */
		bool listed = created == CREATED_UNSURE &&
			      list_records(provider, "add-record", zone_id, name, value, deadline, &found, &listing);
		if (listed && found.len > 0)
			return str_set(ret_record, found.items[0], err);
		if (!listed || !cause.transient || attempt == ADD_TRIES ||
		    !provider_pause(attempt, "add-record", deadline, &listing)) {
			*err = cause;
			return false;
		}
	}
}

static bool delete_record(struct dns_provider *provider, const char *zone_id, const char *record,
			  struct deadline deadline, struct error *err)
{
	struct provider_call call = {
		.step = "remove-record",
		.what = "cannot remove the record",
		.method = HTTP_DELETE,
	};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct cloudflare_failure failure = {0};
	struct error cause = {0};
	bool lost = false;
	AUTO_FREE char *path = str_format(err, "/zones/%s/dns_records/%s", zone_id, record);

	if (path == NULL || !send_to(provider, &provider->records, &call, path, deadline, &answer, &lost, err))
		return false;
	if (answer.status == 200)
		return true;
	if (refused(&provider->records, &call, &answer, &failure, &cause) &&
	    cloudflare_failure_has(&failure, CLOUDFLARE_UNKNOWN_RECORD))
		return true;
	*err = cause;
	return false;
}

static bool cloudflare_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name,
				  const char *value, const char *record, struct deadline deadline, struct error *err)
{
	CLEANUP(str_list_done) struct str_list found = {0};

	if (!check_target("remove-record", zone_id, name, err))
		return false;
	if (record != NULL && provider_id_is_valid(record))
		return delete_record(provider, zone_id, record, deadline, err);
	if (!list_records(provider, "remove-record", zone_id, name, value, deadline, &found, err))
		return false;
	for (size_t i = 0; i < found.len; i++) {
		if (!delete_record(provider, zone_id, found.items[i], deadline, err))
			return false;
	}
	return true;
}

const struct dns_provider_module cloudflare_module = {
	.name = "cloudflare",
	.title = "Cloudflare",
	.url = "https://developers.cloudflare.com/fundamentals/api/get-started/create-token/",
	.keys = keys,
	.check = cloudflare_check,
	.open = cloudflare_open,
	.close = cloudflare_close,
	.find_zone = cloudflare_find_zone,
	.add_txt = cloudflare_add_txt,
	.remove_txt = cloudflare_remove_txt,
};

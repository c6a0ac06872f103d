/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloudflare: one record per value, so adding and removing never touch another value. A create whose answer is lost is
 * looked for before it is sent again, since the API would keep both.
 */
#include "dns-providers/cloudflare.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "dns-providers/cloudflare_account.h"
#include "dns-providers/cloudflare_message.h"
#include "dns-providers/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WHAT_SIZE = 320, /* a sentence with a name in it */
	ADD_TRIES = 4,
	ZONE_CACHE_MAX = 1000, /* names looked up, found or not; beyond that they are asked for again */
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
	{"api_url", "CLOUDFLARE_API_URL,CLOUDFLARE_BASE_URL", false, false,
	 "the API's address, by default " CLOUDFLARE_API_URL},
	{0},
};

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
	char what[WHAT_SIZE];
	struct provider_call call = {.step = "find-zone", .what = what, .method = HTTP_GET};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct cloudflare_failure failure = {0};
	struct error cause = {0};
	bool lost = false;
	AUTO_FREE char *path =
		str_format(err, "/zones?name=%s&per_page=50%s%s", name, provider->account_id ? "&account.id=" : "",
			   provider->account_id ? provider->account_id : "");

	(void)snprintf(what, sizeof(what), "cannot look for the zone %s", name);
	if (path == NULL ||
	    !cloudflare_account_send(provider, &provider->zones, &call, path, deadline, &answer, &lost, err))
		return false;
	if (answer.status != 200) {
		cloudflare_account_refused(&provider->zones, &call, &answer, &failure, err);
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
	char what[WHAT_SIZE];
	struct provider_call call = {.step = step, .what = what, .method = HTTP_GET};
	struct provider_pages pages = {0};
	bool lost = false, more = true;

	(void)snprintf(what, sizeof(what), "cannot list the TXT records at %s", name);
	while (provider_pages_next(&pages, provider->records.title, &more, err) && more) {
		CLEANUP(http_response_done) struct http_response answer = {0};
		struct cloudflare_failure failure = {0};
		struct error cause = {0};
		AUTO_FREE char *path = str_format(err, "/zones/%s/dns_records?type=TXT&name=%s&per_page=100&page=%u",
						  zone_id, name, pages.page);
		if (path == NULL ||
		    !cloudflare_account_send(provider, &provider->records, &call, path, deadline, &answer, &lost, err))
			return false;
		if (answer.status != 200) {
			cloudflare_account_refused(&provider->records, &call, &answer, &failure, err);
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

static enum created create_record(struct dns_provider *provider, const char *zone_id, const char *name,
				  const struct buf *body, struct deadline deadline, char ret_id[CLOUDFLARE_ID_MAX],
				  struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_call call = {
		.step = "add-record",
		.what = what,
		.method = HTTP_POST,
		.json = body,
		.creates = true,
	};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct cloudflare_failure failure = {0};
	struct error cause = {0};
	bool lost = false;
	AUTO_FREE char *path = str_format(err, "/zones/%s/dns_records", zone_id);

	(void)snprintf(what, sizeof(what), "cannot add the TXT record at %s", name);
	if (path == NULL)
		return CREATED_NOT;
	if (!cloudflare_account_send(provider, &provider->records, &call, path, deadline, &answer, &lost, err))
		return lost ? CREATED_UNSURE : CREATED_NOT;
	if (answer.status != 200) {
		cloudflare_account_refused(&provider->records, &call, &answer, &failure, err);
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
		enum created created = create_record(provider, zone_id, name, &body, deadline, id, &cause);
		if (created == CREATED)
			return str_set(ret_record, id, err);
		/* There already, or its answer lost: the list tells. */
		bool listed = created == CREATED_UNSURE &&
			      list_records(provider, "add-record", zone_id, name, value, deadline, &found, &listing);
		if (listed && found.len > 0)
			return str_set(ret_record, found.items[0], err);
		if (!listed || !cause.transient || attempt == ADD_TRIES ||
		    !provider_pause(attempt, "add-record", deadline, &listing)) {
			*err = listing.category == ERROR_CANCELLED ? listing : cause;
			return false;
		}
	}
}

static bool delete_record(struct dns_provider *provider, const char *zone_id, const char *name, const char *record,
			  struct deadline deadline, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_call call = {
		.step = "remove-record",
		.what = what,
		.method = HTTP_DELETE,
	};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct cloudflare_failure failure = {0};
	struct error cause = {0};
	bool lost = false;
	AUTO_FREE char *path = str_format(err, "/zones/%s/dns_records/%s", zone_id, record);

	(void)snprintf(what, sizeof(what), "cannot remove the TXT record at %s", name);
	if (path == NULL ||
	    !cloudflare_account_send(provider, &provider->records, &call, path, deadline, &answer, &lost, err))
		return false;
	if (answer.status == 200)
		return true;
	cloudflare_account_refused(&provider->records, &call, &answer, &failure, &cause);
	if (cloudflare_failure_has(&failure, CLOUDFLARE_UNKNOWN_RECORD))
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
		return delete_record(provider, zone_id, name, record, deadline, err);
	if (!list_records(provider, "remove-record", zone_id, name, value, deadline, &found, err))
		return false;
	for (size_t i = 0; i < found.len; i++) {
		if (!delete_record(provider, zone_id, name, found.items[i], deadline, err))
			return false;
	}
	return true;
}

const struct dns_provider_module cloudflare_module = {
	.name = "cloudflare",
	.title = "Cloudflare",
	.url = "https://developers.cloudflare.com/fundamentals/api/get-started/create-token/",
	.keys = keys,
	.check = cloudflare_account_check,
	.open = cloudflare_account_open,
	.close = cloudflare_account_close,
	.find_zone = cloudflare_find_zone,
	.add_txt = cloudflare_add_txt,
	.remove_txt = cloudflare_remove_txt,
};

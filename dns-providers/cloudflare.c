/* SPDX-License-Identifier: Apache-2.0 */
/* Cloudflare: one record per value. A second equal one is refused, which the list then explains. */
#include "dns-providers/cloudflare.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "dns-providers/cloudflare_account.h"
#include "dns-providers/cloudflare_message.h"
#include "dns-providers/common.h"
#include "dns-providers/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_EXISTS "81057"
#define RECORD_IDENTICAL "81058"
#define UNKNOWN_RECORD "81044"

enum { WHAT_SIZE = 320 /* a sentence with a name in it */ };

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

/* Ask for the zone called exactly NAME. */
static bool list_zones(struct dns_provider *provider, const char *name, struct deadline deadline,
		       struct cloudflare_zones *ret, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_call call = {.step = "find-zone", .what = what, .method = HTTP_GET};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	AUTO_FREE char *path =
		str_format(err, "/zones?name=%s&per_page=50%s%s", name, provider->account_id ? "&account.id=" : "",
			   provider->account_id ? provider->account_id : "");

	(void)snprintf(what, sizeof(what), "cannot look for the zone %s", name);
	if (path == NULL || cloudflare_account_call(provider, &provider->zones, &call, path, deadline, &answer, NULL,
						    err) != PROVIDER_OK)
		return false;
	if (!cloudflare_read_zones(buf_cstr(&answer.body), answer.body.len, name, ret, &cause))
		return provider_failed(&provider->zones, &call, &cause, err);
	return true;
}

static bool ask_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
		     struct buf *unusable, struct error *err)
{
	struct cloudflare_zones zones = {0};
	if (!list_zones(provider, name, deadline, &zones, err))
		return false;
	if (zones.active > 1) {
		error_hint(err, "set account_id or zone_id");
		return error_set(err, ERROR_DNS, "find-zone", "Cloudflare: %zu active zones are called %s",
				 zones.active, name);
	}
	if (zones.active == 0 && zones.status[0] != '\0')
		buf_printf(unusable, "its status is \"%s\"", zones.status);
	if (zones.partial)
		log_debug("Cloudflare: %s is a partial zone: its records show only where CNAMEs lead to Cloudflare",
			  name);
	return zones.active == 0 || str_set(ret_id, zones.id, err);
}

static bool cloudflare_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline,
				 char **ret_id, char **ret_zone, struct error *err)
{
	const struct provider_zone_search search = {
		.title = provider->zones.title,
		.source = provider->source,
		.hint = "give the token Zone:Read and DNS:Edit on the zone, or set zone_id",
		.unusable_hint = "the domain's name servers must be Cloudflare's",
		.ask = ask_zone,
	};
	AUTO_FREE char *id = NULL;

	if (provider->zone_id == NULL)
		return provider_zones_find(&provider->found, &search, provider, name, deadline, ret_id, ret_zone, err);
	/* Its apex is not asked for, since the token may not be allowed to; it is only for messages. */
	if (!str_set(&id, provider->zone_id, err) || !str_set(ret_zone, provider->zone_id, err))
		return false;
	*ret_id = STEAL(id);
	return true;
}

static bool cloudflare_takes_any_name(const struct dns_provider *provider)
{
	return provider->zone_id != NULL;
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
	bool more = true;

	(void)snprintf(what, sizeof(what), "cannot list the TXT records at %s", name);
	while (provider_pages_next(&pages, provider->records.title, &more, err) && more) {
		CLEANUP(http_response_done) struct http_response answer = {0};
		struct error cause = {0};
		AUTO_FREE char *path = str_format(err, "/zones/%s/dns_records?type=TXT&name=%s&per_page=100&page=%u",
						  zone_id, name, pages.page);
		if (path == NULL || cloudflare_account_call(provider, &provider->records, &call, path, deadline,
							    &answer, NULL, err) != PROVIDER_OK)
			return false;
		if (!cloudflare_read_records(buf_cstr(&answer.body), answer.body.len, name, value, ret_ids, &pages,
					     &cause))
			return provider_failed(&provider->records, &call, &cause, err);
	}
	return !more;
}

static enum provider_created create_record(struct dns_provider *provider, const char *zone_id, const char *name,
					   const char *value, struct deadline deadline, char **ret_id,
					   struct error *err)
{
	char what[WHAT_SIZE], id[CLOUDFLARE_ID_MAX];
	CLEANUP(buf_done) struct buf body;
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct provider_call call = {
		.step = "add-record",
		.what = what,
		.method = HTTP_POST,
		.body = &body,
		.creates = true,
	};
	struct provider_failure failure = {0};
	struct error cause = {0};
	AUTO_FREE char *path = str_format(err, "/zones/%s/dns_records", zone_id);

	(void)snprintf(what, sizeof(what), "cannot add the TXT record at %s", name);
	buf_init(&body, LIMIT_JSON_BODY);
	if (path == NULL || !cloudflare_write_record(name, value, &body, err))
		return PROVIDER_CREATED_NOT;
	enum provider_result result =
		cloudflare_account_call(provider, &provider->records, &call, path, deadline, &answer, &failure, err);
	if (result == PROVIDER_LOST || provider_failure_has(&failure, RECORD_EXISTS) ||
	    provider_failure_has(&failure, RECORD_IDENTICAL))
		return PROVIDER_CREATED_UNSURE;
	if (result != PROVIDER_OK)
		return PROVIDER_CREATED_NOT;
	if (!cloudflare_read_created(buf_cstr(&answer.body), answer.body.len, id, &cause)) {
		(void)provider_failed(&provider->records, &call, &cause, err);
		return PROVIDER_CREATED_UNSURE;
	}
	return str_set(ret_id, id, err) ? PROVIDER_CREATED : PROVIDER_CREATED_NOT;
}

static bool delete_record(struct dns_provider *provider, const char *zone_id, const char *name, const char *record,
			  struct deadline deadline, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_call call = {
		.step = "remove-record",
		.what = what,
		.method = HTTP_DELETE,
		.also_fine = UNKNOWN_RECORD,
	};
	CLEANUP(http_response_done) struct http_response answer = {0};
	AUTO_FREE char *path = str_format(err, "/zones/%s/dns_records/%s", zone_id, record);

	(void)snprintf(what, sizeof(what), "cannot remove the TXT record at %s", name);
	return path != NULL && cloudflare_account_call(provider, &provider->records, &call, path, deadline, &answer,
						       NULL, err) == PROVIDER_OK;
}

static const struct provider_records records = {
	.list = list_records,
	.create = create_record,
	.remove = delete_record,
};

static bool cloudflare_add_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			       struct deadline deadline, char **ret_record, struct error *err)
{
	return check_target("add-record", zone_id, name, err) &&
	       provider_records_add(&records, provider, zone_id, name, value, deadline, ret_record, err);
}

static bool cloudflare_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name,
				  const char *value, const char *record, struct deadline deadline, struct error *err)
{
	return check_target("remove-record", zone_id, name, err) &&
	       provider_records_remove(&records, provider, zone_id, name, value, record, deadline, err);
}

static bool cloudflare_check(const struct dns_setting *settings, size_t count, size_t *ret_index, struct error *err)
{
	return cloudflare_account_check(&cloudflare_module, settings, count, ret_index, err);
}

static struct dns_provider *cloudflare_open(const struct dns_setting *settings, size_t count,
					    struct http_client *client, struct error *err)
{
	return cloudflare_account_open(&cloudflare_module, settings, count, client, err);
}

const struct dns_provider_module cloudflare_module = {
	.name = "cloudflare",
	.title = "Cloudflare",
	.url = "https://developers.cloudflare.com/fundamentals/api/get-started/create-token/",
	.keys = keys,
	.at_once = 4, /* 1200 in five minutes */
	.check = cloudflare_check,
	.open = cloudflare_open,
	.close = cloudflare_account_close,
	.find_zone = cloudflare_find_zone,
	.takes_any_name = cloudflare_takes_any_name,
	.add_txt = cloudflare_add_txt,
	.remove_txt = cloudflare_remove_txt,
};

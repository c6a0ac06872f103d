/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DigitalOcean: one record per value, names relative to the domain, whose name is its id. The API keeps an equal record
 * twice, so a value is looked for before it is added. The newest records stand on the last page.
 */
#include "dns-providers/digitalocean.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "dns-providers/records.h"
#include "dns-providers/turns.h"
#include "dns-providers/zones.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_URL "https://api.digitalocean.com"

enum {
	WHAT_SIZE = 320,
	TEXT_MAX = 512,
	DATA_MAX = 8192,
	TTL_SECONDS = 30, /* the least it takes */
	PER_PAGE = 200,   /* the most it gives */
};

struct dns_provider {
	struct provider_api api;
	char *base;
	char source[128];
	struct secret auth;
	struct provider_turns turns;
	struct provider_zones found;
};

static const struct dns_provider_key keys[] = {
	{"token", "DIGITALOCEAN_TOKEN,DIGITALOCEAN_ACCESS_TOKEN,DO_AUTH_TOKEN,DO_API_KEY", true, true,
	 "an API token with the scopes domain:read, domain:create, domain:update and domain:delete"},
	{"api_url", "DIGITALOCEAN_API_URL,DO_API_URL", false, false, "the API's address, by default " API_URL},
	{0},
};

static const struct provider_hint hints[] = {
	{"unauthorized", "check the token: its text and its date of expiry", false},
	{"Unauthorized", "check the token: its text and its date of expiry", false},
	{"forbidden", "give the token the scopes domain:read, domain:create, domain:update and domain:delete", false},
	{"Forbidden", "give the token the scopes domain:read, domain:create, domain:update and domain:delete", false},
	{0},
};

/* Answers. */

static const char *const WHAT = "the API's answer";

static bool read_id(const json_t *record, char ret[32], struct error *err)
{
	int64_t id = 0;
	if (!json_need_int(record, "id", 1, INT64_MAX, &id, err))
		return false;
	(void)snprintf(ret, 32, "%" PRId64, id);
	return true;
}

static bool read_record(const json_t *record, const char *relative, const char *value, struct str_list *ids,
			struct error *err)
{
	const char *type = NULL, *name = NULL, *data = NULL;
	char id[32];

	if (!json_need_str(record, "type", TEXT_MAX, &type, err) ||
	    !json_need_str(record, "name", TEXT_MAX, &name, err) || !read_id(record, id, err))
		return false;
	if (!str_equal(type, "TXT") || !str_equal_nocase(name, relative))
		return true;
	if (!json_need_str(record, "data", DATA_MAX, &data, err))
		return false;
	return !str_equal(data, value) || str_list_add_once(ids, id, err);
}

bool digitalocean_read_domain(const char *text, size_t len, const char *name, struct error *err)
{
	const json_t *domain = NULL;
	const char *called = "";
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);

	if (root == NULL || !json_opt_object(root, "domain", &domain, err) ||
	    (domain != NULL && !json_need_str(domain, "name", TEXT_MAX, &called, err)))
		return false;
	return str_equal_nocase(called, name) ||
	       error_set(err, ERROR_DATA, NULL, "%s is not about the domain %s", WHAT, name);
}

bool digitalocean_read_records(const char *text, size_t len, const char *relative, const char *value,
			       struct str_list *ids, struct provider_pages *pages, struct error *err)
{
	const json_t *list = NULL, *links = NULL, *next = NULL;
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);

	if (root == NULL || !json_opt_array(root, "domain_records", &list, err) ||
	    !json_opt_object(root, "links", &links, err) ||
	    (links != NULL && !json_opt_object(links, "pages", &next, err)))
		return false;
	if (list == NULL)
		return error_set(err, ERROR_DATA, NULL, "%s has no list", WHAT);
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!read_record(json_array_get(list, i), relative, value, ids, err))
			return false;
	}
	/* The link itself names the public host: only that there is one counts. */
	pages->more = json_is_string(json_object_get(next, "next"));
	return true;
}

bool digitalocean_read_created(const char *text, size_t len, char **ret_id, struct error *err)
{
	const json_t *record = NULL;
	char id[32];
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);

	if (root == NULL || !json_opt_object(root, "domain_record", &record, err))
		return false;
	if (record == NULL)
		return error_set(err, ERROR_DATA, NULL, "%s has no record", WHAT);
	return read_id(record, id, err) && str_set(ret_id, id, err);
}

/* The instance. */

static bool find_settings(const struct dns_setting *settings, size_t count, struct provider_setting *token,
			  struct provider_setting *url, struct error *err)
{
	return provider_setting_find(&digitalocean_module, settings, count, "token", true, token, err) &&
	       provider_setting_find(&digitalocean_module, settings, count, "api_url", true, url, err) &&
	       (url->value.data == NULL || provider_check_url(url, err));
}

static bool digitalocean_check(const struct dns_setting *settings, size_t count, size_t *ret_index, struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting token = {0};
	CLEANUP(provider_setting_done) struct provider_setting url = {0};
	*ret_index = count;
	return find_settings(settings, count, &token, &url, err);
}

static void digitalocean_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	provider_zones_done(&provider->found);
	provider_turns_done(&provider->turns);
	secret_done(&provider->auth);
	free(provider->base);
	free(provider);
}

static struct dns_provider *digitalocean_open(const struct dns_setting *settings, size_t count,
					      struct http_client *client, struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting token = {0};
	CLEANUP(provider_setting_done) struct provider_setting url = {0};
	struct dns_provider *provider = calloc(1, sizeof(*provider));

	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	provider_zones_init(&provider->found);
	provider_turns_init(&provider->turns, digitalocean_module.at_once);
	provider->api = (struct provider_api){
		.title = digitalocean_module.title,
		.request_id_header = "x-request-id",
		.reset_header = "ratelimit-reset",
		.client = client,
		.turns = &provider->turns,
		.headers = &provider->auth,
		.header_count = 1,
		.hints = hints,
	};
	if (!find_settings(settings, count, &token, &url, err) ||
	    !provider_header("Authorization: Bearer ", &token.value, &provider->auth, err) ||
	    !provider_base_url(&url, API_URL, &provider->base, err)) {
		digitalocean_close(provider);
		return NULL;
	}
	(void)snprintf(provider->source, sizeof(provider->source), "%s", token.source);
	log_debug("%s: using %s", provider->api.title, provider->source);
	return provider;
}

/* Zones. */

static bool ask_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
		     struct buf *unusable, struct error *err)
{
	char what[WHAT_SIZE];
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	AUTO_FREE char *url = str_format(err, "%s/v2/domains/%s", provider->base, name);
	const struct provider_call call = {
		.step = "find-zone",
		.what = what,
		.method = HTTP_GET,
		.url = url,
		.also_fine = "not_found",
	};

	(void)unusable;
	(void)snprintf(what, sizeof(what), "cannot look for the domain %s", name);
	if (url == NULL || !provider_ask(&provider->api, &call, deadline, &answer, err))
		return false;
	if (answer.status == 404)
		return true;
	if (!digitalocean_read_domain(buf_cstr(&answer.body), answer.body.len, name, &cause))
		return provider_failed(&provider->api, &call, &cause, err);
	return str_set(ret_id, name, err);
}

static bool digitalocean_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline,
				   char **ret_id, char **ret_zone, struct error *err)
{
	const struct provider_zone_search search = {
		.title = provider->api.title,
		.source = provider->source,
		.hint = "add the domain at DigitalOcean, or give a token of the team that has it",
		.ask = ask_zone,
	};
	return provider_zones_find(&provider->found, &search, provider, name, deadline, ret_id, ret_zone, err);
}

/* Records. */

static bool list_records(struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
			 const char *value, struct deadline deadline, struct str_list *ret_ids, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_pages pages = {0};
	bool more = true;
	AUTO_FREE char *relative = NULL;

	(void)snprintf(what, sizeof(what), "cannot list the TXT records at %s", name);
	if (!provider_relative_name(name, zone_id, &relative, err))
		return false;
	while (provider_pages_next(&pages, provider->api.title, &more, err) && more) {
		CLEANUP(http_response_done) struct http_response answer = {0};
		struct error cause = {0};
		AUTO_FREE char *url = str_format(err, "%s/v2/domains/%s/records?type=TXT&name=%s&per_page=%d&page=%u",
						 provider->base, zone_id, name, PER_PAGE, pages.page);
		const struct provider_call call = {.step = step, .what = what, .method = HTTP_GET, .url = url};
		if (url == NULL || !provider_ask(&provider->api, &call, deadline, &answer, err))
			return false;
		if (!digitalocean_read_records(buf_cstr(&answer.body), answer.body.len, relative, value, ret_ids,
					       &pages, &cause))
			return provider_failed(&provider->api, &call, &cause, err);
	}
	return !more;
}

static bool write_record(const char *zone_id, const char *name, const char *value, struct buf *out, struct error *err)
{
	AUTO_FREE char *relative = NULL;
	if (!provider_relative_name(name, zone_id, &relative, err))
		return false;
	json_t *record AUTO_JSON =
		json_pack("{s:s, s:s, s:s, s:i}", "type", "TXT", "name", relative, "data", value, "ttl", TTL_SECONDS);
	if (record == NULL)
		return error_oom(err);
	return json_write(record, /* pretty= */ false, out, err) && buf_check(out, "record", err);
}

static enum provider_created create_record(struct dns_provider *provider, const char *zone_id, const char *name,
					   const char *value, struct deadline deadline, char **ret_id,
					   struct error *err)
{
	char what[WHAT_SIZE];
	CLEANUP(buf_done) struct buf body;
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	AUTO_FREE char *url = str_format(err, "%s/v2/domains/%s/records", provider->base, zone_id);
	const struct provider_call call = {
		.step = "add-record",
		.what = what,
		.method = HTTP_POST,
		.url = url,
		.body = &body,
		.creates = true,
	};

	(void)snprintf(what, sizeof(what), "cannot add the TXT record at %s", name);
	buf_init(&body, LIMIT_JSON_BODY);
	if (url == NULL || !write_record(zone_id, name, value, &body, err))
		return PROVIDER_CREATED_NOT;
	enum provider_result result = provider_call_api(&provider->api, &call, deadline, &answer, NULL, err);
	if (result != PROVIDER_OK)
		return result == PROVIDER_LOST ? PROVIDER_CREATED_UNSURE : PROVIDER_CREATED_NOT;
	if (digitalocean_read_created(buf_cstr(&answer.body), answer.body.len, ret_id, &cause))
		return PROVIDER_CREATED;
	(void)provider_failed(&provider->api, &call, &cause, err);
	return PROVIDER_CREATED_UNSURE;
}

static bool delete_record(struct dns_provider *provider, const char *zone_id, const char *name, const char *record,
			  struct deadline deadline, struct error *err)
{
	char what[WHAT_SIZE];
	CLEANUP(http_response_done) struct http_response answer = {0};
	AUTO_FREE char *url = str_format(err, "%s/v2/domains/%s/records/%s", provider->base, zone_id, record);
	const struct provider_call call = {
		.step = "remove-record",
		.what = what,
		.method = HTTP_DELETE,
		.url = url,
		.also_fine = "not_found",
	};

	(void)snprintf(what, sizeof(what), "cannot remove the TXT record at %s", name);
	return url != NULL && provider_ask(&provider->api, &call, deadline, &answer, err);
}

static const struct provider_records records = {
	.lists_first = true,
	.list = list_records,
	.create = create_record,
	.remove = delete_record,
};

/* Both come back from our own files: nothing else than they may get into a URL. */
static bool check_target(const char *step, const char *zone_id, const char *name, struct error *err)
{
	if (provider_name_is_valid(zone_id) && provider_name_is_valid(name))
		return true;
	return error_set(err, ERROR_DNS, step, "DigitalOcean: malformed domain or record name");
}

static bool digitalocean_add_txt(struct dns_provider *provider, const char *zone_id, const char *name,
				 const char *value, struct deadline deadline, char **ret_record, struct error *err)
{
	return check_target("add-record", zone_id, name, err) &&
	       provider_records_add(&records, provider, zone_id, name, value, deadline, ret_record, err);
}

static bool digitalocean_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name,
				    const char *value, const char *record, struct deadline deadline, struct error *err)
{
	return check_target("remove-record", zone_id, name, err) &&
	       provider_records_remove(&records, provider, zone_id, name, value, record, deadline, err);
}

const struct dns_provider_module digitalocean_module = {
	.name = "digitalocean",
	.title = "DigitalOcean",
	.url = "https://docs.digitalocean.com/reference/api/create-personal-access-token/",
	.keys = keys,
	.at_once = 4, /* 250 in a minute, 5000 in an hour */
	.check = digitalocean_check,
	.open = digitalocean_open,
	.close = digitalocean_close,
	.find_zone = digitalocean_find_zone,
	.add_txt = digitalocean_add_txt,
	.remove_txt = digitalocean_remove_txt,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PowerDNS keeps whole record sets and has no conditional write: the set is read just before it is written, and writers
 * within one run queue (recordset.h). Two hosts that write the same name in the same moment can lose a value; the wait
 * for publication then tells which. A value travels as the JSON of its record, so that a disabled one stays disabled.
 */
#include "dns-providers/powerdns.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "dns-providers/common.h"
#include "dns-providers/turns.h"
#include "dns-providers/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNAUTHORIZED "Unauthorized"
#define CONFLICT "conflict"

enum {
	TTL_SECONDS = 60,
	TTL_MAX = INT32_MAX,
	TEXT_MAX = 512,
	CONTENT_MAX = 64 * 1024,
	STRING_MAX = 255 /* of a TXT record */,
	WHAT_SIZE = 320
};

static const char *const WHAT = "the API's answer";

static const struct dns_provider_key keys[] = {
	{"api_url", "PDNS_API_URL,PDNS_Url", true, false, "the API's address, such as https://pdns.example.com:8081"},
	{"api_key", "PDNS_API_KEY,PDNS_Token", true, true, "the server's api-key"},
	{"server_id", "PDNS_SERVER_NAME,PDNS_ServerId", false, false, "the server's id, by default localhost"},
	{0},
};

struct dns_provider {
	char *base; /* ".../api/v1/servers/localhost" */
	char source[96];
	struct secret auth;
	struct provider_api api;
	struct provider_turns turns;
	struct provider_zones zones;
	struct provider_owners owners;
};

/* --- Messages --- */

/* PowerDNS writes names in lower case with the final dot. */
static bool canonical_name(const char *name, char **ret, struct error *err)
{
	size_t len = strlen(name);
	*ret = str_format(err, "%s%s", name, len > 0 && name[len - 1] == '.' ? "" : ".");
	return *ret != NULL;
}

bool powerdns_read_zones(const char *text, size_t len, const char *canonical, char **ret_id, struct buf *unusable,
			 struct error *err)
{
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL)
		return false;
	if (!json_is_array(root))
		return error_set(err, ERROR_DATA, NULL, "%s is no list of zones", WHAT);
	for (size_t i = 0; i < json_array_size(root); i++) {
		const json_t *zone = json_array_get(root, i);
		const char *name = NULL, *id = NULL, *kind = "";
		if (!json_need_str(zone, "name", TEXT_MAX, &name, err) ||
		    !json_need_str(zone, "id", TEXT_MAX, &id, err) || !json_opt_str(zone, "kind", TEXT_MAX, &kind, err))
			return false;
		if (!str_equal_nocase(name, canonical))
			continue;
		if (!provider_name_is_valid(id))
			return error_set(err, ERROR_DATA, NULL, "%s has a malformed id", WHAT);
		if (!str_equal_nocase(kind, "Slave") && !str_equal_nocase(kind, "Consumer"))
			return str_set(ret_id, id, err);
		buf_str(unusable, "it is a secondary zone here, which is written at its primary server");
		return true;
	}
	return true;
}

/* RECORD as the text that stands for it. */
static bool add_record(const char *content, bool disabled, struct str_list *values, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	json_t *record AUTO_JSON = json_pack("{s:s, s:b}", "content", content, "disabled", disabled);
	buf_init(&text, 2 * CONTENT_MAX);
	if (record == NULL)
		return error_oom(err);
	return json_write(record, /* pretty= */ false, &text, err) && buf_check(&text, "record", err) &&
	       str_list_add_once(values, buf_cstr(&text), err);
}

static bool read_records(const json_t *set, struct provider_set *ret, struct error *err)
{
	const json_t *records = NULL;
	if (!json_need_int(set, "ttl", 0, TTL_MAX, &ret->ttl, err) || !json_opt_array(set, "records", &records, err))
		return false;
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);
		const char *content = NULL;
		bool disabled = false;
		if (!json_need_str(record, "content", CONTENT_MAX, &content, err) ||
		    !json_opt_bool(record, "disabled", &disabled, err) ||
		    !add_record(content, disabled, &ret->values, err))
			return false;
	}
	return true;
}

bool powerdns_read_set(const char *text, size_t len, const char *canonical, struct provider_set *ret, struct error *err)
{
	const json_t *sets = NULL;
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL || !json_opt_array(root, "rrsets", &sets, err))
		return false;
	if (sets == NULL)
		return error_set(err, ERROR_DATA, NULL, "%s has no record sets", WHAT);
	/* Servers before 4.7 ignore the filter and give the whole zone. */
	for (size_t i = 0; i < json_array_size(sets); i++) {
		const json_t *set = json_array_get(sets, i);
		const char *name = NULL, *type = NULL;
		if (!json_need_str(set, "name", TEXT_MAX * 2, &name, err) ||
		    !json_need_str(set, "type", TEXT_MAX, &type, err))
			return false;
		if (str_equal(type, "TXT") && str_equal_nocase(name, canonical))
			return read_records(set, ret, err);
	}
	return true;
}

bool powerdns_read_disabled(const char *text, size_t len, const char *canonical, struct provider_set *set,
			    struct error *err)
{
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL)
		return false;
	if (!json_is_array(root))
		return error_set(err, ERROR_DATA, NULL, "%s is no list of records", WHAT);
	for (size_t i = 0; i < json_array_size(root); i++) {
		const json_t *record = json_array_get(root, i);
		const char *name = NULL, *type = "", *content = NULL;
		bool disabled = false;
		if (!json_need_str(record, "name", TEXT_MAX * 2, &name, err) ||
		    !json_opt_str(record, "type", TEXT_MAX, &type, err) ||
		    !json_opt_bool(record, "disabled", &disabled, err))
			return false;
		if (!disabled || !str_equal(type, "TXT") || !str_equal_nocase(name, canonical))
			continue;
		if (!json_need_str(record, "content", CONTENT_MAX, &content, err) ||
		    !json_opt_int(record, "ttl", 0, TTL_MAX, &set->ttl, err) ||
		    !add_record(content, disabled, &set->values, err))
			return false;
	}
	return true;
}

bool powerdns_write_set(const char *canonical, const struct provider_set *next, struct buf *out, struct error *err)
{
	bool gone = next->values.len == 0;
	json_t *set AUTO_JSON = json_pack("{s:s, s:s, s:s}", "name", canonical, "type", "TXT", "changetype",
					  gone ? "DELETE" : "REPLACE");
	json_t *records = json_array();
	if (set == NULL || records == NULL || json_object_set_new(set, "records", records) != 0)
		return error_oom(err);
	/* A deletion must not carry a TTL. */
	if (!gone && json_object_set_new(set, "ttl", json_integer(next->ttl)) != 0)
		return error_oom(err);
	for (size_t i = 0; i < next->values.len; i++) {
		const char *text = next->values.items[i];
		json_t *record = json_read(text, strlen(text), "record", err);
		if (record == NULL)
			return false;
		if (json_array_append_new(records, record) != 0)
			return error_oom(err);
	}
	json_t *root AUTO_JSON = json_pack("{s:[O]}", "rrsets", set);
	if (root == NULL)
		return error_oom(err);
	return json_write(root, /* pretty= */ false, out, err) && buf_check(out, "record set", err);
}

/* --- Calls --- */

static bool ask_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
		     struct buf *unusable, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_call call = {.step = "find-zone", .what = what, .method = HTTP_GET};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	AUTO_FREE char *canonical = NULL;

	if (!canonical_name(name, &canonical, err))
		return false;
	AUTO_FREE char *url = str_format(err, "%s/zones?zone=%s", provider->base, canonical);
	(void)snprintf(what, sizeof(what), "cannot look for the zone %s", name);
	call.url = url;
	if (url == NULL || !provider_ask(&provider->api, &call, deadline, &answer, err))
		return false;
	return powerdns_read_zones(buf_cstr(&answer.body), answer.body.len, canonical, ret_id, unusable, &cause) ||
	       provider_failed(&provider->api, &call, &cause, err);
}

static bool powerdns_find_zone(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			       char **ret_zone, struct error *err)
{
	const struct provider_zone_search search = {
		.title = provider->api.title,
		.source = provider->source,
		.hint = "is the zone on this server, and server_id right?",
		.unusable_hint = "set api_url to the primary server's",
		.ask = ask_zone,
	};
	return provider_zones_find(&provider->zones, &search, provider, name, deadline, ret_id, ret_zone, err);
}

/* What one of the two ways to read says. */
static bool read_by(struct dns_provider *provider, const char *step, const char *name, const char *url,
		    bool (*reader)(const char *, size_t, const char *, struct provider_set *, struct error *),
		    struct deadline deadline, struct provider_set *set, struct error *err)
{
	char what[WHAT_SIZE];
	struct provider_call call = {.step = step, .what = what, .method = HTTP_GET, .url = url};
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	AUTO_FREE char *canonical = NULL;

	(void)snprintf(what, sizeof(what), "cannot read the TXT records at %s", name);
	if (url == NULL || !canonical_name(name, &canonical, err) ||
	    !provider_ask(&provider->api, &call, deadline, &answer, err))
		return false;
	return reader(buf_cstr(&answer.body), answer.body.len, canonical, set, &cause) ||
	       provider_failed(&provider->api, &call, &cause, err);
}

/* A filtered listing of a server before 5.0 lacks the disabled values (seen with 4.7); a search has them. */
static bool read_set(struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
		     struct deadline deadline, struct provider_set *ret, struct error *err)
{
	AUTO_FREE char *listing =
		str_format(err, "%s/zones/%s?rrset_name=%s.&rrset_type=TXT", provider->base, zone_id, name);
	AUTO_FREE char *search =
		str_format(err, "%s/search-data?q=%s&max=100&object_type=record", provider->base, name);
	return read_by(provider, step, name, listing, powerdns_read_set, deadline, ret, err) &&
	       read_by(provider, step, name, search, powerdns_read_disabled, deadline, ret, err);
}

static enum provider_written write_set(struct dns_provider *provider, const char *step, const char *zone_id,
				       const char *name, const struct provider_set *was,
				       const struct provider_set *next, struct deadline deadline, struct error *err)
{
	char what[WHAT_SIZE];
	CLEANUP(buf_done) struct buf body;
	/* Writing the same set twice is the same as once: it may be repeated. */
	struct provider_call call = {.step = step, .what = what, .method = HTTP_PATCH, .body = &body};
	CLEANUP(http_response_done) struct http_response answer = {0};
	AUTO_FREE char *canonical = NULL;

	(void)was;
	buf_init(&body, LIMIT_PROVIDER_BODY);
	if (!canonical_name(name, &canonical, err) || !powerdns_write_set(canonical, next, &body, err))
		return PROVIDER_WRITTEN_NOT;
	AUTO_FREE char *url = str_format(err, "%s/zones/%s", provider->base, zone_id);
	(void)snprintf(what, sizeof(what), "cannot write the TXT records at %s", name);
	call.url = url;
	return url != NULL && provider_ask(&provider->api, &call, deadline, &answer, err) ? PROVIDER_WRITTEN
											  : PROVIDER_WRITTEN_NOT;
}

static const struct provider_sets sets = {
	.before = "{\"content\":\"\\\"",
	.after = "\\\"\",\"disabled\":false}",
	.ttl = TTL_SECONDS,
	.read = read_set,
	.write = write_set,
};

/* Both come back from our own files: nothing else than they may get into a URL. */
static bool check_target(const char *step, const char *zone_id, const char *name, struct error *err)
{
	return (provider_name_is_valid(zone_id) && provider_name_is_valid(name)) ||
	       error_set(err, ERROR_DNS, step, "PowerDNS: malformed zone id or record name");
}

/* A long VALUE's strings, with what is between them in the JSON of a content. malloc'd. */
static bool cut(const char *value, char **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, CONTENT_MAX);
	for (size_t i = 0; value[i] != '\0'; i++) {
		if (i > 0 && i % STRING_MAX == 0)
			buf_str(&text, "\\\" \\\"");
		buf_char(&text, value[i]);
	}
	*ret = buf_take(&text, "TXT value", err);
	return *ret != NULL;
}

static bool powerdns_add_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			     struct deadline deadline, char **ret_record, struct error *err)
{
	AUTO_FREE char *strings = NULL;
	(void)ret_record;
	return check_target("add-record", zone_id, name, err) && cut(value, &strings, err) &&
	       provider_sets_add(&sets, &provider->owners, provider, zone_id, name, strings, deadline, err);
}

static bool powerdns_remove_txt(struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
				const char *record, struct deadline deadline, struct error *err)
{
	AUTO_FREE char *strings = NULL;
	(void)record;
	return check_target("remove-record", zone_id, name, err) && cut(value, &strings, err) &&
	       provider_sets_remove(&sets, &provider->owners, provider, zone_id, name, strings, deadline, err);
}

/* --- The instance --- */

static void powerdns_close(struct dns_provider *provider)
{
	if (provider == NULL)
		return;
	provider_zones_done(&provider->zones);
	provider_turns_done(&provider->turns);
	provider_owners_done(&provider->owners);
	secret_done(&provider->auth);
	free(provider->base);
	free(provider);
}

DEFINE_FREEP(provider_closep, struct dns_provider, powerdns_close)

struct settings {
	struct provider_setting url, key, server;
};

static void settings_done(struct settings *settings)
{
	provider_setting_done(&settings->url);
	provider_setting_done(&settings->key);
	provider_setting_done(&settings->server);
}

static bool find_settings(const struct dns_setting *from, size_t count, struct settings *ret, struct error *err)
{
	if (!provider_setting_find(&powerdns_module, from, count, "api_url", true, &ret->url, err) ||
	    !provider_setting_find(&powerdns_module, from, count, "api_key", true, &ret->key, err) ||
	    !provider_setting_find(&powerdns_module, from, count, "server_id", true, &ret->server, err) ||
	    !provider_check_url(&ret->url, err))
		return false;
	return ret->server.value.data == NULL || provider_name_is_valid(ret->server.value.data) ||
	       error_set(err, ERROR_CONFIG, NULL, "PowerDNS: %s is no server's id", ret->server.source);
}

static bool powerdns_check(const struct dns_setting *from, size_t count, size_t *ret_index, struct error *err)
{
	CLEANUP(settings_done) struct settings settings = {0};
	*ret_index = count;
	return find_settings(from, count, &settings, err);
}

static bool read_failure(const struct http_response *answer, struct provider_failure *ret)
{
	bool said = provider_failure_read(buf_cstr(&answer->body), answer->body.len, ret);
	if (said && strstr(ret->text, "pre-existing RRset") != NULL)
		provider_failure_add(ret, CONFLICT);
	if (said || answer->status != 401)
		return said;
	/* A wrong key is refused in plain text. */
	*ret = (struct provider_failure){.text = UNAUTHORIZED};
	provider_failure_add(ret, UNAUTHORIZED);
	return true;
}

static struct dns_provider *powerdns_open(const struct dns_setting *from, size_t count, struct http_client *client,
					  struct error *err)
{
	static const struct provider_hint hints[] = {
		{UNAUTHORIZED, "check api_key", false},
		{CONFLICT, "a CNAME stands at the name, and nothing can stand beside it", false},
		{0},
	};
	CLEANUP(settings_done) struct settings settings = {0};
	CLEANUP(provider_closep) struct dns_provider *provider = calloc(1, sizeof(*provider));
	AUTO_FREE char *url = NULL;

	if (provider == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	provider_zones_init(&provider->zones);
	provider_turns_init(&provider->turns, powerdns_module.at_once);
	provider_owners_init(&provider->owners);
	if (!find_settings(from, count, &settings, err) || !provider_base_url(&settings.url, "", &url, err) ||
	    !provider_header("X-API-Key: ", &settings.key.value, &provider->auth, err))
		return NULL;
	/* People write the address with and without the API's path. */
	provider->base = str_format(err, "%s%s/servers/%s", url, str_ends(url, "/api/v1") ? "" : "/api/v1",
				    settings.server.value.data != NULL ? settings.server.value.data : "localhost");
	if (provider->base == NULL)
		return NULL;
	(void)snprintf(provider->source, sizeof(provider->source), "%s", settings.key.source);
	provider->api = (struct provider_api){
		.title = powerdns_module.title,
		.client = client,
		.turns = &provider->turns,
		.headers = &provider->auth,
		.header_count = 1,
		.hints = hints,
		.read_failure = read_failure,
	};
	return STEAL(provider);
}

const struct dns_provider_module powerdns_module = {
	.name = "powerdns",
	.title = "PowerDNS",
	.url = "https://doc.powerdns.com/authoritative/http-api/",
	.keys = keys,
	.at_once = 4,
	.check = powerdns_check,
	.open = powerdns_open,
	.close = powerdns_close,
	.find_zone = powerdns_find_zone,
	.add_txt = powerdns_add_txt,
	.remove_txt = powerdns_remove_txt,
};

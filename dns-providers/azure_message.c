/* SPDX-License-Identifier: Apache-2.0 */
/* A value is an array of character-strings without quotes; it travels as its own JSON, so that it goes back unchanged.
 */
#include "dns-providers/azure_message.h"

#include "base/json.h"
#include "base/limits.h"

#include <string.h>
#include <strings.h>

enum { TEXT_MAX = 1024, LINK_MAX = LIMIT_URL / 2, PIECE_MAX = 260, ETAG_MAX = 128, CODE_MAX = 32 };

static const char *const WHAT = "the API's answer";

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* The length of what stands at TEXT up to "/" or the end, where that may stand in a URL and is no "..": else 0. */
static size_t piece_len(const char *text)
{
	size_t len = strspn(text, LETTERS_AND_DIGITS "-_.()");
	if ((text[len] != '/' && text[len] != '\0') || len > PIECE_MAX || strspn(text, ".") == len)
		return 0;
	return len;
}

/* A resource's id in pieces. */
struct resource {
	const char *subscription, *group, *name;
	size_t subscription_len, group_len;
};

/* Behind "/WORD/" in any case; NULL: TEXT does not begin like that. */
static const char *behind(const char *text, const char *word)
{
	size_t len = strlen(word);
	if (text == NULL || text[0] != '/' || strncasecmp(text + 1, word, len) != 0 || text[len + 1] != '/')
		return NULL;
	return text + len + 2;
}

static bool read_group(const char *id, struct resource *ret)
{
	ret->subscription = behind(id, "subscriptions");
	ret->subscription_len = ret->subscription != NULL ? piece_len(ret->subscription) : 0;
	if (ret->subscription_len == 0)
		return false;
	ret->group = behind(ret->subscription + ret->subscription_len, "resourceGroups");
	ret->group_len = ret->group != NULL ? piece_len(ret->group) : 0;
	return ret->group_len > 0;
}

static bool read_resource(const char *id, struct resource *ret)
{
	if (!read_group(id, ret))
		return false;
	ret->name = behind(ret->group + ret->group_len, "providers/Microsoft.Network/dnsZones");
	return ret->name != NULL && provider_name_is_valid(ret->name);
}

bool azure_group_path(const char *id, char **ret, struct error *err)
{
	struct resource resource = {0};
	if (!read_group(id, &resource))
		return error_set(err, ERROR_DATA, NULL, "no id of a resource group");
	char *path = str_format(err, "/subscriptions/%.*s/resourceGroups/%.*s", (int)resource.subscription_len,
				resource.subscription, (int)resource.group_len, resource.group);
	if (path == NULL)
		return false;
	*ret = path;
	return true;
}

const char *azure_zone_name(const char *id)
{
	struct resource resource = {0};
	return read_resource(id, &resource) ? resource.name : NULL;
}

static bool is_public(const json_t *zone, bool *ret, struct error *err)
{
	const json_t *properties = NULL;
	const char *type = "Public";
	if (!json_opt_object(zone, "properties", &properties, err) ||
	    (properties != NULL && !json_opt_str(properties, "zoneType", TEXT_MAX, &type, err)))
		return false;
	*ret = str_equal_nocase(type, "Public");
	return true;
}

static bool add_zone(const json_t *zone, struct str_list *ids, struct error *err)
{
	const char *id = NULL;
	bool seen = false;
	struct resource resource = {0};
	if (!json_need_str(zone, "id", LINK_MAX, &id, err) || !is_public(zone, &seen, err))
		return false;
	/* A group of a foreign alphabet cannot be addressed here: its zones are as if they were not there. */
	if (!seen || !read_resource(id, &resource))
		return true;
	AUTO_FREE char *form =
		str_format(err, "/subscriptions/%.*s/resourceGroups/%.*s/providers/Microsoft.Network/dnsZones/%s",
			   (int)resource.subscription_len, resource.subscription, (int)resource.group_len,
			   resource.group, resource.name);
	return form != NULL && str_list_add_once(ids, form, err);
}

/* The link's part behind its host: the token is for the host that is known, whatever stands here. */
static bool read_next(const json_t *root, char **ret_next, struct error *err)
{
	const char *link = NULL, *path = NULL;
	if (!json_opt_str(root, "nextLink", LINK_MAX, &link, err))
		return false;
	if (link == NULL || link[0] == '\0')
		return str_set(ret_next, NULL, err);
	for (const char *c = link; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~' || *c == '#' || *c == '\\')
			return error_set(err, ERROR_DATA, NULL, "%s has a malformed link", WHAT);
	}
	path = strstr(link, "://");
	path = path != NULL ? strchr(path + 3, '/') : NULL;
	if (path == NULL)
		return error_set(err, ERROR_DATA, NULL, "%s has a malformed link", WHAT);
	return str_set(ret_next, path, err);
}

bool azure_read_zones(const char *text, size_t len, struct str_list *ids, char **ret_next, struct error *err)
{
	const json_t *list = NULL;
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL || !json_opt_array(root, "value", &list, err))
		return false;
	if (list == NULL)
		return error_set(err, ERROR_DATA, NULL, "%s is no list of zones", WHAT);
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!add_zone(json_array_get(list, i), ids, err))
			return false;
	}
	return read_next(root, ret_next, err);
}

bool azure_read_zone(const char *text, size_t len, const char *name, bool *ret_public, struct error *err)
{
	const char *called = NULL;
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL || !json_need_str(root, "name", TEXT_MAX, &called, err) || !is_public(root, ret_public, err))
		return false;
	return str_equal_nocase(called, name) || error_set(err, ERROR_DATA, NULL, "%s is not about %s", WHAT, name);
}

static bool to_text(const json_t *json, char **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, LIMIT_JSON_BODY);
	if (!json_write(json, /* pretty= */ false, &text, err) || !buf_check(&text, "record set", err))
		return false;
	return str_set(ret, buf_cstr(&text), err);
}

static bool add_value(const json_t *record, struct str_list *values, struct error *err)
{
	AUTO_FREE char *form = NULL;
	const json_t *strings = NULL;
	if (!json_is_object(record) || !json_opt_array(record, "value", &strings, err))
		return error_set(err, ERROR_DATA, NULL, "%s has a malformed value", WHAT);
	for (size_t i = 0; i < json_array_size(strings); i++) {
		if (!json_is_string(json_array_get(strings, i)))
			return error_set(err, ERROR_DATA, NULL, "%s has a malformed value", WHAT);
	}
	if (json_array_size(strings) == 0)
		return error_set(err, ERROR_DATA, NULL, "%s has an empty value", WHAT);
	return to_text(strings, &form, err) && str_list_add_once(values, form, err);
}

/* An etag as it may stand in a header. */
static bool read_version(const json_t *root, struct provider_set *ret, struct error *err)
{
	const char *etag = NULL;
	if (!json_need_str(root, "etag", ETAG_MAX, &etag, err))
		return false;
	for (const char *c = etag; *c != '\0' || c == etag; c++) {
		if (*c <= ' ' || *c > '~')
			return error_set(err, ERROR_DATA, NULL, "%s has a malformed etag", WHAT);
	}
	return str_set(&ret->version, etag, err);
}

static bool read_properties(const json_t *properties, struct provider_set *ret, struct error *err)
{
	const json_t *records = NULL, *metadata = NULL;
	if (!json_need_int(properties, "TTL", 0, INT32_MAX, &ret->ttl, err) ||
	    !json_opt_array(properties, "TXTRecords", &records, err) ||
	    !json_opt_object(properties, "metadata", &metadata, err))
		return false;
	for (size_t i = 0; i < json_array_size(records); i++) {
		if (!add_value(json_array_get(records, i), &ret->values, err))
			return false;
	}
	return json_object_size(metadata) == 0 || to_text(metadata, &ret->extra, err);
}

bool azure_read_set(const char *text, size_t len, struct provider_set *ret, struct error *err)
{
	const json_t *properties = NULL;
	CLEANUP(provider_set_done) struct provider_set read = {0};
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL || !read_version(root, &read, err) || !json_opt_object(root, "properties", &properties, err))
		return false;
	if (properties == NULL)
		return error_set(err, ERROR_DATA, NULL, "%s is no record set", WHAT);
	if (!read_properties(properties, &read, err))
		return false;
	provider_set_done(ret);
	*ret = read;
	read = (struct provider_set){0};
	return true;
}

static bool put_values(json_t *properties, const struct provider_set *set, struct error *err)
{
	json_t *records = json_array();
	if (json_object_set_new(properties, "TXTRecords", records) != 0)
		return error_oom(err);
	for (size_t i = 0; i < set->values.len; i++) {
		const char *text = set->values.items[i];
		json_t *strings AUTO_JSON = json_read(text, strlen(text), "the value", err);
		if (strings == NULL)
			return false;
		if (json_array_append_new(records, json_pack("{s:O}", "value", strings)) != 0)
			return error_oom(err);
	}
	return true;
}

bool azure_write_set(const struct provider_set *set, struct buf *ret, struct error *err)
{
	json_t *root AUTO_JSON = json_pack("{s:{s:I}}", "properties", "TTL", (json_int_t)set->ttl);
	json_t *properties = json_object_get(root, "properties");
	if (properties == NULL)
		return error_oom(err);
	if (set->extra != NULL) {
		json_t *metadata = json_read(set->extra, strlen(set->extra), "the metadata", err);
		if (metadata == NULL)
			return false;
		if (json_object_set_new(properties, "metadata", metadata) != 0)
			return error_oom(err);
	}
	return put_values(properties, set, err) && json_write(root, /* pretty= */ false, ret, err) &&
	       buf_check(ret, "record set", err);
}

bool azure_read_failure(const struct http_response *answer, struct provider_failure *ret)
{
	char code[CODE_MAX];
	if (!provider_failure_read(buf_cstr(&answer->body), answer->body.len, ret))
		return false;
	const char *number = strstr(ret->text, "AADSTS");
	size_t len = number != NULL ? strspn(number, LETTERS_AND_DIGITS) : 0;
	if (len > 0 && len < sizeof(code)) {
		memcpy(code, number, len);
		code[len] = '\0';
		provider_failure_add(ret, code);
	}
	return true;
}

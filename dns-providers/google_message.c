/* SPDX-License-Identifier: Apache-2.0 */
/* A change names what it deletes in full, TTL included, and is refused where that is not so: compare and swap. */
#include "dns-providers/google_message.h"

#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"
#include "dns-providers/common.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1024, DATA_MAX = 8192, UNUSABLE_MAX = 512 };

static const char *const WHAT = "the API's answer";

void google_zones_init(struct google_zones *zones)
{
	*zones = (struct google_zones){0};
	buf_init(&zones->unusable, UNUSABLE_MAX);
}

void google_zones_done(struct google_zones *zones)
{
	str_list_done(&zones->usable);
	buf_done(&zones->unusable);
}

static bool read_next(const json_t *root, char **ret_next, struct error *err)
{
	const char *next = NULL;
	if (!json_opt_str(root, "nextPageToken", TEXT_MAX, &next, err))
		return false;
	return str_set(ret_next, next != NULL && next[0] != '\0' ? next : NULL, err);
}

/* What keeps the Internet from seeing ZONE; NULL: nothing. */
static const char *hindrance(const json_t *zone, const char *visibility)
{
	if (str_equal(visibility, "private"))
		return "private";
	if (json_is_object(json_object_get(zone, "forwardingConfig")))
		return "a forwarding zone";
	if (json_is_object(json_object_get(zone, "peeringConfig")))
		return "a peering zone";
	return NULL;
}

static bool add_zone(const json_t *zone, const char *name, struct google_zones *ret, struct error *err)
{
	const char *visibility = "public";
	if (!json_opt_str(zone, "visibility", TEXT_MAX, &visibility, err))
		return false;
	if (!provider_id_is_valid(name))
		return error_set(err, ERROR_DATA, NULL, "%s has a malformed name of a zone", WHAT);
	const char *why = hindrance(zone, visibility);
	if (why == NULL)
		return str_list_add_once(&ret->usable, name, err);
	buf_printf(&ret->unusable, "%s%s is %s", ret->unusable.len > 0 ? ", " : "", name, why);
	return true;
}

bool google_read_zones(const char *text, size_t len, const char *canonical, struct google_zones *ret, char **ret_next,
		       struct error *err)
{
	const json_t *list = NULL;
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	/* An empty list is left out, so only "kind" tells a listing from anything else. */
	if (root == NULL || !json_opt_array(root, "managedZones", &list, err) || !read_next(root, ret_next, err))
		return false;
	if (list == NULL && json_object_get(root, "kind") == NULL)
		return error_set(err, ERROR_DATA, NULL, "%s is no list of zones", WHAT);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *zone = json_array_get(list, i);
		const char *name = NULL, *dns_name = NULL;
		if (!json_need_str(zone, "name", TEXT_MAX, &name, err) ||
		    !json_need_str(zone, "dnsName", TEXT_MAX, &dns_name, err))
			return false;
		if (str_equal_nocase(dns_name, canonical) && !add_zone(zone, name, ret, err))
			return false;
	}
	return true;
}

bool google_read_zone(const char *text, size_t len, char **ret_apex, struct google_zones *ret, struct error *err)
{
	const char *name = NULL, *dns_name = NULL;
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL || !json_need_str(root, "name", TEXT_MAX, &name, err) ||
	    !json_need_str(root, "dnsName", TEXT_MAX, &dns_name, err))
		return false;
	size_t apex_len = strlen(dns_name);
	if (apex_len > 0 && dns_name[apex_len - 1] == '.')
		apex_len--;
	AUTO_FREE char *apex = NULL;
	if (!str_set_n(&apex, dns_name, apex_len, err))
		return false;
	if (!provider_name_is_valid(apex))
		return error_set(err, ERROR_DATA, NULL, "%s has a malformed zone", WHAT);
	if (!add_zone(root, name, ret, err))
		return false;
	*ret_apex = STEAL(apex);
	return true;
}

static bool read_values(const json_t *set, struct provider_set *ret, struct error *err)
{
	const json_t *values = NULL;
	CLEANUP(provider_set_done) struct provider_set read = {0};
	if (!json_need_int(set, "ttl", 0, INT32_MAX, &read.ttl, err) || !json_opt_array(set, "rrdatas", &values, err))
		return false;
	for (size_t i = 0; i < json_array_size(values); i++) {
		const json_t *value = json_array_get(values, i);
		if (!json_is_string(value) || json_string_length(value) > DATA_MAX ||
		    strlen(json_string_value(value)) != json_string_length(value))
			return error_set(err, ERROR_DATA, NULL, "%s has a malformed value", WHAT);
		if (!str_list_add_once(&read.values, json_string_value(value), err))
			return false;
	}
	provider_set_done(ret);
	*ret = read;
	read = (struct provider_set){0};
	return true;
}

bool google_read_set(const char *text, size_t len, const char *canonical, struct provider_set *ret, char **ret_next,
		     struct error *err)
{
	const json_t *list = NULL;
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL || !json_opt_array(root, "rrsets", &list, err) || !read_next(root, ret_next, err))
		return false;
	if (list == NULL && json_object_get(root, "kind") == NULL)
		return error_set(err, ERROR_DATA, NULL, "%s is no list of record sets", WHAT);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *set = json_array_get(list, i);
		const char *name = NULL, *type = NULL;
		if (!json_need_str(set, "name", TEXT_MAX, &name, err) ||
		    !json_need_str(set, "type", TEXT_MAX, &type, err))
			return false;
		if (str_equal(type, "TXT") && str_equal_nocase(name, canonical) && !read_values(set, ret, err))
			return false;
	}
	return true;
}

bool google_read_change(const char *text, size_t len, char ret_id[64], char ret_status[32], struct error *err)
{
	const char *id = NULL, *status = NULL;
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL || !json_need_str(root, "id", TEXT_MAX, &id, err) ||
	    !json_need_str(root, "status", TEXT_MAX, &status, err))
		return false;
	(void)escape_str(ret_id, 64, id);
	(void)escape_str(ret_status, 32, status);
	return true;
}

/* [SET], or [] where it is empty. */
static json_t *pack_sets(const char *canonical, const struct provider_set *set)
{
	json_t *values = json_array();
	if (set->values.len == 0)
		return values;
	for (size_t i = 0; i < set->values.len; i++) {
		if (json_array_append_new(values, json_string(set->values.items[i])) != 0) {
			json_decref(values);
			return NULL;
		}
	}
	return json_pack("[{s:s, s:s, s:I, s:o}]", "name", canonical, "type", "TXT", "ttl", (json_int_t)set->ttl,
			 "rrdatas", values);
}

bool google_write_change(const char *canonical, const struct provider_set *was, const struct provider_set *next,
			 struct buf *ret, struct error *err)
{
	/* json_pack's "o" refuses NULL and lets go of the others. */
	json_t *change AUTO_JSON = json_pack("{s:o, s:o}", "deletions", pack_sets(canonical, was), "additions",
					     pack_sets(canonical, next));
	if (change == NULL)
		return error_oom(err);
	return json_write(change, /* pretty= */ false, ret, err) && buf_check(ret, "change", err);
}

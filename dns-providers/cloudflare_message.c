/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloudflare's envelopes. The API keeps a TXT record's content as it was given, quoted or not, so contents are compared
 * without their quotes; a filter on the vendor's side would miss the other form.
 */
#include "dns-providers/cloudflare_message.h"

#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

enum {
	TTL_SECONDS = 120,
	TEXT_MAX = 512,
	CONTENT_MAX = 8192,
	STRING_MAX = 255, /* of one string of a TXT record, RFC 1035 §3.3.14 */
};

static const char *const WHAT = "the API's answer";

bool cloudflare_write_record(const char *name, const char *value, struct buf *out, struct error *err)
{
	CLEANUP(buf_done) struct buf content;
	buf_init(&content, CONTENT_MAX);
	if (strpbrk(value, "\"\\") != NULL)
		return error_set(err, ERROR_INTERNAL, NULL, "a TXT value that would need escaping");
	for (size_t i = 0; i == 0 || value[i] != '\0'; i++) {
		if (i % STRING_MAX == 0)
			buf_str(&content, i == 0 ? "\"" : "\" \"");
		if (value[i] == '\0')
			break;
		buf_char(&content, value[i]);
	}
	buf_char(&content, '"');
	if (!buf_check(&content, "record", err))
		return false;
	json_t *record AUTO_JSON = json_pack("{s:s, s:s, s:s, s:i}", "type", "TXT", "name", name, "content",
					     buf_cstr(&content), "ttl", TTL_SECONDS);
	if (record == NULL)
		return error_oom(err);
	return json_write(record, /* pretty= */ false, out, err) && buf_check(out, "record", err);
}

/* The envelope of a success. New reference. */
static json_t *read_success(const char *text, size_t len, struct error *err)
{
	json_t *root AUTO_JSON = json_read(text, len, WHAT, err);
	if (root == NULL)
		return NULL;
	if (!json_is_object(root) || !json_is_true(json_object_get(root, "success"))) {
		(void)error_set(err, ERROR_DATA, NULL, "%s does not tell success", WHAT);
		return NULL;
	}
	return STEAL(root);
}

/* An id goes into later URLs: nothing else than an id may. */
static bool read_id(const json_t *object, char ret[CLOUDFLARE_ID_MAX], struct error *err)
{
	const char *id = NULL;
	if (!json_need_str(object, "id", CLOUDFLARE_ID_MAX - 1, &id, err))
		return false;
	if (!provider_id_is_valid(id))
		return error_set(err, ERROR_DATA, NULL, "%s has a malformed id", WHAT);
	(void)snprintf(ret, CLOUDFLARE_ID_MAX, "%s", id);
	return true;
}

static bool read_zone(const json_t *zone, const char *name, struct cloudflare_zones *ret, struct error *err)
{
	const char *called = NULL, *status = "", *type = "";
	char id[CLOUDFLARE_ID_MAX];

	if (!json_need_str(zone, "name", TEXT_MAX, &called, err) ||
	    !json_opt_str(zone, "status", TEXT_MAX, &status, err) ||
	    !json_opt_str(zone, "type", TEXT_MAX, &type, err) || !read_id(zone, id, err))
		return false;
	if (!str_equal_nocase(called, name))
		return true;
	if (!str_equal(status, "active")) {
		if (ret->status[0] == '\0')
			(void)escape_str(ret->status, sizeof(ret->status), status[0] != '\0' ? status : "unknown");
		return true;
	}
	if (ret->active++ > 0)
		return true;
	memcpy(ret->id, id, sizeof(ret->id));
	ret->partial = str_equal(type, "partial");
	return true;
}

static bool need_list(const json_t *root, const json_t **ret, struct error *err)
{
	*ret = NULL;
	if (!json_opt_array(root, "result", ret, err))
		return false;
	return *ret != NULL || error_set(err, ERROR_DATA, NULL, "%s has no list", WHAT);
}

bool cloudflare_read_zones(const char *text, size_t len, const char *name, struct cloudflare_zones *ret,
			   struct error *err)
{
	struct cloudflare_zones zones = {0};
	const json_t *list = NULL;
	json_t *root AUTO_JSON = read_success(text, len, err);

	if (root == NULL || !need_list(root, &list, err))
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!read_zone(json_array_get(list, i), name, &zones, err))
			return false;
	}
	*ret = zones;
	return true;
}

/* Bare text, or quoted strings with spaces between them: joined, they are VALUE. */
static bool content_is(const char *content, const char *value)
{
	size_t len = strlen(content);
	if (len < 2 || content[0] != '"' || content[len - 1] != '"')
		return str_equal(content, value);
	for (const char *at = content + 1; at < content + len - 1; at++) {
		if (*at == '"') {
			/* The end of a string and the start of the next. */
			while (*++at == ' ')
				;
			if (at >= content + len - 1 || *at != '"')
				return false;
		} else if (*value == '\0' || *at != *value++) {
			return false;
		}
	}
	return *value == '\0';
}

static bool read_record(const json_t *record, const char *name, const char *value, struct str_list *ids,
			struct error *err)
{
	const char *type = NULL, *called = NULL, *content = NULL;
	char id[CLOUDFLARE_ID_MAX];

	if (!json_need_str(record, "type", TEXT_MAX, &type, err) ||
	    !json_need_str(record, "name", TEXT_MAX, &called, err) || !read_id(record, id, err))
		return false;
	if (!str_equal(type, "TXT") || !str_equal_nocase(called, name))
		return true;
	if (!json_need_str(record, "content", CONTENT_MAX, &content, err))
		return false;
	return !content_is(content, value) || str_list_add_once(ids, id, err);
}

/* Whether another page follows: by total_pages, or where that is missing because this one is full. */
static bool read_page_info(const json_t *root, size_t items, struct provider_pages *pages, struct error *err)
{
	const json_t *info = NULL;
	int64_t total = -1, size = 0;

	if (!json_opt_object(root, "result_info", &info, err))
		return false;
	if (info == NULL)
		return true;
	if (!json_opt_int(info, "total_pages", 0, INT32_MAX, &total, err) ||
	    !json_opt_int(info, "per_page", 0, INT32_MAX, &size, err))
		return false;
	pages->more = total >= 0 ? (int64_t)pages->page < total : size > 0 && items >= (size_t)size;
	return true;
}

bool cloudflare_read_records(const char *text, size_t len, const char *name, const char *value, struct str_list *ids,
			     struct provider_pages *pages, struct error *err)
{
	const json_t *list = NULL;
	json_t *root AUTO_JSON = read_success(text, len, err);

	if (root == NULL || !need_list(root, &list, err))
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!read_record(json_array_get(list, i), name, value, ids, err))
			return false;
	}
	return read_page_info(root, json_array_size(list), pages, err);
}

bool cloudflare_read_created(const char *text, size_t len, char ret_id[CLOUDFLARE_ID_MAX], struct error *err)
{
	const json_t *record = NULL;
	json_t *root AUTO_JSON = read_success(text, len, err);

	if (root == NULL || !json_opt_object(root, "result", &record, err))
		return false;
	if (record == NULL)
		return error_set(err, ERROR_DATA, NULL, "%s has no record", WHAT);
	return read_id(record, ret_id, err);
}

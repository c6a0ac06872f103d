/* SPDX-License-Identifier: Apache-2.0 */
/* published/<name>.json. */
#include "store/published_record.h"

#include "base/error.h"
#include "base/limits.h"
#include "store/record.h"

#include <string.h>

enum { NAME_MAX_LEN = 255, TEXT_MAX = 8192 };

static const char token_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define FIELD(member, limit, must)                                                                         \
	{                                                                                                  \
		.key = #member, .type = RECORD_STRING, .offset = offsetof(struct published_value, member), \
		.max = (limit), .needed = (must)                                                           \
	}

static const struct record_field fields[] = {
	FIELD(webroot, LIMIT_PATH, false), FIELD(provider, NAME_MAX_LEN, false), FIELD(credentials, LIMIT_PATH, false),
	FIELD(zone_id, TEXT_MAX, false),   FIELD(name, NAME_MAX_LEN, true),      FIELD(value, TEXT_MAX, true),
	FIELD(record, TEXT_MAX, false),
};

void published_value_done(struct published_value *value)
{
	record_free_fields(fields, ARRAY_LEN(fields), value);
	*value = (struct published_value){0};
}

void published_record_done(struct published_record *record)
{
	if (record == NULL)
		return;
	for (size_t i = 0; i < record->count; i++)
		published_value_done(&record->values[i]);
	free(record->values);
	*record = (struct published_record){0};
}

struct published_value *published_record_add(struct published_record *record, struct error *err)
{
	struct published_value *values = reallocarray(record->values, record->count + 1, sizeof(*values));
	if (values == NULL) {
		error_oom(err);
		return NULL;
	}
	record->values = values;
	values[record->count] = (struct published_value){0};
	return &values[record->count++];
}

void published_record_drop(struct published_record *record, size_t index)
{
	published_value_done(&record->values[index]);
	record->values[index] = record->values[--record->count];
}

bool published_value_set_record(struct published_value *value, const char *handle, struct error *err)
{
	json_t *text AUTO_JSON = handle != NULL && strlen(handle) <= TEXT_MAX ? json_string(handle) : NULL;
	return str_set(&value->record, text != NULL ? handle : NULL, err);
}

/* It will be removed: what cannot be ours is refused. A token leads out of no folder. */
static bool check_value(const struct published_value *value, struct error *err)
{
	bool txt = value->provider != NULL && value->zone_id != NULL;
	if (value->webroot != NULL ? value->provider != NULL : !txt)
		return error_set(err, ERROR_DATA, NULL, "one of \"values\" is neither a file nor a DNS record");
	if (value->webroot != NULL && value->name[strspn(value->name, token_characters)] != '\0')
		return error_set(err, ERROR_DATA, NULL, "the \"name\" of a file is no token");
	return true;
}

static bool read_values(const json_t *root, struct published_record *ret, struct error *err)
{
	const json_t *list = NULL;
	if (!json_opt_array(root, "values", &list, err))
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct published_value *value = published_record_add(ret, err);
		if (value == NULL ||
		    !record_read_fields(json_array_get(list, i), fields, ARRAY_LEN(fields), value, err) ||
		    !check_value(value, err))
			return false;
	}
	return true;
}

bool published_record_parse(const char *text, size_t len, const char *name, struct published_record *ret,
			    struct error *err)
{
	struct error cause = {0};
	struct published_record record CLEANUP(published_record_done) = {0};
	json_t *root AUTO_JSON = record_read(text, len, &cause);
	if (root == NULL || !read_values(root, &record, &cause))
		return record_damaged(STORE_PUBLISHED, name, &cause, err);
	*ret = record;
	record = (struct published_record){0};
	return true;
}

bool published_record_serialize(const struct published_record *record, struct buf *out, struct error *err)
{
	json_t *root AUTO_JSON = record_new(err);
	json_t *list = json_array();
	if (root == NULL || !record_set_new(root, "values", list, err))
		return false;
	/* More could not be read again: the rest is not remembered. */
	for (size_t i = 0; i < record->count && i < LIMIT_JSON_ARRAY; i++) {
		json_t *object = json_object();
		if (object == NULL || json_array_append_new(list, object) != 0)
			return error_oom(err);
		if (!record_write_fields(object, fields, ARRAY_LEN(fields), &record->values[i], err))
			return false;
	}
	return json_write(root, /* pretty= */ true, out, err);
}

bool published_record_load(struct store *store, const char *name, struct published_record *ret, struct error *err)
{
	struct buf text CLEANUP(buf_done) = {0};
	bool found = false;
	if (!store_read_record(store, STORE_PUBLISHED, name, &text, &found, err))
		return false;
	if (found && !published_record_parse(buf_cstr(&text), text.len, name, ret, err)) {
		store_record_hint(store, STORE_PUBLISHED, name, err);
		return false;
	}
	return true;
}

bool published_record_save(struct store *store, const char *name, const struct published_record *record,
			   struct error *err)
{
	struct buf text CLEANUP(buf_done) = {0};
	if (record->count == 0)
		return store_delete_record(store, STORE_PUBLISHED, name, err);
	buf_init(&text, LIMIT_STATE_FILE);
	return published_record_serialize(record, &text, err) &&
	       store_write_record(store, STORE_PUBLISHED, name, buf_cstr(&text), text.len, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The common part of records: tables of fields between JSON and structs. */
#include "store/record.h"

#include "base/error.h"
#include "base/limits.h"
#include "store/layout.h"

#include <limits.h>
#include <string.h>

enum { RECORD_VERSION = 1 };

json_t *record_read(const char *text, size_t len, struct error *err)
{
	int64_t version = 0;
	json_t *root AUTO_JSON = json_read(text, len, "its text", err);
	if (root == NULL || !json_need_int(root, "version", INT64_MIN, INT64_MAX, &version, err))
		return NULL;
	if (version != RECORD_VERSION) {
		error_hint(err, "use the version of certferry that wrote it, or a newer one");
		(void)error_set(err, ERROR_STORE, NULL, "it has version %lld, and only %d is known here",
				(long long)version, RECORD_VERSION);
		return NULL;
	}
	return STEAL(root);
}

json_t *record_new(struct error *err)
{
	json_t *root AUTO_JSON = json_object();
	if (!record_set_new(root, "version", json_integer(RECORD_VERSION), err))
		return NULL;
	return STEAL(root);
}

bool record_set_new(json_t *object, const char *key, json_t *value, struct error *err)
{
	return json_object_set_new(object, key, value) == 0 || error_oom(err);
}

bool record_set_str(json_t *object, const char *key, const char *text, size_t max, struct error *err)
{
	if (str_is_empty(text))
		return true;
	if (strlen(text) > max)
		return error_set(err, ERROR_STORE, "store", "\"%s\" is longer than %zu bytes and cannot be recorded",
				 key, max);
	json_t *value = json_string(text);
	if (value == NULL)
		return error_set(err, ERROR_STORE, "store",
				 "\"%s\" cannot be recorded: it is not valid UTF-8, or "
				 "memory ran out",
				 key);
	return record_set_new(object, key, value, err);
}

/* --- Fields --- */

static bool read_text(const json_t *object, const struct record_field *field, void *ret, struct error *err)
{
	const char *text = NULL;
	if (!json_opt_str(object, field->key, field->max, &text, err))
		return false;
	if (str_is_empty(text))
		return true;
	if (field->type == RECORD_STRING)
		return str_set((char **)ret, text, err);
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

static bool read_number(const json_t *object, const struct record_field *field, void *ret, struct error *err)
{
	int64_t number = 0;
	int64_t min = field->type == RECORD_TIME ? INT64_MIN : 0;
	int64_t max = field->type == RECORD_COUNT ? UINT_MAX : INT64_MAX;
	if (!json_opt_int(object, field->key, min, max, &number, err))
		return false;
	if (field->type == RECORD_TIME)
		*(int64_t *)ret = number;
	else if (field->type == RECORD_NUMBER)
		*(uint64_t *)ret = (uint64_t)number;
	else
		*(unsigned *)ret = (unsigned)number;
	return true;
}

bool record_read_fields(const json_t *object, const struct record_field *fields, size_t count, void *ret,
			struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		void *at = (char *)ret + fields[i].offset;
		bool ok = false;
		switch (fields[i].type) {
		case RECORD_STRING:
		case RECORD_TEXT:
			ok = read_text(object, &fields[i], at, err);
			break;
		case RECORD_TIME:
		case RECORD_NUMBER:
		case RECORD_COUNT:
			ok = read_number(object, &fields[i], at, err);
			break;
		case RECORD_FLAG:
			ok = json_opt_bool(object, fields[i].key, at, err);
			break;
		}
		if (!ok)
			return false;
		if (fields[i].needed && *(char **)at == NULL)
			return error_set(err, ERROR_DATA, NULL, "\"%s\" is missing", fields[i].key);
	}
	return true;
}

/* The value of a field that is no text; 0 and false are not written. */
static bool write_number(json_t *object, const struct record_field *field, const void *from, struct error *err)
{
	int64_t number = 0;
	if (field->type == RECORD_FLAG)
		return !*(const bool *)from || record_set_new(object, field->key, json_true(), err);
	if (field->type == RECORD_TIME) {
		number = *(const int64_t *)from;
	} else if (field->type == RECORD_COUNT) {
		number = *(const unsigned *)from;
	} else {
		if (*(const uint64_t *)from > INT64_MAX)
			return error_set(err, ERROR_INTERNAL, "store", "\"%s\" is too large to be recorded",
					 field->key);
		number = (int64_t) * (const uint64_t *)from;
	}
	return number == 0 || record_set_new(object, field->key, json_integer(number), err);
}

bool record_write_fields(json_t *object, const struct record_field *fields, size_t count, const void *from,
			 struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct record_field *field = &fields[i];
		const void *at = (const char *)from + field->offset;
		bool is_text = field->type == RECORD_STRING || field->type == RECORD_TEXT;
		const char *text = field->type == RECORD_STRING ? *(char *const *)at : at;
		if (is_text && field->needed && str_is_empty(text))
			return error_set(err, ERROR_INTERNAL, "store", "a record without \"%s\" is not written",
					 field->key);
		if (is_text ? !record_set_str(object, field->key, text, field->max, err)
			    : !write_number(object, field, at, err))
			return false;
	}
	return true;
}

void record_free_fields(const struct record_field *fields, size_t count, void *from)
{
	for (size_t i = 0; i < count; i++)
		if (fields[i].type == RECORD_STRING)
			free(*(char **)((char *)from + fields[i].offset));
}

/* --- Names --- */

static bool read_name(const json_t *value, struct identifier *ret, struct error *err)
{
	struct error reason = {0};
	const char *text = json_string_value(value);
	if (text == NULL || strlen(text) != json_string_length(value))
		return error_set(err, ERROR_DATA, NULL, "an entry of \"domains\" is not a string");
	return identifier_parse(text, ret, &reason) || error_set(err, ERROR_DATA, NULL, "%s", reason.message);
}

bool record_read_names(const json_t *object, struct identifier **ret, size_t *ret_count, struct error *err)
{
	const json_t *list = NULL;
	if (!json_opt_array(object, "domains", &list, err))
		return false;
	size_t count = json_array_size(list);
	if (count == 0 || count > LIMIT_IDENTIFIERS)
		return error_set(err, ERROR_DATA, NULL, "\"domains\" has %s", count == 0 ? "no entry" : "too many");
	struct identifier *names AUTO_FREE = calloc(count, sizeof(*names));
	if (names == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		if (!read_name(json_array_get(list, i), &names[i], err))
			return false;
	free(*ret);
	*ret = STEAL(names);
	*ret_count = count;
	return true;
}

bool record_write_names(json_t *object, const struct identifier *names, size_t count, struct error *err)
{
	json_t *list AUTO_JSON = json_array();
	if (count == 0 || count > LIMIT_IDENTIFIERS)
		return error_set(err, ERROR_INTERNAL, "store", "a record of %zu domains is not written", count);
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(list, json_string(names[i].value)) != 0)
			return error_oom(err);
	return record_set_new(object, "domains", STEAL(list), err);
}

/* --- Damage --- */

bool record_damaged(enum store_record kind, const char *name, const struct error *cause, struct error *err)
{
	struct error ignored = {0};
	if (error_is_set(err))
		return false;
	if (cause->category == ERROR_INTERNAL) {
		*err = *cause;
		return false;
	}
	char *path AUTO_FREE = layout_record_path(kind, name, &ignored);
	if (path == NULL)
		return error_oom(err);
	if (cause->hint[0] != '\0')
		error_hint(err, "%s", cause->hint);
	return error_set(err, ERROR_STORE, "store", "%s %s: %s", path,
			 cause->category == ERROR_DATA ? "is damaged" : "cannot be used", cause->message);
}

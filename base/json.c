/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in and out. jansson's parser recurses, so a scan of a few lines walks over the text first: it understands only
 * brackets, commas and strings, but never less deep than the parser would go.
 */
#include "base/json.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/limits.h"

#include <string.h>

/* The length of the string whose opening quote stands at TEXT, without its quotes; up to the end when unterminated. */
static size_t string_span(const char *text, size_t len)
{
	size_t i = 1;
	while (i < len && text[i] != '"')
		i += text[i] == '\\' ? 2 : 1;
	return (i < len ? i : len) - 1;
}

static bool check_limits(const char *text, size_t len, const char *what, struct error *err)
{
	/* Commas seen at each depth: in an object they separate members, which cost no more than their bytes. */
	struct {
		bool array;
		size_t commas;
	} open[LIMIT_JSON_DEPTH] = {0};
	size_t depth = 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '"') {
			size_t span = string_span(text + i, len - i);
			if (span > LIMIT_JSON_STRING)
				return error_set(err, ERROR_DATA, NULL, "%s has a string longer than %d bytes", what,
						 LIMIT_JSON_STRING);
			i += span + 1;
		} else if (c == '[' || c == '{') {
			if (depth == LIMIT_JSON_DEPTH)
				return error_set(err, ERROR_DATA, NULL, "%s is nested deeper than %d levels", what,
						 LIMIT_JSON_DEPTH);
			open[depth].array = c == '[';
			open[depth++].commas = 0;
		} else if (c == ']' || c == '}') {
			depth -= depth > 0;
		} else if (c == ',' && depth > 0 && open[depth - 1].array) {
			if (++open[depth - 1].commas >= LIMIT_JSON_ARRAY)
				return error_set(err, ERROR_DATA, NULL, "%s has a list of more than %d elements", what,
						 LIMIT_JSON_ARRAY);
		}
	}
	return true;
}

json_t *json_read(const char *text, size_t len, const char *what, struct error *err)
{
	json_error_t failure;
	char reason[JSON_ERROR_TEXT_LENGTH];
	if (!check_limits(text, len, what, err))
		return NULL;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &failure);
	if (json == NULL)
		(void)error_set(err, ERROR_DATA, NULL, "%s is not valid JSON: line %d, column %d: %s", what,
				failure.line, failure.column, escape_str(reason, sizeof(reason), failure.text));
	return json;
}

/* The member, or NULL where it is missing or null; false where OBJECT is none. */
static bool find(const json_t *object, const char *key, const json_t **ret, struct error *err)
{
	if (!json_is_object(object))
		return error_set(err, ERROR_DATA, NULL, "not an object where \"%s\" was expected", key);
	const json_t *value = json_object_get(object, key);
	*ret = json_is_null(value) ? NULL : value;
	return true;
}

static bool need(const json_t *object, const char *key, struct error *err)
{
	const json_t *value = NULL;
	if (!find(object, key, &value, err))
		return false;
	return value != NULL || error_set(err, ERROR_DATA, NULL, "\"%s\" is missing", key);
}

bool json_need_str(const json_t *object, const char *key, size_t max, const char **ret, struct error *err)
{
	return need(object, key, err) && json_opt_str(object, key, max, ret, err);
}

bool json_opt_str(const json_t *object, const char *key, size_t max, const char **ret, struct error *err)
{
	const json_t *value = NULL;
	if (!find(object, key, &value, err))
		return false;
	if (value == NULL)
		return true;
	if (!json_is_string(value))
		return error_set(err, ERROR_DATA, NULL, "\"%s\" is not a string", key);
	size_t len = json_string_length(value);
	if (len > max)
		return error_set(err, ERROR_DATA, NULL, "\"%s\" is longer than %zu bytes", key, max);
	if (strlen(json_string_value(value)) != len)
		return error_set(err, ERROR_DATA, NULL, "\"%s\" holds a NUL character", key);
	*ret = json_string_value(value);
	return true;
}

bool json_need_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret, struct error *err)
{
	return need(object, key, err) && json_opt_int(object, key, min, max, ret, err);
}

bool json_opt_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret, struct error *err)
{
	const json_t *value = NULL;
	if (!find(object, key, &value, err))
		return false;
	if (value == NULL)
		return true;
	if (!json_is_integer(value))
		return error_set(err, ERROR_DATA, NULL, "\"%s\" is not an integer", key);
	int64_t number = json_integer_value(value);
	if (number < min || number > max)
		return error_set(err, ERROR_DATA, NULL, "\"%s\" is not between %lld and %lld", key, (long long)min,
				 (long long)max);
	*ret = number;
	return true;
}

bool json_opt_bool(const json_t *object, const char *key, bool *ret, struct error *err)
{
	const json_t *value = NULL;
	if (!find(object, key, &value, err))
		return false;
	if (value == NULL)
		return true;
	if (!json_is_boolean(value))
		return error_set(err, ERROR_DATA, NULL, "\"%s\" is not true or false", key);
	*ret = json_is_true(value);
	return true;
}

bool json_opt_object(const json_t *object, const char *key, const json_t **ret, struct error *err)
{
	const json_t *value = NULL;
	if (!find(object, key, &value, err))
		return false;
	if (value == NULL)
		return true;
	if (!json_is_object(value))
		return error_set(err, ERROR_DATA, NULL, "\"%s\" is not an object", key);
	*ret = value;
	return true;
}

bool json_opt_array(const json_t *object, const char *key, const json_t **ret, struct error *err)
{
	const json_t *value = NULL;
	if (!find(object, key, &value, err))
		return false;
	if (value == NULL)
		return true;
	if (!json_is_array(value))
		return error_set(err, ERROR_DATA, NULL, "\"%s\" is not a list", key);
	*ret = value;
	return true;
}

static int append_text(const char *text, size_t len, void *out)
{
	buf_append(out, text, len);
	return ((struct buf *)out)->failed ? -1 : 0;
}

bool json_write(const json_t *json, bool pretty, struct buf *out, struct error *err)
{
	size_t flags = pretty ? JSON_INDENT(2) : JSON_COMPACT;
	if (json_dump_callback(json, append_text, out, flags) != 0) {
		if (!buf_check(out, "a JSON document", err))
			return false;
		return error_set(err, ERROR_INTERNAL, NULL, "a JSON document cannot be written");
	}
	if (pretty)
		buf_char(out, '\n');
	return buf_check(out, "a JSON document", err);
}

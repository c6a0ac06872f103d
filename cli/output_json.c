/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents on stdout, and the values that many of them have alike. */
#include "cli/output_json.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

enum { DOCUMENT_MAX = 256 * 1024 * 1024 };

bool output_json(json_t *take_document, struct error *err)
{
	AUTO_JSON json_t *document = take_document;
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, DOCUMENT_MAX);
	if (document == NULL)
		return error_oom(err);
	if (!json_write(document, /* pretty= */ true, &text, err))
		return false;
	if (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout) != 0)
		return error_set(err, ERROR_INTERNAL, "output", "cannot write to standard output");
	return true;
}

void output_set_str(json_t *object, const char *key, const char *value)
{
	(void)json_object_set_new(object, key, str_is_empty(value) ? json_null() : json_string(value));
}

void output_set_time(json_t *object, const char *key, int64_t wall)
{
	char text[RFC3339_SIZE];
	output_set_str(object, key, wall > 0 ? rfc3339_format(wall, text) : NULL);
}

/* RFC 8555 §6.7.1: which names failed, and why. */
static json_t *parts_json(const struct error *err)
{
	json_t *list = json_array();
	struct error_part part;
	for (size_t i = 0; error_part_at(err, i, &part); i++) {
		json_t *entry = json_object();
		output_set_str(entry, "identifier", part.identifier);
		output_set_str(entry, "type", part.type);
		output_set_str(entry, "detail", part.detail);
		(void)json_array_append_new(list, entry);
	}
	return list;
}

json_t *output_error_object(const struct error *err)
{
	char detail[ERROR_TEXT_MAX + ERROR_SAID_MAX + 4];
	if (err == NULL || !error_is_set(err))
		return json_null();
	json_t *object = json_object();
	(void)snprintf(detail, sizeof(detail), "%s%s%s", err->message, err->said[0] != '\0' ? ": " : "", err->said);
	output_set_str(object, "type", err->type[0] != '\0' ? err->type : error_category_name(err->category));
	output_set_str(object, "detail", detail);
	output_set_str(object, "step", err->step);
	output_set_str(object, "hint", err->hint);
	output_set_time(object, "retry_at", err->retry_at);
	(void)json_object_set_new(object, "subproblems", parts_json(err));
	if (err->clock_offset != 0)
		(void)json_object_set_new(object, "clock_offset", json_integer((json_int_t)err->clock_offset));
	return object;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals in JSON. What a member is called differs, what it means does not: a word or number to act upon, a sentence,
 * and perhaps more of the same inside.
 */
#include "dns-providers/failure.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SAFE_MAX = 512 };

bool provider_failure_has(const struct provider_failure *failure, const char *code)
{
	for (size_t i = 0; i < failure->count; i++) {
		if (str_equal(failure->codes[i], code))
			return true;
	}
	return false;
}

void provider_failure_add(struct provider_failure *failure, const char *code)
{
	if (failure->count < PROVIDER_CODES_MAX && code[0] != '\0')
		(void)escape_str(failure->codes[failure->count++], PROVIDER_CODE_SIZE, code);
}

/* Member KEY as text, a number too. NULL where there is none. */
static const char *text_of(const json_t *object, const char *key, char scratch[PROVIDER_CODE_SIZE])
{
	const json_t *value = json_object_get(object, key);
	if (json_is_integer(value)) {
		(void)snprintf(scratch, PROVIDER_CODE_SIZE, "%" PRId64, (int64_t)json_integer_value(value));
		return scratch;
	}
	return json_is_string(value) ? json_string_value(value) : NULL;
}

/* "CODE: MESSAGE", as much of it as there is. */
static void add_words(struct provider_failure *failure, struct buf *text, const char *code, const char *message)
{
	char safe[SAFE_MAX];
	if (code != NULL) {
		provider_failure_add(failure, code);
		buf_str(text, escape_str(safe, sizeof(safe), code));
	}
	if (message != NULL)
		buf_printf(text, "%s%s", code != NULL ? ": " : "", escape_str(safe, sizeof(safe), message));
}

/* The codes of the objects in LIST below KEY: for acting, not for reading. */
static void add_inner_codes(struct provider_failure *failure, const json_t *list, const char *key)
{
	char scratch[PROVIDER_CODE_SIZE];
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *code = text_of(json_array_get(list, i), key, scratch);
		if (code != NULL)
			provider_failure_add(failure, code);
	}
}

/* One object with a code and a message; false when it has neither. */
static bool add_object(struct provider_failure *failure, struct buf *text, const json_t *object)
{
	char scratch[PROVIDER_CODE_SIZE];
	const char *code = text_of(object, "code", scratch);
	if (code == NULL)
		code = text_of(object, "id", scratch);
	const char *message = text_of(object, "message", (char[PROVIDER_CODE_SIZE]){""});
	const char *status = text_of(object, "status", (char[PROVIDER_CODE_SIZE]){""});
	if (code == NULL && message == NULL)
		return false;
	add_words(failure, text, code, message);
	if (status != NULL)
		provider_failure_add(failure, status);
	add_inner_codes(failure, json_object_get(object, "errors"), "reason");
	add_inner_codes(failure, json_object_get(object, "details"), "reason");
	return true;
}

/* A list of them and, in parentheses, the chain inside each. */
static void add_list(struct provider_failure *failure, struct buf *text, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *error = json_array_get(list, i);
		const json_t *chain = json_object_get(error, "error_chain");
		buf_str(text, i > 0 ? "; " : "");
		if (!add_object(failure, text, error))
			continue;
		for (size_t j = 0; j < json_array_size(chain); j++) {
			buf_str(text, j > 0 ? ", " : " (");
			(void)add_object(failure, text, json_array_get(chain, j));
		}
		buf_str(text, json_array_size(chain) > 0 ? ")" : "");
	}
}

/* Whether ROOT is a failure at all, and if so its words. */
static bool add_root(struct provider_failure *failure, struct buf *text, const json_t *root)
{
	char scratch[PROVIDER_CODE_SIZE];
	const json_t *error = json_object_get(root, "error");
	const json_t *success = json_object_get(root, "success");

	if (success != NULL) {
		if (!json_is_false(success))
			return false;
		add_list(failure, text, json_object_get(root, "errors"));
		return true;
	}
	if (json_is_object(error))
		return add_object(failure, text, error);
	if (!json_is_string(error))
		return json_object_get(root, "message") != NULL && add_object(failure, text, root);
	add_words(failure, text, json_string_value(error), text_of(root, "error_description", scratch));
	return true;
}

bool provider_failure_read(const char *text, size_t len, struct provider_failure *ret)
{
	struct error ignored = {0};
	struct provider_failure failure = {0};
	CLEANUP(buf_done) struct buf said;
	json_t *root AUTO_JSON = json_read(text, len, "the API's answer", &ignored);

	buf_init(&said, LIMIT_JSON_BODY);
	if (!json_is_object(root) || !add_root(&failure, &said, root))
		return false;
	(void)escape_text(failure.text, sizeof(failure.text), buf_cstr(&said), said.len, /* keep_lines= */ false);
	if (failure.text[0] == '\0')
		(void)snprintf(failure.text, sizeof(failure.text), "no reason given");
	*ret = failure;
	return true;
}

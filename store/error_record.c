/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object in a record, so that the next process tells exactly what this one knew. A step is a static string
 * in memory: read back, it becomes one of a small pool that lives as long as the process.
 */
#include "base/error.h"
#include "base/escape.h"
#include "store/record.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

enum {
	STEP_MAX = 31,
	STEPS_MAX = 64, /* far more than there are; beyond that a step reads as unknown */
};

static struct {
	pthread_mutex_t mutex;
	size_t count;
	char names[STEPS_MAX][STEP_MAX + 1];
} steps = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* The pool's copy of NAME; NULL when the pool is full. */
static const char *intern_step(const char *name)
{
	const char *found = NULL;
	(void)pthread_mutex_lock(&steps.mutex);
	for (size_t i = 0; i < steps.count && found == NULL; i++)
		if (str_equal(steps.names[i], name))
			found = steps.names[i];
	if (found == NULL && steps.count < STEPS_MAX) {
		memcpy(steps.names[steps.count], name, strlen(name) + 1);
		found = steps.names[steps.count++];
	}
	(void)pthread_mutex_unlock(&steps.mutex);
	return found;
}

static bool step_is_valid(const char *name)
{
	return name[0] != '\0' && strlen(name) <= STEP_MAX &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static const struct {
	const char *key;
	size_t offset;
	size_t size;
	bool keep_lines;
} texts[] = {
	{"certificate", offsetof(struct error, certificate), ERROR_NAME_MAX, false},
	{"server", offsetof(struct error, server), ERROR_NAME_MAX, false},
	{"type", offsetof(struct error, type), ERROR_NAME_MAX, false},
	{"message", offsetof(struct error, message), ERROR_TEXT_MAX, false},
	{"said", offsetof(struct error, said), ERROR_SAID_MAX, true},
	{"hint", offsetof(struct error, hint), ERROR_TEXT_MAX, false},
	{"parts", offsetof(struct error, parts), ERROR_PARTS_MAX, true},
};

static const struct record_field fields[] = {
	{.key = "transient", .type = RECORD_FLAG, .offset = offsetof(struct error, transient)},
	{.key = "retry_at", .type = RECORD_TIME, .offset = offsetof(struct error, retry_at)},
	{.key = "clock_offset", .type = RECORD_TIME, .offset = offsetof(struct error, clock_offset)},
};

json_t *error_record_write(const struct error *error, struct error *err)
{
	json_t *object AUTO_JSON = json_object();
	if (!record_set_new(object, "category", json_string(error_category_name(error->category)), err) ||
	    !record_write_fields(object, fields, ARRAY_LEN(fields), error, err))
		return NULL;
	if (error->http_status != 0 && !record_set_new(object, "http_status", json_integer(error->http_status), err))
		return NULL;
	if (error->step != NULL && step_is_valid(error->step) &&
	    !record_set_str(object, "step", error->step, STEP_MAX, err))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!record_set_str(object, texts[i].key, (const char *)error + texts[i].offset, texts[i].size - 1,
				    err))
			return NULL;
	return STEAL(object);
}

static bool read_category(const json_t *object, enum error_category *ret, struct error *err)
{
	const char *name = NULL;
	if (!json_need_str(object, "category", STEP_MAX, &name, err))
		return false;
	for (int i = ERROR_NONE + 1; i <= ERROR_INTERNAL; i++)
		if (str_equal(name, error_category_name((enum error_category)i))) {
			*ret = (enum error_category)i;
			return true;
		}
	return error_set(err, ERROR_DATA, NULL, "\"category\" is none that is known");
}

bool error_record_read(const json_t *object, struct error *ret, struct error *err)
{
	const char *name = NULL;
	int64_t status = 0;
	error_clear(ret);
	if (!read_category(object, &ret->category, err) ||
	    !record_read_fields(object, fields, ARRAY_LEN(fields), ret, err) ||
	    !json_opt_int(object, "http_status", INT_MIN, INT_MAX, &status, err) ||
	    !json_opt_str(object, "step", STEP_MAX, &name, err))
		return false;
	ret->http_status = (long)status;
	if (name != NULL && !step_is_valid(name))
		return error_set(err, ERROR_DATA, NULL, "\"step\" is not the name of one");
	ret->step = name != NULL ? intern_step(name) : NULL;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = "";
		if (!json_opt_str(object, texts[i].key, texts[i].size - 1, &text, err))
			return false;
		/* Made safe when it was kept; a file can have been edited since. */
		(void)escape_text((char *)ret + texts[i].offset, texts[i].size, text, strlen(text),
				  texts[i].keep_lines);
	}
	return true;
}

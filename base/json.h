/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place that parses JSON: bounded before it is parsed, duplicates refused, and read through typed getters that
 * check. Trees stay inside the file that asked for them; only typed structs travel on. jansson underneath.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/compiler.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct error;

/* A local `json_t *` that drops its reference when it leaves its scope. */
#define AUTO_JSON CLEANUP(json_decrefp_)
static inline void json_decrefp_(json_t **json)
{
	json_decref(*json);
}

/*
 * LEN bytes as a JSON document whose root is an object (or an array). Depth, array length and string length are capped
 * by limits.h before the parser runs. NULL and ERR (ERROR_DATA, see error_attribute) naming WHAT on failure. New
 * reference.
 */
MUST_CHECK json_t *json_read(const char *text, size_t len, const char *what, struct error *err);

/*
 * Getters. `need` forms fail when the member is missing or null, `opt` forms then leave *RET alone and succeed; both
 * fail (ERROR_DATA) on a wrong type or a value out of range, naming the key. Strings are borrowed from the tree; one
 * with an embedded NUL is refused. MAX counts bytes.
 */
MUST_CHECK bool json_need_str(const json_t *object, const char *key, size_t max, const char **ret, struct error *err);
MUST_CHECK bool json_opt_str(const json_t *object, const char *key, size_t max, const char **ret, struct error *err);
MUST_CHECK bool json_need_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret,
			      struct error *err);
MUST_CHECK bool json_opt_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret,
			     struct error *err);
MUST_CHECK bool json_opt_bool(const json_t *object, const char *key, bool *ret, struct error *err);
MUST_CHECK bool json_opt_object(const json_t *object, const char *key, const json_t **ret, struct error *err);
MUST_CHECK bool json_opt_array(const json_t *object, const char *key, const json_t **ret, struct error *err);

/* Compact (or, with PRETTY, indented and newline-terminated) text appended to OUT, members in the order they were set.
 */
MUST_CHECK bool json_write(const json_t *json, bool pretty, struct buf *out, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings and lists of strings: checked, allocating forms of what libc leaves to care.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

API_BEGIN

struct error;

/* NULL is equal to nothing, not even to NULL. */
bool str_equal(const char *a, const char *b);
bool str_equal_nocase(const char *a, const char *b); /* ASCII only */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* "" and NULL. */
bool str_is_empty(const char *text);

/* A malloc'd copy in *RET (freed first if it held something). TEXT NULL makes *RET NULL. */
MUST_CHECK bool str_set(char **ret, const char *text, struct error *err);
MUST_CHECK bool str_set_n(char **ret, const char *text, size_t len, struct error *err);

/* A malloc'd formatted string, or NULL with ERR set. */
MUST_CHECK char *str_format(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Decimal digits only, the whole of LEN bytes, at most MAX. */
MUST_CHECK bool parse_u64(const char *text, size_t len, uint64_t max, uint64_t *ret);

/* The number of single-character edits between A and B, capped at LIMIT + 1: "did you mean". */
size_t str_distance(const char *a, const char *b, size_t limit);

struct str_list {
	char **items; /* owned */
	size_t len;
};

void str_list_done(struct str_list *list);
MUST_CHECK bool str_list_add(struct str_list *list, const char *text, struct error *err);
/* Adds TEXT unless it is there. */
MUST_CHECK bool str_list_add_once(struct str_list *list, const char *text, struct error *err);
bool str_list_has(const struct str_list *list, const char *text);
/* RET becomes an independent copy; what it held is freed first (so it must be initialized). */
MUST_CHECK bool str_list_copy(struct str_list *ret, const struct str_list *list, struct error *err);

API_END

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Strings and lists of strings. A list's capacity follows from its length: the next power of two, at least LIST_FIRST.
 */
#include "base/str.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	LIST_FIRST = 8,
	DISTANCE_MAX = 255, /* bytes of the second word: a row of the table is kept on the stack */
};

bool str_equal(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* tolower() of the C locale, whatever the locale is. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_equal_nocase(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return false;
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return *a == '\0' && *b == '\0';
}

bool str_starts(const char *text, const char *prefix)
{
	return text != NULL && prefix != NULL && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	if (text == NULL || suffix == NULL)
		return false;
	size_t len = strlen(text), suffix_len = strlen(suffix);
	return suffix_len <= len && strcmp(text + len - suffix_len, suffix) == 0;
}

bool str_is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

bool str_set(char **ret, const char *text, struct error *err)
{
	if (text != NULL)
		return str_set_n(ret, text, strlen(text), err);
	free(*ret);
	*ret = NULL;
	return true;
}

bool str_set_n(char **ret, const char *text, size_t len, struct error *err)
{
	/* Copied before the old one goes: TEXT may be a part of it. */
	char *copy = len < SIZE_MAX ? malloc(len + 1) : NULL;
	if (copy == NULL)
		return error_oom(err);
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	free(*ret);
	*ret = copy;
	return true;
}

char *str_format(struct error *err, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	if (len >= 0)
		return text;
	(void)error_oom(err);
	return NULL;
}

bool parse_u64(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (value > max / 10 || (value == max / 10 && digit > max % 10))
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t str_distance(const char *a, const char *b, size_t limit)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t row[DISTANCE_MAX + 1];
	size_t apart = a_len > b_len ? a_len - b_len : b_len - a_len;
	if (apart > limit || b_len > DISTANCE_MAX)
		return limit + 1;

	/* Levenshtein with one row: row[j] is the distance of the first i bytes of A and the first j bytes of B. */
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0], best = i;
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			row[j] = min_size(change, min_size(row[j], row[j - 1]) + 1);
			best = min_size(best, row[j]);
		}
		if (best > limit)
			return limit + 1;
	}
	return min_size(row[b_len], limit + 1);
}

void str_list_done(struct str_list *list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->len; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct str_list){0};
}

static bool list_grow(struct str_list *list, struct error *err)
{
	size_t cap = LIST_FIRST;
	if (list->len > 0) {
		if (list->len < LIST_FIRST || (list->len & (list->len - 1)) != 0)
			return true;
		cap = list->len * 2;
	}
	char **items = reallocarray(list->items, cap, sizeof(*items));
	if (items == NULL)
		return error_oom(err);
	list->items = items;
	return true;
}

bool str_list_add(struct str_list *list, const char *text, struct error *err)
{
	char *copy AUTO_FREE = NULL;
	if (!str_set_n(&copy, text, strlen(text), err) || !list_grow(list, err))
		return false;
	list->items[list->len++] = STEAL(copy);
	return true;
}

bool str_list_add_once(struct str_list *list, const char *text, struct error *err)
{
	return str_list_has(list, text) || str_list_add(list, text, err);
}

bool str_list_has(const struct str_list *list, const char *text)
{
	for (size_t i = 0; i < list->len; i++)
		if (str_equal(list->items[i], text))
			return true;
	return false;
}

bool str_list_copy(struct str_list *ret, const struct str_list *list, struct error *err)
{
	struct str_list copy = {0};
	for (size_t i = 0; i < list->len; i++)
		if (!str_list_add(&copy, list->items[i], err)) {
			str_list_done(&copy);
			return false;
		}
	str_list_done(ret);
	*ret = copy;
	return true;
}

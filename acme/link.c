/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds links by relation. Several links may share one header, parameters may be quoted and hold commas, and rel is a
 * list of words: splitting at commas would be wrong.
 */
#include "acme/link.h"

#include <string.h>
#include <strings.h>

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t");
}

/* Whether the LEN bytes at LIST, words separated by spaces, hold WORD (relation types compare without case). */
static bool has_word(const char *list, size_t len, const char *word)
{
	size_t word_len = strlen(word);
	for (size_t at = 0; at < len;) {
		size_t end = at;
		while (end < len && list[end] != ' ' && list[end] != '\t')
			end++;
		if (end - at == word_len && strncasecmp(list + at, word, word_len) == 0)
			return true;
		at = end + 1;
	}
	return false;
}

/*
 * Read one parameter, `;name=value` or `;name="value"`, at *AT and step over it. False when there is none, with *AT
 * where reading stopped. *RET_MATCH becomes true when it is a rel that holds REL.
 */
static bool read_parameter(const char **at, const char *rel, bool *ret_match)
{
	const char *name = skip_space(*at);
	*at = name;
	if (*name != ';')
		return false;
	name = skip_space(name + 1);
	size_t name_len = strcspn(name, "=;, \t\"");
	const char *value = skip_space(name + name_len);
	if (*value != '=') {
		*at = value;
		return true;
	}
	value = skip_space(value + 1);

	size_t value_len;
	if (*value == '"') {
		value++;
		value_len = 0;
		while (value[value_len] != '"') {
			if (value[value_len] == '\\' && value[value_len + 1] != '\0')
				value_len++;
			if (value[value_len] == '\0')
				return false;
			value_len++;
		}
		*at = value + value_len + 1;
	} else {
		value_len = strcspn(value, ";, \t\"");
		*at = value + value_len;
	}
	if (name_len == strlen("rel") && strncasecmp(name, "rel", name_len) == 0 && has_word(value, value_len, rel))
		*ret_match = true;
	return true;
}

/* The next link of a header at *AT: its target, and whether its relation is REL. NULL at the end. */
static const char *next_link(const char **at, const char *rel, size_t *ret_len, bool *ret_match)
{
	const char *target = *at + strspn(*at, " \t,");
	*ret_match = false;
	if (*target != '<')
		return NULL;
	target++;
	*ret_len = strcspn(target, ">");
	if (target[*ret_len] != '>')
		return NULL;
	*at = target + *ret_len + 1;
	while (read_parameter(at, rel, ret_match))
		;
	return target;
}

const char *link_find(const struct http_response *response, const char *rel, size_t index, size_t *ret_len)
{
	const char *header;
	for (size_t i = 0; (header = http_response_header(response, "Link", i)) != NULL; i++) {
		const char *target;
		size_t len = 0;
		bool match = false;
		while ((target = next_link(&header, rel, &len, &match)) != NULL) {
			if (match && index-- == 0) {
				*ret_len = len;
				return target;
			}
		}
	}
	return NULL;
}

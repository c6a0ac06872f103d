/* SPDX-License-Identifier: Apache-2.0 */
/* One look through colon-separated lines. The largest number is left out: chown() takes it as "leave alone". */
#include "transport/remote_accounts.h"

#include "base/str.h"

#include <string.h>

/* The field of LINE up to the next colon, which is cut off with it. */
static const char *next_field(const char **line, size_t *len, size_t *ret_len)
{
	const char *field = *line;
	const char *colon = memchr(field, ':', *len);
	size_t used;

	*ret_len = colon != NULL ? (size_t)(colon - field) : *len;
	used = *ret_len + (colon != NULL ? 1 : 0);
	*line += used;
	*len -= used;
	return field;
}

/* Cut the next line off TEXT. */
static const char *next_line(const char **text, size_t *len, size_t *ret_len)
{
	const char *line = *text;
	const char *end = memchr(line, '\n', *len);
	size_t used = end != NULL ? (size_t)(end - line) + 1 : *len;

	*ret_len = end != NULL ? used - 1 : used;
	*text += used;
	*len -= used;
	return line;
}

static bool line_number(const char *line, size_t len, const char *name, uint32_t *ret)
{
	size_t field_len;
	uint64_t number;
	const char *field = next_field(&line, &len, &field_len);

	if (field_len != strlen(name) || memcmp(field, name, field_len) != 0)
		return false;
	(void)next_field(&line, &len, &field_len);
	field = next_field(&line, &len, &field_len);
	if (!parse_u64(field, field_len, UINT32_MAX - 1, &number))
		return false;
	*ret = (uint32_t)number;
	return true;
}

bool remote_accounts_find(const char *text, size_t len, const char *name, uint32_t *ret)
{
	while (len > 0 && name[0] != '\0') {
		size_t line_len;
		const char *line = next_line(&text, &len, &line_len);
		if (line_number(line, line_len, name, ret))
			return true;
	}
	return false;
}

bool remote_accounts_user(const char *text, size_t len, const char *name, uint32_t *ret_uid, uint32_t *ret_gid)
{
	while (len > 0 && name[0] != '\0') {
		size_t line_len, field_len;
		uint64_t gid;
		const char *line = next_line(&text, &len, &line_len);
		if (!line_number(line, line_len, name, ret_uid))
			continue;
		for (int i = 0; i < 3; i++)
			(void)next_field(&line, &line_len, &field_len);
		const char *field = next_field(&line, &line_len, &field_len);
		if (!parse_u64(field, field_len, UINT32_MAX - 1, &gid))
			return false;
		*ret_gid = (uint32_t)gid;
		return true;
	}
	return false;
}

/* Whether NAME is one of the comma-separated names in LIST. */
static bool list_has(const char *list, size_t len, const char *name)
{
	while (len > 0) {
		const char *comma = memchr(list, ',', len);
		size_t name_len = comma != NULL ? (size_t)(comma - list) : len;
		if (name_len == strlen(name) && memcmp(list, name, name_len) == 0)
			return true;
		name_len += comma != NULL ? 1 : 0;
		list += name_len;
		len -= name_len;
	}
	return false;
}

bool remote_accounts_next_group(const char **text, size_t *len, const char *name, uint32_t *ret)
{
	while (*len > 0 && name[0] != '\0') {
		size_t line_len, field_len;
		uint64_t gid;
		const char *line = next_line(text, len, &line_len);
		(void)next_field(&line, &line_len, &field_len);
		(void)next_field(&line, &line_len, &field_len);
		const char *number = next_field(&line, &line_len, &field_len);
		if (!parse_u64(number, field_len, UINT32_MAX - 1, &gid) || !list_has(line, line_len, name))
			continue;
		*ret = (uint32_t)gid;
		return true;
	}
	return false;
}

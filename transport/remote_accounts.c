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
		const char *end = memchr(text, '\n', len);
		size_t line_len = end != NULL ? (size_t)(end - text) : len;
		if (line_number(text, line_len, name, ret))
			return true;
		line_len += end != NULL ? 1 : 0;
		text += line_len;
		len -= line_len;
	}
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reaches identifier_parse(), host_is_valid() and name_is_valid(): a canonical value is accepted again, unchanged. */
#include "base/error.h"
#include "base/identifier.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.:*";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identifier first = {0}, second = {0};
	struct error err = {0};
	char *text AUTO_FREE = malloc(size + 1);
	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';

	if (host_is_valid(text) && (text[0] == '-' || strpbrk(text, " \t\r\n'\"`$;&|<>()\\/*?[]{}!#~%@") != NULL))
		abort();
	if (name_is_valid(text) && (strchr(text, '/') != NULL || strstr(text, "..") != NULL || text[0] == '.'))
		abort();
	if (!identifier_parse(text, &first, &err)) {
		if (err.category != ERROR_USAGE || strpbrk(err.message, "\n\x1b") != NULL)
			abort();
		return 0;
	}
	if (strspn(first.value, allowed) != strlen(first.value) || strchr(identifier_base(&first), '*') != NULL)
		abort();
	if (!identifier_parse(first.value, &second, &err) || !identifier_equal(&first, &second))
		abort();
	if (!host_is_valid(identifier_base(&first)))
		abort();
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* link_find() over one or more Link headers, a line each. */
#include "acme/link.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_response response = {0};
	const char *at = (const char *)data, *end = at + size;
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((line_end != NULL ? line_end : end) - at);
		struct error err = {0};
		if (!http_response_add_header(&response, "Link", 4, at, len, &err))
			break;
		at += len + (line_end != NULL);
	}
	for (size_t i = 0; i < 4; i++) {
		size_t len = 0;
		const char *target = link_find(&response, i % 2 ? "up" : "alternate", i / 2, &len);
		if (target != NULL && memchr(target, '>', len) != NULL)
			__builtin_trap();
	}
	http_response_done(&response);
	return 0;
}

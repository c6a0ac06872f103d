/* SPDX-License-Identifier: Apache-2.0 */
/* acme_url_parse(): what is taken must be safe to put into a JWS header and must start with the origin it claims. */
#include "acme/url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acme_url url;
	struct error err = {0};
	char *text = malloc(size + 1);
	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (acme_url_parse(text, &url, &err)) {
		const char *host = text + (url.secure ? strlen("https://") : strlen("http://"));
		if (strncasecmp(host, url.host, strlen(url.host)) != 0 || strpbrk(text, "\"\\ #\r\n") != NULL ||
		    strchr(":/?", host[strlen(url.host)]) == NULL || !acme_url_same_origin(&url, &url))
			__builtin_trap();
	} else if (!error_is_set(&err)) {
		__builtin_trap();
	}
	free(text);
	return 0;
}

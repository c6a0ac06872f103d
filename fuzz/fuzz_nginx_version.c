/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says its nginx is: read within its bytes, which no NUL ends. */
#include "transport/site.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	if (text == NULL)
		abort();
	memcpy(text, data, size);
	if (site_nginx_version(text, size) > 999999999)
		abort();
	free(text);
	return 0;
}

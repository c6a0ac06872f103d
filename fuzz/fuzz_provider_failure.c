/* SPDX-License-Identifier: Apache-2.0 */
/* What vendors say when they refuse, in every JSON form: one safe line, and codes that fit. */
#include "dns-providers/failure.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct provider_failure failure = {0};
	if (!provider_failure_read((const char *)data, size, &failure))
		return 0;
	require(failure.text[0] != '\0' && strchr(failure.text, '\n') == NULL && strchr(failure.text, '\x1b') == NULL);
	require(failure.count <= PROVIDER_CODES_MAX);
	for (size_t i = 0; i < failure.count; i++)
		require(strlen(failure.codes[i]) < PROVIDER_CODE_SIZE &&
			provider_failure_has(&failure, failure.codes[i]));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A token endpoint's answer. What comes out may stand in a header. */
#include "dns-providers/oauth.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret token = {0};
	struct error err = {0};
	int64_t seconds = -1;
	bool read = oauth_read_token((const char *)data, size, 1700000000, &token, &seconds, &err);
	require(read != error_is_set(&err) && read == (token.data != NULL));
	require(!read || (seconds >= 0 && token.len > 0));
	for (size_t i = 0; i < token.len; i++)
		require(token.data[i] > ' ' && token.data[i] <= '~');
	secret_done(&token);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A server's /etc/passwd or /etc/group. */
#include "transport/remote_accounts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t id = 0;

	if (remote_accounts_find((const char *)data, size, "ssl-cert", &id) && id == UINT32_MAX)
		abort();
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A server's /etc/passwd or /etc/group. */
#include "transport/remote_accounts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t id = 0, group = 0;
	const char *text = (const char *)data;
	size_t len = size;

	if (remote_accounts_find((const char *)data, size, "ssl-cert", &id) && id == UINT32_MAX)
		abort();
	if (remote_accounts_user(text, len, "deploy", &id, &group) && (id == UINT32_MAX || group == UINT32_MAX))
		abort();
	while (remote_accounts_next_group(&text, &len, "deploy", &id))
		if (id == UINT32_MAX || text + len != (const char *)data + size)
			abort();
	return 0;
}

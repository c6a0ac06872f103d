/* SPDX-License-Identifier: Apache-2.0 */
/* eab_email_parse(): what a web service answers that hands out external account credentials. */
#include "service/account_eab.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret key = {0};
	struct error err = {0};
	char *kid = NULL;
	bool ok = eab_email_parse((const char *)data, size, &kid, &key, &err);
	if (ok ? kid == NULL || kid[0] == '\0' || key.len == 0 : !error_is_set(&err))
		__builtin_trap();
	free(kid);
	secret_done(&key);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* account_parse(): what a CA answers about an account. */
#include "acme/account.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acme_account account = {0};
	struct error err = {0};
	if (!account_parse((const char *)data, size, &account, &err)) {
		if (!error_is_set(&err))
			__builtin_trap();
		return 0;
	}
	if (str_is_empty(acme_account_status_name(account.status)))
		__builtin_trap();
	acme_account_done(&account);
	return 0;
}

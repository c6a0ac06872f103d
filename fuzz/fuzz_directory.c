/* SPDX-License-Identifier: Apache-2.0 */
/* directory_parse(): a hostile CA's directory. */
#include "acme/directory.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acme_directory directory = {0};
	struct error err = {0};
	if (directory_parse((const char *)data, size, &directory, &err)) {
		if (directory.new_nonce == NULL || directory.new_account == NULL || directory.new_order == NULL)
			__builtin_trap();
		directory_done(&directory);
	} else if (!error_is_set(&err)) {
		__builtin_trap();
	}
	return 0;
}

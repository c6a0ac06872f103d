/* SPDX-License-Identifier: Apache-2.0 */
/* eab_key_decode(): an HMAC key as somebody pasted it. */
#include "acme/eab.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret text = {0}, key = {0};
	struct error err = {0};
	if (!secret_set(&text, data, size, &err))
		return 0;
	if (eab_key_decode(&text, &key, &err)) {
		if (key.len == 0 || key.len > size)
			__builtin_trap();
	} else if (!error_is_set(&err) || key.data != NULL) {
		__builtin_trap();
	}
	secret_done(&text);
	secret_done(&key);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* revoked_key_parse(), and what it read written and read again. */
#include "store/revoked_key.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct revoked_key record = {0}, again = {0};
	struct error err = {0};
	struct buf text;
	if (!revoked_key_parse((const char *)data, size, "0a", &record, &err)) {
		if (!error_is_set(&err))
			__builtin_trap();
		return 0;
	}
	buf_init(&text, 1 << 20);
	if (!revoked_key_serialize(&record, &text, &err) ||
	    !revoked_key_parse(text.data, text.len, "0a", &again, &err) ||
	    !str_equal(again.certificate, record.certificate) || again.revoked_at != record.revoked_at)
		__builtin_trap();
	buf_done(&text);
	revoked_key_done(&record);
	revoked_key_done(&again);
	return 0;
}

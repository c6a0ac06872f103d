/* SPDX-License-Identifier: Apache-2.0 */
/* ari_parse(): renewal information of a hostile CA. */
#include "acme/ari.h"
#include "base/limits.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ari_info info;
	struct error err = {0};
	if (!ari_parse((const char *)data, size, &info, &err)) {
		if (!error_is_set(&err))
			__builtin_trap();
		return 0;
	}
	if (info.end <= info.start)
		__builtin_trap();
	if (info.explanation != NULL && (strlen(info.explanation) >= LIMIT_URL || strchr(info.explanation, '\033')))
		__builtin_trap();
	ari_info_done(&info);
	return 0;
}

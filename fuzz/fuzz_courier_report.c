/* SPDX-License-Identifier: Apache-2.0 */
/* A courier's report, from a courier that a hostile server may have taken over. */
#include "transport/courier_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct push_outcome outcomes[2];
	struct error err = {0}, failure = {0};

	if (size == 0)
		return 0;
	size_t count = data[0] % 3; /* the number the parent expects */
	if (courier_decode_report(data + 1, size - 1, outcomes, count, &failure, &err)) {
		for (size_t i = 0; i < count; i++)
			if (!error_is_set(&failure) && error_is_set(&outcomes[i].error))
				abort();
		if (memchr(failure.message, '\x1b', strlen(failure.message)) != NULL)
			abort();
	}
	(void)courier_decode_step(data, size);
	return 0;
}

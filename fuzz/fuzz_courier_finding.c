/* SPDX-License-Identifier: Apache-2.0 */
/* A finding of a courier gone bad: what is accepted is safe to print, and a failure exactly where it says so. */
#include "transport/courier_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct rehearsal_finding finding;

	if (!courier_decode_finding(data, size, &finding, &err))
		return 0;
	if (finding.step == NULL || (finding.result == REHEARSAL_FAILED) != error_is_set(&finding.error))
		abort();
	if (strpbrk(finding.detail, "\x1b\n\r\x07") != NULL || strpbrk(finding.error.message, "\x1b\x07") != NULL)
		abort();
	return 0;
}

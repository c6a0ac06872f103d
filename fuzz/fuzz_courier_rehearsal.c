/* SPDX-License-Identifier: Apache-2.0 */
/* A courier's rehearsal: what is accepted encodes to the same bytes again. */
#include "base/buf.h"
#include "base/limits.h"
#include "transport/courier_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct rehearsal_job job;
	struct buf again;

	if (!courier_decode_rehearsal(data, size, &job, &err))
		return 0;
	buf_init(&again, LIMIT_COURIER_JOB);
	courier_encode_rehearsal(&job, &again);
	if (again.len != size || memcmp(again.data, data, size) != 0)
		abort();
	buf_done(&again);
	rehearsal_job_done(&job);
	return 0;
}

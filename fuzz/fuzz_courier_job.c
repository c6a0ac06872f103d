/* SPDX-License-Identifier: Apache-2.0 */
/* A courier's job: what is accepted encodes to the same bytes again. */
#include "base/buf.h"
#include "base/limits.h"
#include "transport/courier_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct push_job job;
	struct courier_frame frame;
	struct buf again;

	if (courier_decode_job(data, size, &job, &err)) {
		buf_init(&again, LIMIT_COURIER_JOB);
		courier_encode_job(&job, &again);
		if (again.len != size || memcmp(again.data, data, size) != 0)
			abort();
		buf_done(&again);
		push_job_done(&job);
	}
	error_clear(&err);
	if (courier_decode_frame(data, size, &frame, &err) && frame.len + COURIER_FRAME_HEADER != size)
		abort();
	return 0;
}

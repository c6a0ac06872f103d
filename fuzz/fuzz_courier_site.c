/* SPDX-License-Identifier: Apache-2.0 */
/* A courier's virtual host, and its report of one: what is accepted encodes to the same bytes again. */
#include "base/buf.h"
#include "base/limits.h"
#include "transport/courier_message.h"

#include <stdlib.h>
#include <string.h>

static void check_job(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct site_job job;
	struct buf again;

	if (!courier_decode_site(data, size, &job, &err))
		return;
	buf_init(&again, LIMIT_COURIER_JOB);
	courier_encode_site(&job, &again);
	if (again.len != size || memcmp(again.data, data, size) != 0)
		abort();
	buf_done(&again);
	site_job_done(&job);
}

static void check_report(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct site_outcome outcome;

	if (!courier_decode_site_report(data, size, &outcome, &err))
		return;
	bool failed = outcome.result == PUSH_FAILED || outcome.result == PUSH_ROLLED_BACK;
	if (failed != error_is_set(&outcome.error) ||
	    memchr(outcome.error.message, '\x1b', sizeof(outcome.error.message)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_job(data, size);
	check_report(data, size);
	return 0;
}

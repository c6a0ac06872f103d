/* SPDX-License-Identifier: Apache-2.0 */
/* What a courier is to look at, and its report of that: what is accepted encodes to the same bytes again. */
#include "base/buf.h"
#include "base/limits.h"
#include "transport/courier_message.h"

#include <stdlib.h>
#include <string.h>

static void check_job(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct look_job job;
	struct buf again;

	if (!courier_decode_look(data, size, &job, &err))
		return;
	buf_init(&again, LIMIT_COURIER_JOB);
	courier_encode_look(&job, &again);
	if (again.len != size || memcmp(again.data, data, size) != 0)
		abort();
	buf_done(&again);
	look_job_done(&job);
}

static void check_report(const uint8_t *data, size_t size, size_t count)
{
	struct look_sight *sights = calloc(count, sizeof(*sights));
	struct error err = {0}, failure = {0};

	if (sights == NULL || !courier_decode_sights(data, size, sights, count, &failure, &err)) {
		free(sights);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		bool seen = sights[i].seen.fingerprint_sha256[0] != '\0';
		if (!error_is_set(&failure) && seen == error_is_set(&sights[i].error))
			abort();
		if (memchr(sights[i].error.message, '\x1b', sizeof(sights[i].error.message)))
			abort();
	}
	free(sights);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_job(data, size);
	check_report(data, size, 1);
	check_report(data, size, 2);
	return 0;
}

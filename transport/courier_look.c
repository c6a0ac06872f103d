/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's end of looking through a jump host. */
#include "transport/courier_internal.h"

struct look_report {
	struct look_sight *sights;
	size_t count;
	struct error failure;
};

static void encode(const void *job, struct buf *out)
{
	courier_encode_look(job, out);
}

static bool decode(void *outcomes, const void *data, size_t len, struct error *err)
{
	struct look_report *report = outcomes;
	return courier_decode_sights(data, len, report->sights, report->count, &report->failure, err);
}

bool courier_look(const struct look_job *job, struct deadline deadline, struct look_sight *sights, struct error *err)
{
	struct look_report report = {.sights = sights, .count = job->place_count};
	const struct courier_errand what = {.type = COURIER_LOOK,
					    .job = job,
					    .server = job->target.server,
					    .name = "looking through the jump host",
					    .outcomes = &report,
					    .encode = encode,
					    .decode = decode};

	if (!courier_errand_run("/proc/self/exe", &what, /* watch= */ NULL, deadline, err))
		return false;
	if (!error_is_set(&report.failure))
		return true;
	*err = report.failure;
	return false;
}

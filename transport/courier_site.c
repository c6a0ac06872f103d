/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's end of the installation of a virtual host. */
#include "transport/courier_internal.h"

static void encode(const void *job, struct buf *out)
{
	courier_encode_site(job, out);
}

static bool decode(void *outcome, const void *data, size_t len, struct error *err)
{
	return courier_decode_site_report(data, len, outcome, err);
}

bool courier_install_site(const struct site_job *job, push_step *step, void *ctx, struct deadline deadline,
			  struct site_outcome *ret)
{
	const struct courier_errand what = {.type = COURIER_SITE,
					    .job = job,
					    .server = job->target.server,
					    .outcomes = ret,
					    .encode = encode,
					    .decode = decode};
	struct error err = {0};

	*ret = (struct site_outcome){.result = PUSH_FAILED};
	if (!courier_errand_run("/proc/self/exe", &what, step, ctx, deadline, &err))
		*ret = (struct site_outcome){.result = PUSH_FAILED, .error = err};
	else if (ret->place >= job->place_count)
		ret->place = 0;
	return ret->result == PUSH_DEPLOYED || ret->result == PUSH_UNCHANGED;
}

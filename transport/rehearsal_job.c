/* SPDX-License-Identifier: Apache-2.0 */
/* The rehearsal's job as a value. */
#include "transport/rehearsal.h"

#include <stdlib.h>

const char *rehearsal_result_name(enum rehearsal_result result)
{
	static const char *const names[] = {
		[REHEARSAL_OK] = "ok",
		[REHEARSAL_WARNING] = "warning",
		[REHEARSAL_FAILED] = "failed",
		[REHEARSAL_SKIPPED] = "skipped",
	};
	return names[result];
}

void rehearsal_job_done(struct rehearsal_job *job)
{
	for (size_t i = 0; i < job->certificate_count; i++) {
		struct rehearsal_certificate *certificate = &job->certificates[i];
		free(certificate->name);
		free(certificate->server_name);
		free(certificate->webroot);
		str_list_done(&certificate->copies);
	}
	free(job->certificates);
	push_job_done(&job->push);
	*job = (struct rehearsal_job){0};
}

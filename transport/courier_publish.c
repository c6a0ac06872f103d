/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's end of a publication: a courier that stays from "published" until it is asked to withdraw. */
#include "base/limits.h"
#include "transport/courier_channel.h"
#include "transport/courier_internal.h"
#include "transport/courier_process.h"

#include <stdlib.h>

enum {
	SLACK_MS = 5000, /* beyond the courier's own limits, before its silence is taken for a hang */
	EXIT_MS = 2000,  /* for it to tidy up behind a failure before we go on without it */
};

static const char publish_step[] = "publish";

struct courier_publication {
	struct courier_process process;
	char *server;
	uint32_t transfer_ms;
};

static void publication_free(struct courier_publication *publication)
{
	if (publication == NULL)
		return;
	free(publication->server);
	free(publication);
}

DEFINE_FREEP(publication_freep, struct courier_publication, publication_free)

/* The courier's next report; false with its failure, or with why there was none. */
static bool await_report(int socket, struct deadline deadline, struct error *err)
{
	struct buf message CLEANUP(buf_done);
	struct error failure = {0};
	enum courier_type type = COURIER_REPORT;
	bool closed = false;

	buf_init(&message, LIMIT_COURIER_JOB);
	if (!courier_receive(socket, &type, &message, &closed, deadline, err))
		return false;
	if (closed || type != COURIER_REPORT)
		return error_set(err, ERROR_INTERNAL, NULL, "the courier process ended without a report");
	if (!courier_decode_report(message.data, message.len, /* outcomes= */ NULL, /* count= */ 0, &failure, err))
		return false;
	if (!error_is_set(&failure))
		return true;
	*err = failure;
	return false;
}

static bool send_job(int socket, const struct publish_job *job, struct deadline deadline, struct error *err)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_publish(job, &text);
	return buf_check(&text, "job for a courier", err) &&
	       courier_send(socket, COURIER_PUBLISH, text.data, text.len, deadline, err);
}

struct courier_publication *courier_publish_with(const char *program, const struct publish_job *job,
						 struct deadline deadline, struct error *err)
{
	CLEANUP(publication_freep) struct courier_publication *publication = calloc(1, sizeof(*publication));
	struct deadline within = deadline_within(deadline, (int64_t)job->transfer_ms + SLACK_MS);

	if (publication == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	publication->transfer_ms = job->transfer_ms;
	if (!str_set(&publication->server, job->target.server, err) ||
	    !courier_process_start(program, /* kept= */ -1, &publication->process, err))
		return NULL;
	int socket = publication->process.socket;
	if (send_job(socket, job, within, err) && await_report(socket, within, err))
		return STEAL(publication);
	courier_process_leave(&publication->process, EXIT_MS);
	error_context(err, publish_step, NULL, job->target.server);
	return NULL;
}

struct courier_publication *courier_publish(const struct publish_job *job, struct deadline deadline, struct error *err)
{
	return courier_publish_with("/proc/self/exe", job, deadline, err);
}

bool courier_withdraw(struct courier_publication *take_publication, struct error *err)
{
	CLEANUP(publication_freep) struct courier_publication *publication = take_publication;
	struct deadline deadline = deadline_in((int64_t)publication->transfer_ms + SLACK_MS, NULL);
	int socket = publication->process.socket;

	bool ok = courier_send(socket, COURIER_WITHDRAW, "", 0, deadline, err) && await_report(socket, deadline, err);
	(void)courier_process_end(&publication->process, SLACK_MS);
	if (!ok)
		error_context(err, publish_step, NULL, publication->server);
	return ok;
}

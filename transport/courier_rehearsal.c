/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's end of a rehearsal: findings until the report. */
#include "base/limits.h"
#include "base/str.h"
#include "transport/courier_channel.h"
#include "transport/courier_internal.h"
#include "transport/courier_process.h"

enum { EXIT_MS = 2000 }; /* for a courier to end after its report */

struct watching {
	const struct rehearsal_watch *watch;
	const char *at; /* the step begun last; NULL: none */
};

static bool send_job(int socket, const struct rehearsal_job *job, struct deadline deadline, struct error *err)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_rehearsal(job, &text);
	return buf_check(&text, "job for a courier", err) &&
	       courier_send(socket, COURIER_REHEARSE, text.data, text.len, deadline, err);
}

static bool pass_step(struct watching *watching, const struct buf *message, struct error *err)
{
	const char *step = courier_decode_step(message->data, message->len);

	if (step == NULL)
		return error_set(err, ERROR_DATA, NULL, "a courier sent a step that is none");
	watching->at = step;
	if (watching->watch->begun != NULL)
		watching->watch->begun(watching->watch->ctx, step);
	return true;
}

static bool pass_finding(struct watching *watching, const struct buf *message, struct error *err)
{
	struct rehearsal_finding finding;

	if (!courier_decode_finding(message->data, message->len, &finding, err))
		return false;
	if (watching->watch->ended != NULL)
		watching->watch->ended(watching->watch->ctx, &finding);
	return true;
}

/* Until the report, whose failure goes into *RET_FAILURE. False when none came. */
static bool await_report(struct watching *watching, int socket, struct deadline deadline, struct error *ret_failure,
			 struct error *err)
{
	struct buf message CLEANUP(buf_done);
	enum courier_type type = COURIER_REPORT;
	bool closed = false;

	buf_init(&message, LIMIT_COURIER_JOB);
	for (;;) {
		if (!courier_receive(socket, &type, &message, &closed, deadline, err))
			return false;
		if (closed)
			return error_set(err, ERROR_INTERNAL, NULL, "the courier process ended without a report");
		if (type == COURIER_REPORT)
			return courier_decode_report(message.data, message.len, /* outcomes= */ NULL, /* count= */ 0,
						     ret_failure, err);
		if (type != COURIER_STEP && type != COURIER_FINDING)
			return error_set(err, ERROR_DATA, NULL, "a courier sent a message out of turn");
		if (!(type == COURIER_STEP ? pass_step : pass_finding)(watching, &message, err))
			return false;
	}
}

bool courier_rehearse_with(const char *program, const struct rehearsal_job *job, const struct rehearsal_watch *watch,
			   struct deadline deadline, struct error *err)
{
	struct watching watching = {.watch = watch};
	struct courier_process process;
	struct error failure = {0};

	if (!courier_process_start(program, /* kept= */ -1, &process, err))
		return false;
	bool reported = send_job(process.socket, job, deadline, err) &&
			await_report(&watching, process.socket, deadline, &failure, err);
	(void)courier_process_end(&process, reported ? EXIT_MS : 0);
	if (reported && error_is_set(&failure))
		*err = failure;
	if (reported)
		return !error_is_set(&failure);
	error_context(err, watching.at, /* certificate= */ NULL, job->push.target.server);
	return false;
}

bool courier_rehearse(const struct rehearsal_job *job, const struct rehearsal_watch *watch, struct deadline deadline,
		      struct error *err)
{
	return courier_rehearse_with("/proc/self/exe", job, watch, deadline, err);
}

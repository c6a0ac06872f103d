/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's end of an errand, and of a deployment. It trusts nothing but the clock: the report must arrive whole, of
 * the right type and for the right number of certificates, before the deadline; else the process is killed and the job
 * failed.
 */
#include "transport/courier.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "transport/courier_channel.h"
#include "transport/courier_internal.h"
#include "transport/courier_process.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>

enum {
	EXIT_MS = 2000,   /* for a courier to end after its report */
	PROMPT_MS = 2000, /* and for one that has changed nothing, once it is interrupted */
};

static const char courier_step[] = "courier";

/* How far an interruption has come. */
enum interruption {
	UNDISTURBED,
	PATIENT,  /* what is live may have changed: it may still come to its end by itself */
	TOLD,     /* it knows */
	GRACEFUL, /* the same for one that cannot be told */
};

struct errand {
	const struct courier_errand *what;
	const struct push_watch *watch; /* or NULL */
	struct deadline deadline;
	const char *at; /* the step begun last; NULL: none */
	bool live;      /* it may have changed what is live */
	enum interruption interruption;
	struct deadline whole; /* while it is interrupted: the one that holds without */
	bool denied;           /* it was not to change anything */
};

/* A new state of the interruption, for MS milliseconds; the cancellation has done its work. */
static void go_on(struct errand *errand, enum interruption interruption, int64_t ms)
{
	errand->interruption = interruption;
	errand->deadline = deadline_within(errand->whole, ms);
}

static void announce(const struct errand *errand, const char *step)
{
	if (errand->watch != NULL && errand->watch->step != NULL)
		errand->watch->step(errand->watch->ctx, step);
}

static void note_step(struct errand *errand, const char *step)
{
	bool was_live = errand->live;

	errand->at = step;
	errand->live = was_live || str_equal(step, "switch");
	if (errand->live && !was_live && errand->interruption == TOLD)
		go_on(errand, TOLD, errand->what->interrupted_ms);
	announce(errand, step);
}

/* The courier wants to change something. One that is interrupted meanwhile is told by and by, not let. */
static bool let_it(struct errand *errand, int socket, struct error *err)
{
	const struct push_watch *watch = errand->watch;
	int64_t asked = clock_monotonic_ms();

	if (watch != NULL && watch->may_change != NULL && !watch->may_change(watch->ctx, err)) {
		errand->denied = true;
		return false;
	}
	errand->deadline.at_ms += clock_monotonic_ms() - asked;
	return cancel_requested(errand->deadline.cancel) ||
	       courier_send(socket, COURIER_GO, "", 0, errand->deadline, err);
}

static void tell(struct errand *errand, const struct courier_process *process)
{
	courier_process_interrupt(process);
	go_on(errand, TOLD, errand->live ? errand->what->interrupted_ms : PROMPT_MS);
}

/* The wait for the courier is over. Whether it gets more time: each state gives it once. */
static bool waits_on(struct errand *errand, const struct courier_process *process)
{
	bool tellable = errand->what->interrupted_ms > 0;

	if (errand->interruption == PATIENT) {
		tell(errand, process);
		return true;
	}
	if (errand->interruption != UNDISTURBED || !cancel_requested(errand->deadline.cancel))
		return false;
	errand->whole = (struct deadline){errand->deadline.at_ms, NULL};
	if (tellable)
		announce(errand, "interrupted");
	if (errand->live && tellable)
		go_on(errand, PATIENT, COURIER_PATIENCE_MS);
	else if (errand->live)
		go_on(errand, GRACEFUL, COURIER_GRACE_MS);
	else if (tellable)
		tell(errand, process);
	return errand->interruption != UNDISTURBED;
}

static bool send_job(const struct errand *errand, int socket, struct error *err)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, LIMIT_COURIER_JOB);
	errand->what->encode(errand->what->job, &text);
	return buf_check(&text, "job for a courier", err) &&
	       courier_send(socket, errand->what->type, text.data, text.len, errand->deadline, err);
}

/* Steps, then the report, which fills the outcomes. False when none came. */
static bool await_report(struct errand *errand, const struct courier_process *process, bool *ret_closed,
			 struct error *err)
{
	int socket = process->socket;
	struct buf message CLEANUP(buf_done);
	enum courier_type type;

	buf_init(&message, LIMIT_COURIER_JOB);
	for (;;) {
		struct error none_yet = {0};
		if (!courier_wait(socket, POLLIN, errand->deadline, &none_yet)) {
			if (waits_on(errand, process))
				continue;
			*err = none_yet;
			return false;
		}
		/* Once begun a message is read whole: a cancellation between two of its frames must not lose the first.
		 */
		struct deadline whole = {errand->deadline.at_ms, NULL};
		if (!courier_receive(socket, &type, &message, ret_closed, whole, err))
			return false;
		if (*ret_closed)
			return false;
		if (type == COURIER_REPORT)
			return errand->what->decode(errand->what->outcomes, message.data, message.len, err);
		if (type == COURIER_ASK) {
			if (!let_it(errand, socket, err))
				return false;
			continue;
		}
		const char *step = type == COURIER_STEP ? courier_decode_step(message.data, message.len) : NULL;
		if (step == NULL)
			return error_set(err, ERROR_DATA, NULL, "a courier sent a message out of turn");
		note_step(errand, step);
	}
}

/* No report: say what became of the courier. */
static bool no_report(const struct errand *errand, bool closed, int status, struct error *err)
{
	const char *step = errand->at != NULL ? errand->at : courier_step;
	struct error cause = *err;
	bool interrupted = cause.category == ERROR_CANCELLED ||
			   (cause.category == ERROR_TIMEOUT && errand->interruption != UNDISTURBED);

	error_clear(err);
	if (closed && WIFSIGNALED(status))
		(void)error_set(err, ERROR_INTERNAL, step, "the courier process was ended by signal %d",
				WTERMSIG(status));
	else if (closed)
		(void)error_set(err, ERROR_INTERNAL, step, "the courier process ended with status %d and no report",
				WEXITSTATUS(status));
	else if (interrupted)
		(void)error_set(err, ERROR_CANCELLED, step,
				errand->live ? "interrupted, and stopped before it had come to an end"
					     : "interrupted before anything live was changed");
	else if (cause.category == ERROR_TIMEOUT)
		(void)error_set(err, ERROR_TIMEOUT, step, "%s did not end in time and was stopped",
				errand->what->name != NULL ? errand->what->name : "the deployment");
	else
		(void)error_set(err, ERROR_INTERNAL, step, "%s", cause.message);
	err->transient = err->category != ERROR_CANCELLED;
	if (errand->live)
		error_hint(
			err,
			"the server has the previous files or the new ones, key and certificate matching; the next run "
			"goes on from there");
	else if (closed)
		error_hint(err,
			   "nothing that is live there was changed; if it was not you who ended it, this machine's "
			   "kernel log may say who: is its memory too small?");
	else if (err->category != ERROR_CANCELLED)
		error_hint(err, "nothing that is live there was changed; the next run tries again");
	return false;
}

bool courier_errand_run(const char *program, const struct courier_errand *what, const struct push_watch *watch,
			struct deadline deadline, struct error *err)
{
	struct errand errand = {.what = what, .watch = watch, .deadline = deadline};
	struct courier_process process;
	bool closed = false;

	if (!courier_process_start(program, what->kept != NULL ? *what->kept : -1, &process, err)) {
		error_context(err, courier_step, NULL, what->server);
		return false;
	}
	bool reported = send_job(&errand, process.socket, err) && await_report(&errand, &process, &closed, err);
	int status = courier_process_end(&process, reported || closed ? EXIT_MS : 0);
	if (reported)
		return true;
	if (!errand.denied)
		(void)no_report(&errand, closed, status, err);
	error_context(err, courier_step, NULL, what->server);
	return false;
}

/* ---- a deployment ---- */

struct deployment {
	struct push_outcome *outcomes;
	size_t count;
	struct error failure;
};

static void encode_deployment(const void *job, struct buf *out)
{
	courier_encode_job(job, out);
}

static bool decode_deployment(void *outcomes, const void *data, size_t len, struct error *err)
{
	struct deployment *deployment = outcomes;
	return courier_decode_report(data, len, deployment->outcomes, deployment->count, &deployment->failure, err);
}

/* The same failure for every certificate of the job. */
static bool fail_all(const struct push_job *job, struct push_outcome *outcomes, const struct error *err)
{
	for (size_t i = 0; i < job->certificate_count; i++) {
		outcomes[i] = (struct push_outcome){.result = PUSH_FAILED, .error = *err};
		error_context(&outcomes[i].error, NULL, job->certificates[i].name, NULL);
	}
	return false;
}

bool courier_run_with(const char *program, const struct push_job *job, const struct push_watch *watch,
		      struct deadline deadline, struct push_outcome *outcomes, struct error *err)
{
	struct deployment deployment = {.outcomes = outcomes, .count = job->certificate_count};
	const struct courier_errand what = {.type = COURIER_JOB,
					    .job = job,
					    .server = job->target.server,
					    .interrupted_ms = push_interrupted_ms(job),
					    .outcomes = &deployment,
					    .encode = encode_deployment,
					    .decode = decode_deployment};
	if (!courier_errand_run(program, &what, watch, deadline, err))
		return fail_all(job, outcomes, err);
	if (!error_is_set(&deployment.failure))
		return true;
	*err = deployment.failure;
	return false;
}

bool courier_run(const struct push_job *job, const struct push_watch *watch, struct deadline deadline,
		 struct push_outcome *outcomes, struct error *err)
{
	return courier_run_with("/proc/self/exe", job, watch, deadline, outcomes, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The courier's own life: confined first, then one errand, read from its socket, run, and reported. */
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "transport/courier.h"
#include "transport/courier_channel.h"
#include "transport/courier_process.h"
#include "transport/publish.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	JOB_MS = 30 * 1000,  /* for the job to arrive: the parent writes it at once */
	SEND_MS = 30 * 1000, /* for the parent to take a report */
	ALARM_SLACK_S = 10,  /* beyond the limits of an errand that may outlive its parent */
};

/*
 * Nothing to dump, nothing to leave behind, and no life beyond the parent's: the socket's other end was made by it, so
 * its number is known even if it died before we asked to be told.
 */
static bool confine(int fd)
{
	struct ucred parent;
	socklen_t len = sizeof(parent);

	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Told to all processes of a service at once (systemd does), these would end us half-way; the parent decides.
	 */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)secret_setup();
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &parent, &len) == 0 && parent.pid == getppid();
}

static bool send_report(int fd, const struct push_outcome *outcomes, size_t count, const struct error *failure)
{
	struct buf text CLEANUP(buf_done);
	struct error unsent = {0};

	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_report(outcomes, count, failure, &text);
	return buf_check(&text, "courier report", &unsent) &&
	       courier_send(fd, COURIER_REPORT, text.data, text.len, deadline_in(SEND_MS, NULL), &unsent);
}

/* ---- an interruption ---- */

static struct cancel interruption;
static struct cancel *interrupter; /* that, once the parent can tell us; NULL: it cannot, and has its own time-out */

static void on_interrupt(int number)
{
	(void)number;
	cancel_request(&interruption);
}

/* From here on the parent may tell us (courier_process.h). */
static void listen_for_interruption(void)
{
	const struct sigaction action = {.sa_handler = on_interrupt};
	struct error err = {0};
	sigset_t held;

	(void)sigemptyset(&held);
	(void)sigaddset(&held, COURIER_INTERRUPT);
	if (cancel_init(&interruption, &err) && sigaction(COURIER_INTERRUPT, &action, NULL) == 0 &&
	    sigprocmask(SIG_UNBLOCK, &held, NULL) == 0)
		interrupter = &interruption;
	else
		log_debug("cannot be interrupted: %s", err.message);
}

/* ---- a deployment ---- */

static void send_step(void *ctx, const char *step)
{
	const int *fd = ctx;
	struct error ignored = {0};

	/* A parent that is gone takes us with it; what it misses here is a line of progress. */
	if (!courier_send(*fd, COURIER_STEP, step, strlen(step), deadline_in(SEND_MS, NULL), &ignored))
		log_debug("step not told: %s", ignored.message);
}

/* The parent answers, or ends us. */
static bool ask_parent(void *ctx, struct error *err)
{
	enum { DAY_MS = 24 * 3600 * 1000 };
	const int *fd = ctx;
	struct buf message CLEANUP(buf_done);
	enum courier_type type = COURIER_ASK;
	bool closed = false;

	buf_init(&message, LIMIT_IPC_FRAME);
	if (!courier_send(*fd, COURIER_ASK, "", 0, deadline_in(SEND_MS, NULL), err) ||
	    !courier_receive(*fd, &type, &message, &closed, deadline_in(DAY_MS, interrupter), err))
		return false;
	if (closed || type != COURIER_GO)
		return error_set(err, ERROR_INTERNAL, NULL, "the courier was not allowed to go on");
	return true;
}

static bool deploy(int fd, const struct buf *message)
{
	struct push_job job CLEANUP(push_job_done) = {0};
	struct push_outcome *outcomes AUTO_FREE = NULL;
	const struct push_watch watch = {send_step, ask_parent, &fd};
	struct error failure = {0};

	if (!courier_decode_job(message->data, message->len, &job, &failure))
		return false;
	outcomes = calloc(job.certificate_count + 1, sizeof(outcomes[0]));
	if (outcomes == NULL)
		return false;
	listen_for_interruption();
	if (push_run(&job, interrupter, &watch, outcomes, &failure))
		error_clear(&failure);
	return send_report(fd, outcomes, job.certificate_count, &failure);
}

/* ---- challenges in a webroot ---- */

/* Until the parent asks for it, is gone, or HOLD_MS have passed: what was published must not outlive its use. */
static void await_withdrawal(int fd, uint32_t hold_ms)
{
	struct buf message CLEANUP(buf_done);
	struct error ignored = {0};
	enum courier_type type = COURIER_WITHDRAW;
	bool closed = false;

	/* Whatever is said, or nothing any more: it is read, since an unread message would spoil our report. */
	buf_init(&message, LIMIT_IPC_FRAME);
	if (!courier_receive(fd, &type, &message, &closed, deadline_in(hold_ms, NULL), &ignored))
		log_debug("nobody asked to withdraw: %s", ignored.message);
}

static bool publish(int fd, const struct buf *message)
{
	struct publish_job job CLEANUP(publish_job_done) = {0};
	struct error failure = {0}, left = {0};

	if (!courier_decode_publish(message->data, message->len, &job, &failure))
		return false;
	/* A parent that is killed must not keep us from removing what we wrote; a server that stalls must not keep us
	 * for ever. */
	(void)alarm((2 * job.transfer_ms + job.hold_ms) / 1000 + ALARM_SLACK_S);
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0)
		return false;
	struct publication CLEANUP(publication_done) publication = {.job = &job};
	bool ok = publish_files(&publication, &failure);
	if (!send_report(fd, /* outcomes= */ NULL, /* count= */ 0, &failure))
		log_debug("the parent is gone");
	else if (ok)
		await_withdrawal(fd, job.hold_ms);
	if (publish_withdraw(&publication, &left))
		error_clear(&left);
	return !ok || send_report(fd, /* outcomes= */ NULL, /* count= */ 0, &left);
}

/* ---- a rehearsal ---- */

static void send_finding(void *ctx, const struct rehearsal_finding *finding)
{
	const int *fd = ctx;
	struct buf text CLEANUP(buf_done);
	struct error ignored = {0};

	buf_init(&text, LIMIT_IPC_FRAME);
	courier_encode_finding(finding, &text);
	if (!buf_check(&text, "finding", &ignored) ||
	    !courier_send(*fd, COURIER_FINDING, text.data, text.len, deadline_in(SEND_MS, NULL), &ignored))
		log_debug("finding not told: %s", ignored.message);
}

static bool rehearse(int fd, const struct buf *message)
{
	struct rehearsal_job job CLEANUP(rehearsal_job_done) = {0};
	const struct rehearsal_watch watch = {&fd, send_step, send_finding};
	struct error failure = {0};

	if (!courier_decode_rehearsal(message->data, message->len, &job, &failure))
		return false;
	if (rehearsal_run(&job, &watch, &failure))
		error_clear(&failure);
	return send_report(fd, /* outcomes= */ NULL, /* count= */ 0, &failure);
}

/* ---- a virtual host ---- */

/* Cut off behind the switch, an untested virtual host would stay: from there on we end it even if the parent is gone.
 */
static void site_step(void *ctx, const char *step)
{
	if (str_equal(step, "switch") && prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0)
		log_debug("dies with its parent");
	send_step(ctx, step);
}

static bool install(int fd, const struct buf *message)
{
	struct site_job job CLEANUP(site_job_done) = {0};
	struct buf text CLEANUP(buf_done);
	struct site_outcome outcome;
	struct error err = {0};

	if (!courier_decode_site(message->data, message->len, &job, &err))
		return false;
	(void)alarm((unsigned)(site_longest_ms(&job) / 1000) + ALARM_SLACK_S);
	if (!site_run(&job, site_step, &fd, &outcome))
		log_debug("%s", outcome.error.message);
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_site_report(&outcome, &text);
	return buf_check(&text, "courier report", &err) &&
	       courier_send(fd, COURIER_REPORT, text.data, text.len, deadline_in(SEND_MS, NULL), &err);
}

/* ---- what is served behind a jump host ---- */

static bool look(int fd, const struct buf *message)
{
	struct look_job job CLEANUP(look_job_done) = {0};
	struct look_sight *sights AUTO_FREE = NULL;
	struct buf text CLEANUP(buf_done);
	struct error failure = {0}, err = {0};

	if (!courier_decode_look(message->data, message->len, &job, &err))
		return false;
	sights = calloc(job.place_count + 1, sizeof(sights[0]));
	if (sights == NULL)
		return false;
	if (look_run(&job, sights, &failure))
		error_clear(&failure);
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_sights(sights, job.place_count, &failure, &text);
	return buf_check(&text, "courier report", &err) &&
	       courier_send(fd, COURIER_REPORT, text.data, text.len, deadline_in(SEND_MS, NULL), &err);
}

int courier_main(int fd)
{
	struct buf message CLEANUP(buf_done);
	struct error err = {0};
	enum courier_type type = COURIER_JOB;
	bool closed = false;

	buf_init(&message, LIMIT_COURIER_JOB);
	if (!confine(fd) || !courier_receive(fd, &type, &message, &closed, deadline_in(JOB_MS, NULL), &err) || closed)
		return EXIT_FAILURE;
	switch (type) {
	case COURIER_JOB:
		return deploy(fd, &message) ? EXIT_SUCCESS : EXIT_FAILURE;
	case COURIER_PUBLISH:
		return publish(fd, &message) ? EXIT_SUCCESS : EXIT_FAILURE;
	case COURIER_REHEARSE:
		return rehearse(fd, &message) ? EXIT_SUCCESS : EXIT_FAILURE;
	case COURIER_SITE:
		return install(fd, &message) ? EXIT_SUCCESS : EXIT_FAILURE;
	case COURIER_LOOK:
		return look(fd, &message) ? EXIT_SUCCESS : EXIT_FAILURE;
	case COURIER_STEP:
	case COURIER_REPORT:
	case COURIER_WITHDRAW:
	case COURIER_FINDING:
	case COURIER_ASK:
	case COURIER_GO:
		break;
	}
	return EXIT_FAILURE;
}

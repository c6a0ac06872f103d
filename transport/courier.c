/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of the courier's socket. The parent trusts nothing but the clock: the report must arrive whole, of the
 * right type and for the right number of certificates, before the deadline; else the process is killed and the job
 * failed.
 */
#include "transport/courier.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "transport/courier_internal.h"
#include "transport/courier_message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	JOB_MS = 30 * 1000,  /* for the job to arrive: the parent writes it at once */
	SEND_MS = 30 * 1000, /* for the parent to take a report */
	EXIT_MS = 2000,      /* for a courier to end after its report */
};

static const char courier_step[] = "courier";

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* ---- messages over the socket, both ends ---- */

static bool wait_for(int fd, short events, struct deadline deadline, struct error *err)
{
	struct pollfd fds[] = {
		{.fd = fd, .events = events},
		{.fd = deadline.cancel != NULL ? deadline.cancel->fd : -1, .events = POLLIN},
	};

	do {
		if (!deadline_check(deadline, NULL, err))
			return false;
		int64_t left = deadline_left_ms(deadline);
		if (poll(fds, ARRAY_LEN(fds), left < INT32_MAX ? (int)left : INT32_MAX) < 0 && errno != EINTR)
			return error_errno(err, ERROR_INTERNAL, courier_step, errno, "cannot wait for a courier");
	} while (fds[0].revents == 0);
	return true;
}

static bool send_frame(int fd, const struct buf *frame, struct deadline deadline, struct error *err)
{
	for (;;) {
		if (send(fd, frame->data, frame->len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return true;
		if (errno != EAGAIN && errno != EINTR)
			return error_errno(err, ERROR_INTERNAL, courier_step, errno, "cannot send to a courier");
		if (!wait_for(fd, POLLOUT, deadline, err))
			return false;
	}
}

static bool send_message(int fd, enum courier_type type, const char *data, size_t len, struct deadline deadline,
			 struct error *err)
{
	struct buf frame CLEANUP(buf_done);

	buf_init(&frame, LIMIT_IPC_FRAME + COURIER_FRAME_HEADER);
	do {
		size_t part = len < LIMIT_IPC_FRAME ? len : LIMIT_IPC_FRAME;
		buf_reset(&frame);
		courier_encode_frame(type, part < len, data, part, &frame);
		if (!buf_check(&frame, "courier message", err) || !send_frame(fd, &frame, deadline, err))
			return false;
		data += part;
		len -= part;
	} while (len > 0);
	return true;
}

/* One datagram, as it is. *RET_LEN 0: the other end is closed. */
static bool receive_datagram(int fd, char *data, size_t size, size_t *ret_len, struct deadline deadline,
			     struct error *err)
{
	struct iovec part = {data, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t got;

	while ((got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0) {
		if (errno == ECONNRESET) {
			got = 0;
			break;
		}
		if (errno != EAGAIN && errno != EINTR)
			return error_errno(err, ERROR_INTERNAL, courier_step, errno, "cannot receive from a courier");
		if (!wait_for(fd, POLLIN, deadline, err))
			return false;
	}
	if (message.msg_flags & MSG_TRUNC)
		return error_set(err, ERROR_DATA, NULL, "a frame between courier and parent is too long");
	*ret_len = (size_t)got;
	return true;
}

/* All frames of one message into OUT. Every frame must be of the first one's type. */
static bool receive_message(int fd, enum courier_type *ret_type, struct buf *out, bool *ret_closed,
			    struct deadline deadline, struct error *err)
{
	struct secret datagram CLEANUP(secret_done) = {0}; /* wiped: a job's frames hold keys */
	struct courier_frame frame = {.more = true};
	size_t len = 0;

	buf_reset(out);
	if (!secret_reserve(&datagram, LIMIT_IPC_FRAME + COURIER_FRAME_HEADER, err))
		return false;
	for (bool first = true; frame.more; first = false) {
		if (!receive_datagram(fd, datagram.data, datagram.len, &len, deadline, err))
			return false;
		if (len == 0) {
			*ret_closed = true;
			return true;
		}
		if (!courier_decode_frame(datagram.data, len, &frame, err))
			return false;
		if (first)
			*ret_type = frame.type;
		else if (frame.type != *ret_type)
			return error_set(err, ERROR_DATA, NULL, "frames of two messages are mixed");
		buf_append(out, frame.payload, frame.len);
		if (out->failed)
			return error_set(err, ERROR_DATA, NULL, "a message between courier and parent is too long");
	}
	*ret_closed = false;
	return true;
}

/* ---- the parent ---- */

/* A process of its own group, so that a Ctrl-C meant for us does not end it half-way; no environment, no files. */
static bool spawn(const char *program, int socket, pid_t *ret, struct error *err)
{
	static char role[] = COURIER_ROLE;
	char *arguments[] = {role, NULL};
	char *environment[] = {NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	int rc = posix_spawn_file_actions_init(&files);
	if (rc != 0 || (rc = posix_spawnattr_init(&attributes)) != 0)
		return error_errno(err, ERROR_INTERNAL, courier_step, rc, "cannot start a courier");
	(void)posix_spawnattr_setflags(&attributes,
				       POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	if ((rc = posix_spawn_file_actions_adddup2(&files, socket, COURIER_FD)) == 0 &&
	    (rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_addclosefrom_np(&files, COURIER_FD + 1)) == 0)
		rc = posix_spawn(ret, program, &files, &attributes, arguments, environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return rc == 0 || error_errno(err, ERROR_INTERNAL, courier_step, rc, "cannot start a courier");
}

struct errand {
	const struct push_job *job;
	push_step *step;
	void *ctx;
	struct deadline deadline;
	struct push_outcome *outcomes;
	const char *at; /* the step begun last; NULL: none */
	bool live;      /* it may have changed what is live */
	bool graceful;  /* cancelled, and given time to finish */
};

static void note_step(struct errand *errand, const char *step)
{
	errand->at = step;
	errand->live = errand->live || str_equal(step, "switch");
	if (errand->step != NULL)
		errand->step(errand->ctx, step);
}

/* Cancelled while live files may have changed: a last deadline without the cancellation, granted once. */
static bool grant_grace(struct errand *errand)
{
	if (!errand->live || errand->graceful || !cancel_requested(errand->deadline.cancel))
		return false;
	errand->graceful = true;
	errand->deadline.cancel = NULL;
	errand->deadline = deadline_within(errand->deadline, COURIER_GRACE_MS);
	return true;
}

static bool send_job(const struct errand *errand, int socket, struct error *err)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_job(errand->job, &text);
	return buf_check(&text, "job for a courier", err) &&
	       send_message(socket, COURIER_JOB, text.data, text.len, errand->deadline, err);
}

/* Steps, then the report, which fills the outcomes and *RET_FAILURE. False when none came. */
static bool await_report(struct errand *errand, int socket, bool *ret_closed, struct error *ret_failure,
			 struct error *err)
{
	struct buf message CLEANUP(buf_done);
	enum courier_type type;

	buf_init(&message, LIMIT_COURIER_JOB);
	for (;;) {
		struct error none_yet = {0};
		if (!wait_for(socket, POLLIN, errand->deadline, &none_yet)) {
			if (grant_grace(errand))
				continue;
			*err = none_yet;
			return false;
		}
		/* Once begun a message is read whole: a cancellation between two of its frames must not lose the first.
		 */
		struct deadline whole = {errand->deadline.at_ms, NULL};
		if (!receive_message(socket, &type, &message, ret_closed, whole, err))
			return false;
		if (*ret_closed)
			return false;
		if (type == COURIER_REPORT)
			return courier_decode_report(message.data, message.len, errand->outcomes,
						     errand->job->certificate_count, ret_failure, err);
		const char *step = type == COURIER_STEP ? courier_decode_step(message.data, message.len) : NULL;
		if (step == NULL)
			return error_set(err, ERROR_DATA, NULL, "a courier sent a message out of turn");
		note_step(errand, step);
	}
}

/* Its end, waited for MS at most before it is killed. Returns the wait status. */
static int reap(pid_t pid, int ms)
{
	int status = 0;
	int fd CLEANUP(close_fd) = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = fd, .events = POLLIN};

	if (fd < 0 || poll(&ended, 1, ms) <= 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

/* No report: say what became of the courier. */
static bool no_report(const struct errand *errand, bool closed, int status, struct error *err)
{
	const char *step = errand->at != NULL ? errand->at : courier_step;
	struct error cause = *err;

	error_clear(err);
	if (closed && WIFSIGNALED(status))
		(void)error_set(err, ERROR_INTERNAL, step, "the courier process was ended by signal %d",
				WTERMSIG(status));
	else if (closed)
		(void)error_set(err, ERROR_INTERNAL, step, "the courier process ended with status %d and no report",
				WEXITSTATUS(status));
	else if (cause.category == ERROR_TIMEOUT)
		(void)error_set(err, ERROR_TIMEOUT, step, "the deployment did not end in time and was stopped");
	else if (cause.category == ERROR_CANCELLED)
		(void)error_set(err, ERROR_CANCELLED, step, "interrupted before anything live was changed");
	else
		(void)error_set(err, ERROR_INTERNAL, step, "%s", cause.message);
	err->transient = err->category != ERROR_CANCELLED;
	if (errand->live)
		error_hint(
			err,
			"the server has the previous files or the new ones, key and certificate matching; the next run "
			"goes on from there");
	return false;
}

/* The same failure for every certificate of the job. */
static bool fail_all(const struct push_job *job, struct push_outcome *outcomes, struct error *err)
{
	error_context(err, courier_step, NULL, job->target.server);
	for (size_t i = 0; i < job->certificate_count; i++) {
		outcomes[i] = (struct push_outcome){.result = PUSH_FAILED, .error = *err};
		error_context(&outcomes[i].error, NULL, job->certificates[i].name, NULL);
	}
	return false;
}

bool courier_run_with(const char *program, const struct push_job *job, push_step *step, void *ctx,
		      struct deadline deadline, struct push_outcome *outcomes, struct error *err)
{
	struct errand errand = {job, step, ctx, deadline, outcomes, NULL, false, false};
	struct error failure = {0};
	bool closed = false;
	int sockets[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
		(void)error_errno(err, ERROR_INTERNAL, courier_step, errno, "cannot make a socket for a courier");
		return fail_all(job, outcomes, err);
	}
	bool started = spawn(program, sockets[1], &pid, err);
	close(sockets[1]);
	if (!started) {
		close(sockets[0]);
		return fail_all(job, outcomes, err);
	}
	bool reported = send_job(&errand, sockets[0], err);
	if (reported)
		reported = await_report(&errand, sockets[0], &closed, &failure, err);
	close(sockets[0]);
	int status = reap(pid, reported || closed ? EXIT_MS : 0);
	if (!reported) {
		(void)no_report(&errand, closed, status, err);
		return fail_all(job, outcomes, err);
	}
	if (!error_is_set(&failure))
		return true;
	*err = failure;
	return false;
}

bool courier_run(const struct push_job *job, push_step *step, void *ctx, struct deadline deadline,
		 struct push_outcome *outcomes, struct error *err)
{
	return courier_run_with("/proc/self/exe", job, step, ctx, deadline, outcomes, err);
}

/* ---- the courier ---- */

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
	(void)secret_setup();
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &parent, &len) == 0 && parent.pid == getppid();
}

static bool receive_job(int fd, struct push_job *ret, struct error *err)
{
	struct buf message CLEANUP(buf_done);
	enum courier_type type = COURIER_JOB;
	bool closed = false;

	buf_init(&message, LIMIT_COURIER_JOB);
	if (!receive_message(fd, &type, &message, &closed, deadline_in(JOB_MS, NULL), err))
		return false;
	if (closed || type != COURIER_JOB)
		return error_set(err, ERROR_DATA, NULL, "the courier was given no job");
	return courier_decode_job(message.data, message.len, ret, err);
}

static void send_step(void *ctx, const char *step)
{
	const int *fd = ctx;
	struct error ignored = {0};

	/* A parent that is gone takes us with it; what it misses here is a line of progress. */
	if (!send_message(*fd, COURIER_STEP, step, strlen(step), deadline_in(SEND_MS, NULL), &ignored))
		log_debug("step not told: %s", ignored.message);
}

static bool send_report(int fd, const struct push_outcome *outcomes, size_t count, const struct error *failure,
			struct error *err)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_report(outcomes, count, failure, &text);
	return buf_check(&text, "courier report", err) &&
	       send_message(fd, COURIER_REPORT, text.data, text.len, deadline_in(SEND_MS, NULL), err);
}

int courier_main(int fd)
{
	struct push_job job CLEANUP(push_job_done) = {0};
	struct push_outcome *outcomes AUTO_FREE = NULL;
	struct error failure = {0}, unsent = {0};

	if (!confine(fd) || !receive_job(fd, &job, &failure))
		return EXIT_FAILURE;
	outcomes = calloc(job.certificate_count + 1, sizeof(outcomes[0]));
	if (outcomes == NULL)
		return EXIT_FAILURE;
	if (push_run(&job, send_step, &fd, outcomes, &failure))
		error_clear(&failure);
	return send_report(fd, outcomes, job.certificate_count, &failure, &unsent) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One child, two pipes, one poll() loop with the deadline and the cancellation in it. What the program leaves running
 * in the background after it ended is its own business; what it left running when its time was over is killed.
 */
#include "transport/exec.h"

#include "base/escape.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	GRACE_MS = 5000, /* between TERM and KILL */
	LOOK_MS = 50,
	LINGER_MS = 200, /* for output that is still in a pipe when the program has ended */
	EXIT_TRY_LATER = 75,
	SAID_LINES = 8, /* of output in an error: the last ones */
};

static const char *const fixed[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LANG=C.UTF-8",
};

/* A running child. */
struct child {
	pid_t pid;
	int pidfd;
	int out, err; /* our ends; -1: closed */
};

void exec_result_done(struct exec_result *result)
{
	excerpt_done(&result->out);
	excerpt_done(&result->err);
}

bool exec_check(const char *program, struct error *err)
{
	struct stat status;
	char safe[ERROR_NAME_MAX];
	(void)escape_str(safe, sizeof(safe), program);
	if (program[0] != '/')
		return error_set(err, ERROR_CONFIG, NULL, "%s is no absolute path of a program", safe);
	if (stat(program, &status) != 0)
		return error_errno(err, ERROR_CONFIG, NULL, errno, "cannot run %s", safe);
	if (!S_ISREG(status.st_mode) || access(program, X_OK) != 0) {
		error_hint(err, "chmod 0755 %s", safe);
		return error_set(err, ERROR_CONFIG, NULL, "%s is no file that can be executed", safe);
	}
	if ((status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		error_hint(err, "chown root %s; chmod go-w %s", safe, safe);
		return error_set(err, ERROR_CONFIG, NULL,
				 "%s is not run: somebody else than root and this user could change it", safe);
	}
	return true;
}

/* --- Starting --- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Borrowed pointers in a list that ends with NULL. */
static char **make_list(const char *const *first, size_t first_count, const struct str_list *rest)
{
	size_t count = rest != NULL ? rest->len : 0;
	char **list = calloc(first_count + count + 1, sizeof(*list));
	if (list == NULL)
		return NULL;
	/* posix_spawn() takes char * and changes nothing. */
	memcpy(list, first, first_count * sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[first_count + i] = rest->items[i];
	return list;
}

static int add_files(posix_spawn_file_actions_t *files, int out, int err)
{
	int rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(files, err, STDERR_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_addchdir_np(files, "/");
	return rc;
}

static int spawn(const struct exec_request *request, int out, int err, pid_t *ret)
{
	AUTO_FREE char **arguments = make_list(&request->program, 1, request->arguments);
	AUTO_FREE char **environment = make_list(fixed, ARRAY_LEN(fixed), request->environment);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	if (arguments == NULL || environment == NULL || posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	(void)posix_spawnattr_setflags(&attributes,
				       POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	int rc = add_files(&files, out, err);
	if (rc == 0)
		rc = posix_spawn(ret, request->program, &files, &attributes, arguments, environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return rc;
}

static bool start(const struct exec_request *request, struct child *child, struct error *err)
{
	int out[2] = {-1, -1}, errors[2] = {-1, -1};
	int rc = 0;

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0)
		rc = errno;
	if (rc == 0)
		rc = spawn(request, out[1], errors[1], &child->pid);
	close_fd(&out[1]);
	close_fd(&errors[1]);
	if (rc != 0) {
		close_fd(&out[0]);
		close_fd(&errors[0]);
		/* ENOENT of a file that is there is its interpreter's. */
		if (rc == ENOENT)
			error_hint(err, "does the interpreter in its first line exist?");
		return error_errno(err, ERROR_CONFIG, NULL, rc, "cannot run %s", request->program);
	}
	child->out = out[0];
	child->err = errors[0];
	(void)fcntl(child->out, F_SETFL, O_NONBLOCK);
	(void)fcntl(child->err, F_SETFL, O_NONBLOCK);
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return true;
}

/* --- Running --- */

/* Everything there is now, also what goes beyond the limit, so that the program does not wait for us. */
static void drain(int *fd, struct excerpt *into)
{
	char bytes[4096];
	ssize_t got = 0;
	while (*fd >= 0 && (got = read(*fd, bytes, sizeof(bytes))) > 0)
		excerpt_add(into, bytes, (size_t)got);
	if (*fd >= 0 && (got == 0 || (errno != EAGAIN && errno != EINTR)))
		close_fd(fd);
}

/* Without a descriptor for its end (kernels before 5.3): by looking. */
static bool has_ended(const struct child *child)
{
	siginfo_t info = {0};
	return child->pidfd < 0 && waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == child->pid;
}

/* True once the program has ended; false at DEADLINE. */
static bool await_end(struct child *child, struct deadline deadline, struct exec_result *result)
{
	struct pollfd waits[] = {
		{.fd = child->pidfd, .events = POLLIN},
		{.fd = child->out, .events = POLLIN},
		{.fd = child->err, .events = POLLIN},
		{.fd = deadline.cancel != NULL && deadline.cancel->fd > STDERR_FILENO ? deadline.cancel->fd : -1,
		 .events = POLLIN},
	};
	for (int64_t left; (left = deadline_left_ms(deadline)) > 0;) {
		waits[1].fd = child->out;
		waits[2].fd = child->err;
		if (child->pidfd < 0 && left > LOOK_MS)
			left = LOOK_MS;
		if (poll(waits, ARRAY_LEN(waits), left > INT_MAX ? INT_MAX : (int)left) < 0)
			continue;
		drain(&child->out, &result->out);
		drain(&child->err, &result->err);
		if (waits[0].revents != 0 || has_ended(child))
			return true;
	}
	return false;
}

/* What is in the pipes when the program has ended: not what a process that it left in the background may still say. */
static void drain_rest(struct child *child, struct exec_result *result)
{
	struct pollfd waits[2];
	struct deadline deadline = deadline_in(LINGER_MS, /* cancel= */ NULL);
	do {
		drain(&child->out, &result->out);
		drain(&child->err, &result->err);
		waits[0] = (struct pollfd){.fd = child->out, .events = POLLIN};
		waits[1] = (struct pollfd){.fd = child->err, .events = POLLIN};
	} while ((child->out >= 0 || child->err >= 0) && deadline_left_ms(deadline) > 0 &&
		 poll(waits, 2, (int)deadline_left_ms(deadline)) > 0);
}

static void reap(struct child *child, struct exec_result *result, bool killed)
{
	int status = 0;
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	result->ending = killed ? EXEC_TIMED_OUT : WIFSIGNALED(status) ? EXEC_SIGNALLED : EXEC_EXITED;
	result->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

bool exec_run(const struct exec_request *request, struct deadline deadline, struct exec_result *ret, struct error *err)
{
	struct child child = {.pidfd = -1, .out = -1, .err = -1};
	struct exec_result result = {.ending = EXEC_EXITED};

	if (!exec_check(request->program, err) || !deadline_check(deadline, NULL, err) || !start(request, &child, err))
		return false;
	excerpt_init(&result.out, LIMIT_EXEC_OUTPUT);
	excerpt_init(&result.err, LIMIT_EXEC_OUTPUT);
	bool ended = await_end(&child, deadline, &result);
	if (!ended) {
		(void)kill(-child.pid, SIGTERM);
		(void)await_end(&child, deadline_in(GRACE_MS, /* cancel= */ NULL), &result);
		(void)kill(-child.pid, SIGKILL);
	}
	reap(&child, &result, !ended);
	drain_rest(&child, &result);
	close_fd(&child.out);
	close_fd(&child.err);
	close_fd(&child.pidfd);
	if (!ended && cancel_requested(deadline.cancel)) {
		exec_result_done(&result);
		return deadline_check(deadline, NULL, err);
	}
	*ret = result;
	return true;
}

/* --- Failures --- */

/* The last lines of OUTPUT, as what was said. */
static void say_last_lines(const struct excerpt *output, struct error *err)
{
	const char *data = buf_cstr(&output->kept);
	size_t len = output->kept.len, from, lines = 0;
	while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r'))
		len--;
	for (from = len; from > 0; from--) {
		if (data[from - 1] == '\n' && ++lines == SAID_LINES)
			break;
	}
	error_said_output(err, data + from, len - from, excerpt_missing(output, from));
}

bool exec_failed(const char *program, const struct exec_result *result, enum error_category category, const char *step,
		 struct error *err)
{
	char safe[ERROR_NAME_MAX];

	if (error_is_set(err))
		return false;
	(void)escape_str(safe, sizeof(safe), program);
	say_last_lines(result->err.kept.len > 0 ? &result->err : &result->out, err);
	err->transient =
		result->ending == EXEC_TIMED_OUT || (result->ending == EXEC_EXITED && result->code == EXIT_TRY_LATER);
	switch (result->ending) {
	case EXEC_TIMED_OUT:
		return error_set(err, category, step, "%s did not end in time and was killed", safe);
	case EXEC_SIGNALLED:
		return error_set(err, category, step, "%s was killed by signal %d", safe, result->code);
	case EXEC_EXITED:
	default:
		return error_set(err, category, step, "%s ended with exit code %d", safe, result->code);
	}
}

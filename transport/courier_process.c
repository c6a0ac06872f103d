/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and ends a courier's process: this very binary, with one socket and nothing else of ours. */
#include "transport/courier_process.h"

#include "base/compiler.h"
#include "transport/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT_FD = COURIER_FD + 1 };

static const char courier_step[] = "courier";

/* A process of its own group, so that a Ctrl-C meant for us does not end it half-way; nothing of our environment, no
 * files. */
static bool spawn(const char *program, int socket, int kept, pid_t *ret, struct error *err)
{
	static char role[] = COURIER_ROLE;
	char *arguments[] = {role, NULL};
	/* One of libcurl's libraries sets itself up when it is loaded, at some 100 KiB a courier: none needs it. */
	static char no_gnutls[] = "GNUTLS_NO_IMPLICIT_INIT=1";
	char *environment[] = {no_gnutls, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t held, all;

	(void)sigemptyset(&held);
	(void)sigaddset(&held, COURIER_INTERRUPT);
	(void)sigfillset(&all);
	int rc = posix_spawn_file_actions_init(&files);
	if (rc != 0 || (rc = posix_spawnattr_init(&attributes)) != 0)
		return error_errno(err, ERROR_INTERNAL, courier_step, rc, "cannot start a courier");
	(void)posix_spawnattr_setflags(&attributes,
				       POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigmask(&attributes, &held);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	if ((rc = posix_spawn_file_actions_adddup2(&files, socket, COURIER_FD)) == 0 &&
	    (kept < 0 || (rc = posix_spawn_file_actions_adddup2(&files, kept, KEPT_FD)) == 0) &&
	    (rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_addclosefrom_np(&files, kept < 0 ? KEPT_FD : KEPT_FD + 1)) == 0)
		rc = posix_spawn(ret, program, &files, &attributes, arguments, environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return rc == 0 || error_errno(err, ERROR_INTERNAL, courier_step, rc, "cannot start a courier");
}

bool courier_process_start(const char *program, int kept, struct courier_process *ret, struct error *err)
{
	int sockets[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return error_errno(err, ERROR_INTERNAL, courier_step, errno, "cannot make a socket for a courier");
	bool started = spawn(program, sockets[1], kept, &pid, err);
	(void)close(sockets[1]);
	if (!started) {
		(void)close(sockets[0]);
		return false;
	}
	*ret = (struct courier_process){.pid = pid, .socket = sockets[0]};
	return true;
}

/* Its socket closed and, if MS is long enough, the process ended; whether it did. */
static bool await_end(struct courier_process *process, int ms)
{
	int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	struct pollfd ended = {.fd = fd, .events = POLLIN};

	(void)close(process->socket);
	process->socket = -1;
	bool over = fd >= 0 && poll(&ended, 1, ms) > 0;
	if (fd >= 0)
		(void)close(fd);
	return over;
}

static int reap(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

void courier_process_interrupt(const struct courier_process *process)
{
	(void)kill(process->pid, COURIER_INTERRUPT);
}

int courier_process_end(struct courier_process *process, int ms)
{
	if (!await_end(process, ms))
		(void)kill(process->pid, SIGKILL);
	return reap(process->pid);
}

void courier_process_leave(struct courier_process *process, int ms)
{
	/* One that is not over yet is reaped by init, soon after we are gone. */
	if (await_end(process, ms))
		(void)reap(process->pid);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jump host's session belongs to the tunnel's thread alone once that runs: libssh's sessions are not to be shared.
 * Each direction holds at most one chunk; only what has room is read, so that a slow side slows the other one down.
 */
#include "transport/ssh_tunnel.h"

#include "transport/ssh_link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHUNK = 16 * 1024,
	SLICE_MS = 250, /* libssh may hold bytes that poll() does not know of: look again this often */
	THREAD_STACK = 512 * 1024,
};

/* Bytes under way in one direction. */
struct chunk {
	size_t at, len;
	char data[CHUNK];
};

struct ssh_tunnel {
	struct ssh_link *via;
	ssh_channel channel;
	int inner; /* our end of the socket pair */
	int stop;  /* an event: end now */
	pthread_t thread;
	bool running;
	struct chunk up, down; /* to the jump host, from it */
};

/* ---- the thread ---- */

static void forget(struct chunk *chunk, size_t sent)
{
	chunk->at += sent;
	if (chunk->at == chunk->len)
		chunk->at = chunk->len = 0;
}

/* From the socket pair to the jump host. False when one of them is at its end. */
static bool move_up(struct ssh_tunnel *t)
{
	if (t->up.len == 0) {
		ssize_t got = recv(t->inner, t->up.data, CHUNK, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		t->up.len = got > 0 ? (size_t)got : 0;
	}
	if (t->up.len == 0)
		return true;
	int sent = ssh_channel_write(t->channel, t->up.data + t->up.at, (uint32_t)(t->up.len - t->up.at));
	if (sent > 0)
		forget(&t->up, (size_t)sent);
	return sent >= 0 || sent == SSH_AGAIN;
}

/* From the jump host to the socket pair. *RET_MOVED: there may be more at once. */
static bool move_down(struct ssh_tunnel *t, bool *ret_moved)
{
	*ret_moved = false;
	if (t->down.len == 0) {
		int got = ssh_channel_read_nonblocking(t->channel, t->down.data, CHUNK, 0);
		if (got == SSH_EOF || (got < 0 && got != SSH_AGAIN) || (got == 0 && ssh_channel_is_eof(t->channel)))
			return false;
		t->down.len = got > 0 ? (size_t)got : 0;
	}
	if (t->down.len == 0)
		return true;
	ssize_t sent = send(t->inner, t->down.data + t->down.at, t->down.len - t->down.at, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	forget(&t->down, (size_t)sent);
	*ret_moved = t->down.len == 0;
	return true;
}

/* Sleep until something can be moved. False when the tunnel is to end. */
static bool await(struct ssh_tunnel *t)
{
	struct pollfd fds[] = {
		{.fd = t->via->fd, .events = POLLIN},
		{.fd = t->inner, .events = 0},
		{.fd = t->stop, .events = POLLIN},
	};

	/* What is not to be read yet must not wake us, not even by its end: that is no news. */
	if (t->down.len > 0)
		fds[0].events = 0;
	if (ssh_get_poll_flags(t->via->session) & SSH_WRITE_PENDING)
		fds[0].events |= POLLOUT;
	if (t->up.len == 0)
		fds[1].events |= POLLIN;
	if (t->down.len > 0)
		fds[1].events |= POLLOUT;
	for (size_t i = 0; i < 2; i++)
		fds[i].fd = fds[i].events != 0 ? fds[i].fd : -1;
	(void)poll(fds, ARRAY_LEN(fds), SLICE_MS);
	return fds[2].revents == 0;
}

static void *carry(void *ctx)
{
	struct ssh_tunnel *t = ctx;
	bool moved = false, more = true;

	while (more && move_up(t) && move_down(t, &moved))
		more = moved || await(t);
	/* What the session said last, its goodbye, may still be here. */
	if (!more)
		(void)move_up(t);
	/* The session notices by its socket's end. */
	(void)shutdown(t->inner, SHUT_RDWR);
	return NULL;
}

static bool start_thread(struct ssh_tunnel *t, struct error *err)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	if (pthread_attr_init(&attributes) != 0)
		return error_oom(err);
	(void)pthread_attr_setstacksize(&attributes, THREAD_STACK);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the thread that waits for them */
	t->running = pthread_create(&t->thread, &attributes, carry, t) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return t->running || error_set(err, ERROR_INTERNAL, NULL, "cannot start a thread for the jump host");
}

/* ---- opening and closing ---- */

static bool open_forward(struct ssh_tunnel *t, const char *host, uint16_t port, struct deadline deadline,
			 struct error *err)
{
	int rc;

	t->channel = ssh_channel_new(t->via->session);
	if (t->channel == NULL)
		return error_oom(err);
	while ((rc = ssh_channel_open_forward(t->channel, host, port, "127.0.0.1", 0)) == SSH_AGAIN)
		if (!ssh_link_wait(t->via, deadline, "it connected further", err))
			return false;
	if (rc == SSH_OK)
		return true;
	if (!ssh_is_connected(t->via->session))
		return ssh_link_fail(t->via, ERROR_NETWORK, "the SSH connection was cut", err);
	error_set(err, ERROR_NETWORK, NULL, "the jump host %s cannot connect to %s port %u", t->via->host, host,
		  (unsigned)port);
	err->transient = true;
	error_said(err, ssh_get_error(t->via->session), strlen(ssh_get_error(t->via->session)));
	error_hint(err,
		   "is that server up, does its name mean something to the jump host, and does the jump host's sshd "
		   "allow it (AllowTcpForwarding, PermitOpen)?");
	return false;
}

struct ssh_tunnel *ssh_tunnel_open(struct ssh_link *take_via, const char *host, uint16_t port, struct deadline deadline,
				   int *ret_fd, struct error *err)
{
	struct ssh_tunnel *t = calloc(1, sizeof(*t));
	int pair[2];

	if (t == NULL) {
		ssh_link_close(take_via);
		(void)error_oom(err);
		return NULL;
	}
	t->via = take_via;
	t->inner = t->stop = -1;
	if (!open_forward(t, host, port, deadline, err))
		goto failed;
	t->stop = eventfd(0, EFD_CLOEXEC);
	if (t->stop < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		(void)error_errno(err, ERROR_INTERNAL, NULL, errno, "cannot make a socket pair");
		goto failed;
	}
	t->inner = pair[0];
	if (start_thread(t, err)) {
		*ret_fd = pair[1];
		return t;
	}
	(void)close(pair[1]);
failed:
	ssh_tunnel_close(t);
	return NULL;
}

void ssh_tunnel_close(struct ssh_tunnel *tunnel)
{
	if (tunnel == NULL)
		return;
	if (tunnel->running) {
		(void)eventfd_write(tunnel->stop, 1);
		(void)pthread_join(tunnel->thread, /* retval= */ NULL);
	}
	if (tunnel->channel != NULL)
		ssh_channel_free(tunnel->channel);
	if (tunnel->inner >= 0)
		(void)close(tunnel->inner);
	if (tunnel->stop >= 0)
		(void)close(tunnel->stop);
	ssh_link_close(tunnel->via);
	free(tunnel);
}

const char *ssh_tunnel_host(const struct ssh_tunnel *tunnel)
{
	return tunnel->via->host;
}

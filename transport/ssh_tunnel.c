/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jump host's session belongs to the tunnel's thread alone: libssh's sessions are not to be shared. Whoever wants a
 * connection puts it on a list, wakes the thread and waits for its answer.
 * Each direction of a stream holds at most one chunk; only what has room is read, so that a slow side slows the other
 * one down.
 */
#include "transport/ssh_tunnel.h"

#include "base/str.h"
#include "transport/ssh_link.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHUNK = 16 * 1024,
	SLICE_MS = 250, /* libssh may hold bytes that poll() does not know of: look again this often */
	STREAMS_MAX = 32,
	THREAD_STACK = 512 * 1024,
};

/* Bytes under way in one direction. */
struct chunk {
	size_t at, len;
	char data[CHUNK];
};

/* Somebody's wish for a connection: shared until it is answered, then the asker's; given up before, the thread's. */
struct wish {
	int answered; /* an event */
	bool done, given_up;
	struct error failure; /* empty: the connection is there */
};

struct stream {
	char *host;
	uint16_t port;
	struct wish *wish; /* while the jump host has not answered */
	ssh_channel channel;
	int inner;             /* our end of the socket pair */
	struct chunk up, down; /* to the jump host, from it */
	struct stream *next;
};

struct ssh_tunnel {
	struct ssh_link *via;
	int wake; /* an event: there is something to look at below */
	pthread_t thread;
	bool running;
	struct stream *streams; /* the thread's */

	pthread_mutex_t mutex; /* for what follows, and for every wish */
	struct stream *wanted; /* not taken up yet */
	bool stop;
};

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void wish_free(struct wish *wish)
{
	if (wish == NULL)
		return;
	close_fd(wish->answered);
	free(wish);
}

/* Whoever is at the other end notices by its socket's end. */
static void stream_free(struct stream *stream)
{
	if (stream == NULL)
		return;
	if (stream->channel != NULL)
		ssh_channel_free(stream->channel);
	close_fd(stream->inner);
	free(stream->host);
	free(stream);
}

/* ---- the thread: connections ---- */

/* The wish's outcome is told, or forgotten where nobody waits any more. Whether somebody does. */
static bool answer(struct ssh_tunnel *t, struct stream *s, const struct error *failure)
{
	struct wish *wish = STEAL(s->wish);

	(void)pthread_mutex_lock(&t->mutex);
	bool waited_for = !wish->given_up;
	if (failure != NULL)
		wish->failure = *failure;
	wish->done = true;
	if (waited_for)
		(void)eventfd_write(wish->answered, 1);
	(void)pthread_mutex_unlock(&t->mutex);
	if (!waited_for)
		wish_free(wish);
	return waited_for;
}

static void explain(const struct ssh_tunnel *t, const struct stream *s, struct error *err)
{
	const char *said = ssh_get_error(t->via->session);
	/* SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, RFC 4254 §5.1; libssh has it in its text alone. */
	bool prohibited = strstr(said, " error (1) ") != NULL;

	if (!ssh_is_connected(t->via->session)) {
		(void)ssh_link_fail(t->via, ERROR_NETWORK, "the SSH connection to the jump host was cut", err);
		return;
	}
	if (prohibited) {
		(void)error_set(err, ERROR_REMOTE, NULL, "the jump host %s does not let us connect to %s port %u",
				t->via->name, s->host, (unsigned)s->port);
		error_hint(err, "its sshd must allow this (AllowTcpForwarding, PermitOpen; `permitopen`, `restrict` in "
				"authorized_keys)");
	} else {
		(void)error_set(err, ERROR_NETWORK, NULL, "the jump host %s cannot connect to %s port %u", t->via->name,
				s->host, (unsigned)s->port);
		err->transient = true;
		error_hint(err, "is that server up, does it listen there, and does its name mean something to the jump "
				"host?");
	}
	error_said(err, said, strlen(said));
}

/* False when the stream came to nothing. */
static bool open_stream(struct ssh_tunnel *t, struct stream *s)
{
	struct error failure = {0};
	int rc = SSH_ERROR;

	if (s->channel == NULL && (s->channel = ssh_channel_new(t->via->session)) == NULL)
		(void)error_oom(&failure);
	else if ((rc = ssh_channel_open_forward(s->channel, s->host, s->port, "127.0.0.1", 0)) == SSH_AGAIN)
		return true; /* given up or not: its answer must find the channel */
	else if (rc != SSH_OK)
		explain(t, s, &failure);
	return answer(t, s, rc == SSH_OK ? NULL : &failure) && rc == SSH_OK;
}

/* ---- the thread: bytes ---- */

static void forget(struct chunk *chunk, size_t sent)
{
	chunk->at += sent;
	if (chunk->at == chunk->len)
		chunk->at = chunk->len = 0;
}

/* From the socket pair to the jump host. False when one of them is at its end. */
static bool move_up(struct stream *s)
{
	if (s->up.len == 0) {
		ssize_t got = recv(s->inner, s->up.data, CHUNK, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		s->up.len = got > 0 ? (size_t)got : 0;
	}
	if (s->up.len == 0)
		return true;
	int sent = ssh_channel_write(s->channel, s->up.data + s->up.at, (uint32_t)(s->up.len - s->up.at));
	if (sent > 0)
		forget(&s->up, (size_t)sent);
	return sent >= 0 || sent == SSH_AGAIN;
}

/* From the jump host to the socket pair. *MOVED: there may be more at once. */
static bool move_down(struct stream *s, bool *moved)
{
	if (s->down.len == 0) {
		int got = ssh_channel_read_nonblocking(s->channel, s->down.data, CHUNK, 0);
		if (got == SSH_EOF || (got < 0 && got != SSH_AGAIN) || (got == 0 && ssh_channel_is_eof(s->channel)))
			return false;
		s->down.len = got > 0 ? (size_t)got : 0;
	}
	if (s->down.len == 0)
		return true;
	ssize_t sent = send(s->inner, s->down.data + s->down.at, s->down.len - s->down.at, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	forget(&s->down, (size_t)sent);
	*moved = *moved || s->down.len == 0;
	return true;
}

/* What can be moved now is; streams that ended go. Whether there may be more at once. */
static bool serve_all(struct ssh_tunnel *t)
{
	bool moved = false;

	for (struct stream **at = &t->streams; *at != NULL;) {
		struct stream *s = *at;
		bool opening = s->wish != NULL;
		bool alive = opening ? open_stream(t, s) : move_up(s) && move_down(s, &moved);
		moved = moved || (opening && s->wish == NULL);
		if (alive) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		stream_free(s);
	}
	return moved;
}

/* What is not to be read yet must not wake us, not even by its end: that is no news. */
static size_t list_fds(const struct ssh_tunnel *t, struct pollfd *fds)
{
	size_t count = 0;
	short link_events = 0;

	fds[count++] = (struct pollfd){.fd = t->wake, .events = POLLIN};
	for (const struct stream *s = t->streams; s != NULL; s = s->next) {
		struct pollfd inner = {.fd = s->inner};
		if (s->down.len == 0)
			link_events |= POLLIN;
		if (ssh_get_poll_flags(t->via->session) & SSH_WRITE_PENDING)
			link_events |= POLLOUT;
		if (s->wish == NULL && s->up.len == 0)
			inner.events |= POLLIN;
		if (s->down.len > 0)
			inner.events |= POLLOUT;
		if (inner.events != 0 && count <= STREAMS_MAX) /* beyond: looked at once per slice */
			fds[count++] = inner;
	}
	if (link_events != 0)
		fds[count++] = (struct pollfd){.fd = t->via->fd, .events = link_events};
	return count;
}

/* Sleep until something can be moved, and take up what is wanted. False when the tunnel is to end. */
static bool await(struct ssh_tunnel *t, bool at_once)
{
	struct pollfd fds[STREAMS_MAX + 2];
	eventfd_t ignored;

	(void)poll(fds, list_fds(t, fds), at_once ? 0 : t->streams != NULL ? SLICE_MS : -1);
	(void)eventfd_read(t->wake, &ignored);
	(void)pthread_mutex_lock(&t->mutex);
	while (t->wanted != NULL) {
		struct stream *s = t->wanted;
		t->wanted = s->next;
		s->next = t->streams;
		t->streams = s;
	}
	bool stop = t->stop;
	(void)pthread_mutex_unlock(&t->mutex);
	return !stop;
}

static void *carry(void *ctx)
{
	struct ssh_tunnel *t = ctx;

	while (await(t, serve_all(t)))
		continue;
	/* What was said last, such as a session's goodbye, may still be here. */
	for (struct stream *s = t->streams; s != NULL; s = s->next)
		if (s->wish == NULL)
			(void)move_up(s);
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

/* ---- for those who go through ---- */

struct ssh_tunnel *ssh_tunnel_start(struct ssh_link *take_via, struct error *err)
{
	struct ssh_tunnel *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		ssh_link_close(take_via);
		(void)error_oom(err);
		return NULL;
	}
	t->via = take_via;
	(void)pthread_mutex_init(&t->mutex, NULL);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake < 0)
		(void)error_errno(err, ERROR_INTERNAL, NULL, errno, "cannot make an event");
	else if (start_thread(t, err))
		return t;
	ssh_tunnel_close(t);
	return NULL;
}

void ssh_tunnel_close(struct ssh_tunnel *tunnel)
{
	if (tunnel == NULL)
		return;
	if (tunnel->running) {
		(void)pthread_mutex_lock(&tunnel->mutex);
		tunnel->stop = true;
		(void)pthread_mutex_unlock(&tunnel->mutex);
		(void)eventfd_write(tunnel->wake, 1);
		(void)pthread_join(tunnel->thread, /* retval= */ NULL);
	}
	for (struct stream *s; (s = tunnel->streams) != NULL;) {
		tunnel->streams = s->next;
		wish_free(s->wish); /* nobody waits for a tunnel that is being closed */
		stream_free(s);
	}
	close_fd(tunnel->wake);
	ssh_link_close(tunnel->via);
	(void)pthread_mutex_destroy(&tunnel->mutex);
	free(tunnel);
}

const char *ssh_tunnel_name(const struct ssh_tunnel *tunnel)
{
	return tunnel->via->name;
}

/* A stream with its wish, and *RET_FD, the other end of its socket pair. */
static struct stream *stream_new(const char *host, uint16_t port, int *ret_fd, struct error *err)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct wish *wish = calloc(1, sizeof(*wish));
	int pair[2];

	if (s == NULL || wish == NULL) {
		free(s);
		free(wish);
		(void)error_oom(err);
		return NULL;
	}
	s->inner = -1;
	s->port = port;
	wish->answered = eventfd(0, EFD_CLOEXEC);
	if (!str_set(&s->host, host, err))
		goto failed;
	if (wish->answered < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		(void)error_errno(err, ERROR_INTERNAL, NULL, errno, "cannot make a socket pair");
		goto failed;
	}
	s->wish = wish;
	s->inner = pair[0];
	*ret_fd = pair[1];
	return s;
failed:
	wish_free(wish);
	stream_free(s);
	return NULL;
}

/* Until WISH is answered; false when it was given up, and is the thread's. */
static bool await_answer(struct ssh_tunnel *t, struct wish *wish, struct deadline deadline)
{
	struct pollfd fds[] = {
		{.fd = wish->answered, .events = POLLIN},
		{.fd = deadline.cancel != NULL ? deadline.cancel->fd : -1, .events = POLLIN},
	};
	for (int64_t left; fds[0].revents == 0 && (left = deadline_left_ms(deadline)) > 0;)
		(void)poll(fds, ARRAY_LEN(fds), left < INT_MAX ? (int)left : INT_MAX);
	(void)pthread_mutex_lock(&t->mutex);
	wish->given_up = !wish->done;
	bool done = wish->done;
	(void)pthread_mutex_unlock(&t->mutex);
	return done;
}

bool ssh_tunnel_dial(struct ssh_tunnel *tunnel, const char *host, uint16_t port, struct deadline deadline, int *ret_fd,
		     struct error *err)
{
	char doing[ERROR_NAME_MAX];
	int fd = -1;
	struct stream *s = stream_new(host, port, &fd, err);

	if (s == NULL)
		return false;
	struct wish *wish = s->wish;
	(void)pthread_mutex_lock(&tunnel->mutex);
	s->next = tunnel->wanted;
	tunnel->wanted = s; /* the thread's from here on */
	(void)pthread_mutex_unlock(&tunnel->mutex);
	(void)eventfd_write(tunnel->wake, 1);
	if (!await_answer(tunnel, wish, deadline)) {
		(void)close(fd);
		(void)snprintf(doing, sizeof(doing), "it connected to %s port %u", host, (unsigned)port);
		return ssh_link_out_of_time(tunnel->via, deadline, doing, err);
	}
	bool connected = !error_is_set(&wish->failure);
	if (connected)
		*ret_fd = fd;
	else
		(void)close(fd);
	if (!connected && !error_is_set(err))
		*err = wish->failure;
	wish_free(wish);
	return connected;
}

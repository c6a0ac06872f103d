/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener's thread. Its connections stand in the order in which they came: the first is the next to run out of
 * time, and the one that makes room.
 */
#include "transport/listener.h"

#include "base/clock.h"
#include "base/limits.h"
#include "transport/listener_bind.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	STACK_SIZE = 256 * 1024,
	ACCEPT_BURST = 64, /* then those that are connected get their turn */
	REST_MS = 100,     /* after accept() failed for want of descriptors or memory */
	POLLS_MAX = 1 + LISTENER_SOCKETS + LIMIT_RESPONDER_CONNECTIONS,
};

struct connection {
	int fd;
	void *state; /* the protocol's; NULL: all is said, what still comes is dropped */
	short events;
	size_t dropped; /* bytes */
	int64_t end_ms;
};

struct listener {
	const struct listener_protocol *protocol;
	void *ctx;
	int sockets[LISTENER_SOCKETS];
	size_t socket_count;
	int wake; /* eventfd */
	atomic_bool stopping;
	pthread_t thread;
	int64_t rest_until_ms; /* accept nobody before */
	struct connection connections[LIMIT_RESPONDER_CONNECTIONS];
	size_t count;
};

/* ---- one connection ---- */

static void drop(struct listener *listener, struct connection *connection)
{
	if (connection->state != NULL)
		listener->protocol->close(connection->state);
	(void)close(connection->fd);
}

/* Read and drop what comes behind the answer. False at its end, or when it is too much. */
static bool drain(struct connection *connection)
{
	char ignored[4096];
	for (;;) {
		ssize_t got = recv(connection->fd, ignored, sizeof(ignored), MSG_DONTWAIT);
		if (got < 0)
			return errno == EAGAIN || errno == EINTR;
		connection->dropped += (size_t)got;
		if (got == 0 || connection->dropped > LIMIT_RESPONDER_IGNORED)
			return false;
	}
}

/* False when it is over. */
static bool go_on(struct listener *listener, struct connection *connection)
{
	if (connection->state == NULL)
		return drain(connection);
	connection->events = listener->protocol->go_on(connection->state);
	if (connection->events != 0)
		return true;
	listener->protocol->close(connection->state);
	connection->state = NULL;
	connection->events = POLLIN;
	return shutdown(connection->fd, SHUT_WR) == 0 && drain(connection);
}

static void serve_connections(struct listener *listener, const struct pollfd *polls)
{
	int64_t now = clock_monotonic_ms();
	size_t kept = 0;

	for (size_t i = 0; i < listener->count; i++) {
		struct connection *connection = &listener->connections[i];
		bool keep = now < connection->end_ms;
		if (keep && polls[i].revents != 0)
			keep = go_on(listener, connection);
		if (keep)
			listener->connections[kept++] = *connection;
		else
			drop(listener, connection);
	}
	listener->count = kept;
}

/* ---- new ones ---- */

static void evict_oldest(struct listener *listener)
{
	drop(listener, &listener->connections[0]);
	listener->count--;
	memmove(&listener->connections[0], &listener->connections[1],
		listener->count * sizeof(listener->connections[0]));
}

static void admit(struct listener *listener, int fd)
{
	if (listener->count == LIMIT_RESPONDER_CONNECTIONS)
		evict_oldest(listener);
	void *state = listener->protocol->open(listener->ctx, fd);
	if (state == NULL) {
		(void)close(fd);
		return;
	}
	listener->connections[listener->count++] = (struct connection){
		.fd = fd,
		.state = state,
		.events = POLLIN,
		.end_ms = clock_monotonic_ms() + LIMIT_RESPONDER_MS,
	};
}

static void accept_some(struct listener *listener, int socket)
{
	for (int i = 0; i < ACCEPT_BURST; i++) {
		int fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			admit(listener, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
			continue; /* that one is gone already (accept(2): network errors) */
		if (listener->count > 0)
			evict_oldest(listener);
		listener->rest_until_ms = clock_monotonic_ms() + REST_MS;
		return;
	}
}

/* ---- the thread ---- */

/* Until when poll() may sleep, in its milliseconds. */
static int patience(const struct listener *listener, int64_t now)
{
	int64_t until = INT64_MAX;
	if (listener->count > 0)
		until = listener->connections[0].end_ms;
	if (listener->rest_until_ms > now && listener->rest_until_ms < until)
		until = listener->rest_until_ms;
	if (until == INT64_MAX)
		return -1;
	return until > now ? (int)(until - now) : 0;
}

static void *serve(void *arg)
{
	struct listener *listener = arg;
	struct pollfd polls[POLLS_MAX];

	while (!atomic_load(&listener->stopping)) {
		int64_t now = clock_monotonic_ms();
		size_t first = 1 + listener->socket_count;
		bool resting = listener->rest_until_ms > now;
		polls[0] = (struct pollfd){.fd = listener->wake, .events = POLLIN};
		for (size_t i = 0; i < listener->socket_count; i++)
			polls[1 + i] = (struct pollfd){.fd = resting ? -1 : listener->sockets[i], .events = POLLIN};
		for (size_t i = 0; i < listener->count; i++)
			polls[first + i] = (struct pollfd){.fd = listener->connections[i].fd,
							   .events = listener->connections[i].events};
		(void)poll(polls, first + listener->count, patience(listener, now));
		serve_connections(listener, polls + first);
		for (size_t i = 0; i < listener->socket_count; i++)
			if (polls[1 + i].revents != 0)
				accept_some(listener, listener->sockets[i]);
	}
	return NULL;
}

/* All signals stay blocked in the thread: handlers run in threads that expect them, and SIGPIPE nowhere. */
static bool start_thread(struct listener *listener, struct error *err)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int failure = pthread_attr_init(&attributes);

	if (failure != 0)
		return error_errno(err, ERROR_INTERNAL, NULL, failure, "cannot start a responder's thread");
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failure = pthread_create(&listener->thread, &attributes, serve, listener);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return failure == 0 || error_errno(err, ERROR_INTERNAL, NULL, failure, "cannot start a responder's thread");
}

static void release(struct listener *listener)
{
	for (size_t i = 0; i < listener->count; i++)
		drop(listener, &listener->connections[i]);
	for (size_t i = 0; i < listener->socket_count; i++)
		(void)close(listener->sockets[i]);
	if (listener->wake >= 0)
		(void)close(listener->wake);
	free(listener);
}

struct listener *listener_start(const struct listen_address *address, const char *instead,
				const struct listener_protocol *protocol, void *ctx, struct error *err)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (listener == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	listener->protocol = protocol;
	listener->ctx = ctx;
	listener->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (listener->wake < 0)
		(void)error_errno(err, ERROR_INTERNAL, NULL, errno, "cannot make an eventfd");
	if (listener->wake < 0 || !listener_bind(address, instead, listener->sockets, &listener->socket_count, err) ||
	    !start_thread(listener, err)) {
		release(listener);
		return NULL;
	}
	return listener;
}

void listener_stop(struct listener *listener)
{
	if (listener == NULL)
		return;
	atomic_store(&listener->stopping, true);
	(void)eventfd_write(listener->wake, 1);
	(void)pthread_join(listener->thread, NULL);
	release(listener);
}

uint16_t listener_port(const struct listener *listener)
{
	return listener_bound_port(listener->sockets[0]);
}

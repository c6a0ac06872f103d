/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP first: an update with its signature and the answer to it always fit, nothing is spoofed blindly, and an answer is
 * not lost on the way. UDP is for servers and firewalls that have no TCP.
 */
#include "transport/dns_exchange.h"

#include "base/limits.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TCP_MS = 5000, /* a server that is reachable over TCP answers at once; silence is a filter */
	UDP_MS = 2000,
	UDP_TRIES = 3,
	HEADER_LEN = 12,
};

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* False with nothing set when DEADLINE's time is over; false with ERR when it was cancelled. */
static bool wait_for(int fd, short events, struct deadline deadline, struct error *err)
{
	struct pollfd waits[2] = {{.fd = fd, .events = events}, {.fd = -1, .events = POLLIN}};
	if (deadline.cancel != NULL && deadline.cancel->fd > STDERR_FILENO)
		waits[1].fd = deadline.cancel->fd;
	for (int64_t left; (left = deadline_left_ms(deadline)) > 0;) {
		if (poll(waits, 2, left > INT_MAX ? INT_MAX : (int)left) > 0 && waits[0].revents != 0)
			return true;
	}
	errno = ETIMEDOUT;
	return cancel_requested(deadline.cancel) ? deadline_check(deadline, NULL, err) : false;
}

static int open_socket(const struct dns_address *server, int type, struct deadline deadline, struct error *err)
{
	int fd = socket(server->addr.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failure = 0;
	socklen_t len = sizeof(failure);
	if (fd < 0)
		return -1;
	bool ok = connect(fd, (const struct sockaddr *)&server->addr, server->len) == 0;
	if (!ok && errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline, err) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) == 0) {
		errno = failure;
		ok = failure == 0;
	}
	if (ok)
		return fd;
	failure = errno;
	(void)close(fd);
	errno = failure;
	return -1;
}

static bool send_all(int fd, const char *data, size_t len, struct deadline deadline, struct error *err)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (sent <= 0 && !wait_for(fd, POLLOUT, deadline, err))
			return false;
		data += sent > 0 ? sent : 0;
		len -= sent > 0 ? (size_t)sent : 0;
	}
	return true;
}

static bool receive_all(int fd, unsigned char *data, size_t len, struct deadline deadline, struct error *err)
{
	while (len > 0) {
		ssize_t got = recv(fd, data, len, 0);
		if (got == 0)
			errno = ECONNRESET;
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (got < 0 && !wait_for(fd, POLLIN, deadline, err))
			return false;
		data += got > 0 ? got : 0;
		len -= got > 0 ? (size_t)got : 0;
	}
	return true;
}

static bool is_answer(const unsigned char *answer, size_t len, const char *message)
{
	return len >= HEADER_LEN && memcmp(answer, message, 2) == 0 && (answer[2] & 0x80) != 0;
}

/* False with errno, or with ERR when cancelled. */
static bool by_tcp(const struct dns_address *server, const char *message, size_t len, unsigned char *answer,
		   size_t *ret_len, struct deadline deadline, struct error *err)
{
	CLEANUP(buf_done) struct buf framed;
	CLEANUP(close_fd) int fd = open_socket(server, SOCK_STREAM, deadline, err);
	unsigned char head[2];

	buf_init(&framed, LIMIT_DNS_MESSAGE + 2);
	buf_u16(&framed, (uint16_t)len);
	buf_append(&framed, message, len);
	if (fd < 0 || framed.failed || !send_all(fd, framed.data, framed.len, deadline, err) ||
	    !receive_all(fd, head, sizeof(head), deadline, err))
		return false;
	*ret_len = (size_t)(head[0] << 8 | head[1]);
	if (!receive_all(fd, answer, *ret_len, deadline, err))
		return false;
	errno = EBADMSG;
	return is_answer(answer, *ret_len, message);
}

static bool by_udp(const struct dns_address *server, const char *message, size_t len, unsigned char *answer,
		   size_t *ret_len, struct deadline deadline, struct error *err)
{
	CLEANUP(close_fd) int fd = open_socket(server, SOCK_DGRAM, deadline, err);
	if (fd < 0 || (send(fd, message, len, MSG_NOSIGNAL) < 0 && errno != EAGAIN))
		return false;
	while (wait_for(fd, POLLIN, deadline, err)) {
		ssize_t got = recv(fd, answer, LIMIT_DNS_MESSAGE, 0);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		/* Somebody else's datagram is no answer. */
		if (got > 0 && is_answer(answer, (size_t)got, message)) {
			*ret_len = (size_t)got;
			return true;
		}
	}
	return false;
}

bool dns_exchange(const struct dns_address *server, const void *message, size_t len, struct deadline deadline,
		  struct buf *ret, struct error *err)
{
	AUTO_FREE unsigned char *answer = malloc(LIMIT_DNS_MESSAGE);
	size_t answer_len = 0;
	char text[128];

	if (answer == NULL || len > UINT16_MAX)
		return error_oom(err);
	bool done = by_tcp(server, message, len, answer, &answer_len, deadline_within(deadline, TCP_MS), err);
	int failure = errno;
	for (int i = 0; i < UDP_TRIES && !done && !error_is_set(err) && deadline_left_ms(deadline) > 0; i++)
		done = by_udp(server, message, len, answer, &answer_len, deadline_within(deadline, UDP_MS), err);
	if (done) {
		buf_append(ret, answer, answer_len);
		return buf_check(ret, "DNS answer", err);
	}
	if (error_is_set(err) || !deadline_check(deadline, NULL, err))
		return false;
	err->transient = true;
	return error_set(err, ERROR_NETWORK, NULL, "%s does not answer, neither over TCP (%s) nor over UDP",
			 server->text, strerror_r(failure, text, sizeof(text)));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Messages over the courier's socket, both ends: frames of one datagram each, waited for with a deadline. */
#include "transport/courier_channel.h"

#include "base/limits.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static const char courier_step[] = "courier";

bool courier_wait(int fd, short events, struct deadline deadline, struct error *err)
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
		if (!courier_wait(fd, POLLOUT, deadline, err))
			return false;
	}
}

bool courier_send(int fd, enum courier_type type, const char *data, size_t len, struct deadline deadline,
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

/* How long the next datagram is, which is waited for. *RET_LEN 0: the other end is closed. */
static bool await_datagram(int fd, size_t *ret_len, struct deadline deadline, struct error *err)
{
	ssize_t got;

	while ((got = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT)) < 0) {
		if (errno == ECONNRESET) {
			got = 0;
			break;
		}
		if (errno != EAGAIN && errno != EINTR)
			return error_errno(err, ERROR_INTERNAL, courier_step, errno, "cannot receive from a courier");
		if (!courier_wait(fd, POLLIN, deadline, err))
			return false;
	}
	*ret_len = (size_t)got;
	return true;
}

/* One datagram, in no more memory than it needs: locked memory is scarce. Empty: the other end is closed. */
static bool receive_datagram(int fd, struct secret *ret, struct deadline deadline, struct error *err)
{
	size_t len = 0;

	secret_done(ret);
	if (!await_datagram(fd, &len, deadline, err) || len == 0)
		return len == 0 && !error_is_set(err);
	if (len > LIMIT_IPC_FRAME + COURIER_FRAME_HEADER)
		return error_set(err, ERROR_DATA, NULL, "a frame between courier and parent is too long");
	if (!secret_reserve(ret, len, err))
		return false;
	if (recv(fd, ret->data, len, MSG_DONTWAIT) != (ssize_t)len)
		return error_errno(err, ERROR_INTERNAL, courier_step, errno, "cannot receive from a courier");
	return true;
}

/* Every frame must be of the first one's type. */
bool courier_receive(int fd, enum courier_type *ret_type, struct buf *out, bool *ret_closed, struct deadline deadline,
		     struct error *err)
{
	struct secret datagram CLEANUP(secret_done) = {0}; /* wiped: a job's frames hold keys */
	struct courier_frame frame = {.more = true};

	buf_reset(out);
	for (bool first = true; frame.more; first = false) {
		if (!receive_datagram(fd, &datagram, deadline, err))
			return false;
		if (datagram.len == 0) {
			*ret_closed = true;
			return true;
		}
		if (!courier_decode_frame(datagram.data, datagram.len, &frame, err))
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

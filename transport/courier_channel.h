/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What parent and courier send each other over their socket: whole messages (courier_message.h), each before a
 * deadline. Only for the courier's own files.
 */
#ifndef TRANSPORT_COURIER_CHANNEL_H
#define TRANSPORT_COURIER_CHANNEL_H

#include "base/buf.h"
#include "base/clock.h"
#include "transport/courier_message.h"

/* Until FD is ready for EVENTS (as poll() has them); false when DEADLINE passed or was cancelled. */
MUST_CHECK bool courier_wait(int fd, short events, struct deadline deadline, struct error *err);

/* LEN bytes of DATA as one message of TYPE. */
MUST_CHECK bool courier_send(int fd, enum courier_type type, const char *data, size_t len, struct deadline deadline,
			     struct error *err);

/* The next message into OUT (initialised; its maximum is the cap). *RET_CLOSED (and success): the other end is gone. */
MUST_CHECK bool courier_receive(int fd, enum courier_type *ret_type, struct buf *out, bool *ret_closed,
				struct deadline deadline, struct error *err);

#endif

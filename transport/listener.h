/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server for small, short conversations with anybody: one thread, one poll(), at most LIMIT_RESPONDER_CONNECTIONS
 * connections of at most LIMIT_RESPONDER_MS each. When all are taken the oldest makes room, so that no number of silent
 * connections keeps a new one out. What is said on them is a protocol's business (http01.c, alpn01.c).
 */
#ifndef TRANSPORT_LISTENER_H
#define TRANSPORT_LISTENER_H

#include "base/error.h"
#include "base/listen_address.h"

#include <stddef.h>
#include <stdint.h>

struct listener;

/* Called from the listener's thread alone; nothing here may block. */
struct listener_protocol {
	/* A connection on FD (non-blocking, stays the listener's): its state, or NULL to have it closed. */
	void *(*open)(void *ctx, int fd);

	/*
	 * Go on as far as it goes. POLLIN or POLLOUT: call again then. 0: all is said; the listener ends its half and
	 * reads the other side's to its end, because closing at once could take the answer back.
	 */
	short (*go_on)(void *connection);

	void (*close)(void *connection);
};

/*
 * Listen on ADDRESS (port 0: any, for tests) and serve until listener_stop(). CTX is passed to PROTOCOL's open; both
 * are borrowed. ERROR_CONFIG when the port cannot be had, naming who has it where the system tells. INSTEAD says in
 * the hint what else the operator could do.
 */
MUST_CHECK struct listener *listener_start(const struct listen_address *address, const char *instead,
					   const struct listener_protocol *protocol, void *ctx, struct error *err);

/* Close the port and every connection, and join the thread. Accepts NULL. */
void listener_stop(struct listener *listener);

uint16_t listener_port(const struct listener *listener);

#endif

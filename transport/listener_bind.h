/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets behind an address to listen on, and a failure to get them explained: who has the port, who may have it.
 * For listener.c and tests.
 */
#ifndef TRANSPORT_LISTENER_BIND_H
#define TRANSPORT_LISTENER_BIND_H

#include "base/error.h"
#include "base/listen_address.h"

#include <stddef.h>

enum { LISTENER_SOCKETS = 2 };

/*
 * Non-blocking listening sockets for ADDRESS: one, or with an empty host one for IPv6 and one for IPv4 (where the
 * machine has both). Sockets for this address that systemd passed to the process ($LISTEN_FDS) are taken first.
 * ERROR_CONFIG otherwise, with INSTEAD in the hint.
 */
MUST_CHECK bool listener_bind(const struct listen_address *address, const char *instead, int ret[LISTENER_SOCKETS],
			      size_t *ret_count, struct error *err);

/* The port that SOCKET is bound to. */
uint16_t listener_bound_port(int socket);

/* Who listens on PORT: "nginx (process 812)"; empty where /proc does not tell us. Returns OUT. */
const char *port_holder(uint16_t port, char *out, size_t size);

#endif

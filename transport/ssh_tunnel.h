/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection through a jump host, as ssh(1)'s ProxyJump makes it, without a program: a channel that the jump host
 * forwards ("direct-tcpip", RFC 4254 §7.2) with one end of a socket pair before it, so that the next session finds a
 * socket like any other. A thread carries the bytes.
 */
#ifndef TRANSPORT_SSH_TUNNEL_H
#define TRANSPORT_SSH_TUNNEL_H

#include "base/clock.h"
#include "base/error.h"

#include <stdint.h>

struct ssh_link;
struct ssh_tunnel;

/*
 * Have VIA's host connect to HOST (its own resolver's name, or an address) and PORT. The tunnel owns VIA from then on,
 * also on failure. *RET_FD, non-blocking, is the caller's to close, before the tunnel.
 */
MUST_CHECK struct ssh_tunnel *ssh_tunnel_open(struct ssh_link *take_via, const char *host, uint16_t port,
					      struct deadline deadline, int *ret_fd, struct error *err);

/* Ends the thread and closes VIA. What was written to *RET_FD just before is still sent where that needs no waiting. */
void ssh_tunnel_close(struct ssh_tunnel *tunnel);

/* The jump host's name. */
const char *ssh_tunnel_host(const struct ssh_tunnel *tunnel);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections through a jump host, as ssh(1)'s ProxyJump makes them, without a program: channels that the jump host
 * forwards ("direct-tcpip", RFC 4254 §7.2), each with one end of a socket pair before it, so that whoever goes through
 * finds a socket like any other. One login carries all of them; a thread carries the bytes.
 */
#ifndef TRANSPORT_SSH_TUNNEL_H
#define TRANSPORT_SSH_TUNNEL_H

#include "base/clock.h"
#include "base/error.h"

#include <stdint.h>

struct ssh_link;
struct ssh_target;
struct ssh_tunnel;

/* A tunnel through VIA's host, which it owns from then on, also on failure. */
MUST_CHECK struct ssh_tunnel *ssh_tunnel_start(struct ssh_link *take_via, struct error *err);

/* Log in to the jump hosts of TARGET, which has some, and go no further: a tunnel through the last one. */
MUST_CHECK struct ssh_tunnel *ssh_tunnel_to(const struct ssh_target *target, struct deadline deadline,
					    struct error *err);

/*
 * Have the jump host connect to HOST (its own resolver's name, or an address) and PORT. *RET_FD, non-blocking, is the
 * caller's to close. Safe to call from several threads. ERROR_NETWORK or ERROR_TIMEOUT naming the jump host; where that
 * forbids it ERROR_REMOTE.
 */
MUST_CHECK bool ssh_tunnel_dial(struct ssh_tunnel *tunnel, const char *host, uint16_t port, struct deadline deadline,
				int *ret_fd, struct error *err);

/* Ends the thread and logs out. What was written to a descriptor just before is still sent where that needs no wait. */
void ssh_tunnel_close(struct ssh_tunnel *tunnel);

/* What people know the jump host by. */
const char *ssh_tunnel_name(const struct ssh_tunnel *tunnel);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of an SSH session share: each does one part of it, and only they know libssh. Non-blocking mode
 * throughout: each call is repeated while it says "again", and between two tries ssh_link_wait() sleeps in poll() on
 * the socket, the deadline and the cancellation. So nothing here can hang, which libssh's own time-outs do not promise.
 */
#ifndef TRANSPORT_SSH_LINK_H
#define TRANSPORT_SSH_LINK_H

#include "transport/ssh.h"

#include <libssh/libssh.h>

struct ssh_link {
	ssh_session session;
	const struct ssh_watch *watch; /* while it is opened; NULL: nobody */
	char *host;
	char *name; /* what people know it by, with its address: "bastion (10.0.0.1 port 22)" */
	int fd;
	bool resolved;             /* its address was told */
	struct ssh_tunnel *tunnel; /* through the jump host before it; NULL: it is connected to directly */
};

/* libssh's last words as an error: they may quote the server. Returns false. */
bool ssh_link_fail(const struct ssh_link *link, enum error_category category, const char *what, struct error *err);

/*
 * Sleep until the socket has something for libssh, a slice of time has gone, or nothing is left (an error, which says
 * what the server was DOING when it did not answer).
 */
MUST_CHECK bool ssh_link_wait(struct ssh_link *link, struct deadline deadline, const char *doing, struct error *err);

/* No time is left: an error, which says what the server was DOING when it did not answer. Returns false. */
bool ssh_link_out_of_time(const struct ssh_link *link, struct deadline deadline, const char *doing, struct error *err);

/* Tell who watches that PART went well. */
void ssh_link_tell(const struct ssh_link *link, const char *part, const char *format, ...) PRINTF_LIKE(3, 4);

/* A session of libssh's that knows nothing yet, in place of LINK's, if any; without its socket. */
MUST_CHECK bool ssh_link_renew(struct ssh_link *link, struct error *err);

/*
 * Connect to TARGET, through TAKE_VIA's host unless that is NULL, and agree on keys: the host's is known afterwards,
 * and nothing of ours was offered.
 */
MUST_CHECK bool ssh_link_connect(struct ssh_link *link, const struct ssh_target *target, struct ssh_link *take_via,
				 struct deadline deadline, struct error *err);

/* Whether the host's key is the known one; an error with what to do otherwise. */
MUST_CHECK bool ssh_link_check_host(struct ssh_link *link, const struct ssh_target *target, struct error *err);

/* Read the host's key into RET, whatever the verdict on it. */
MUST_CHECK bool ssh_link_read_host_key(struct ssh_link *link, const struct ssh_target *target, struct ssh_host_key *ret,
				       struct error *err);

/* By public key: TARGET's identity, else its agent. */
MUST_CHECK bool ssh_link_log_in(struct ssh_link *link, const struct ssh_target *target, struct deadline deadline,
				struct error *err);

#endif

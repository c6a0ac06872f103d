/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One server as its target says it is used: files over SFTP and commands, both with `sudo` as root (sudo.h). Errors
 * carry no step.
 */
#ifndef TRANSPORT_REMOTE_H
#define TRANSPORT_REMOTE_H

#include "base/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct excerpt;
struct sftp;
struct ssh_link;
struct ssh_target;
struct ssh_watch;
struct tls_probe_result;
struct tls_probe_target;

/* A connection. Zeroed: there is none. */
struct remote {
	const struct ssh_target *target; /* borrowed */
	struct ssh_link *link;
	struct sftp *sftp;
	bool runs_commands; /* this has been seen */
};

/*
 * Log in to TARGET and start SFTP: the server's subsystem; with `sudo` an SFTP server through sudo instead, so that its
 * files are handled as root's; with `sftp_server` the one at that path. DEADLINE holds for SFTP's operations too.
 */
MUST_CHECK bool remote_connect(struct remote *remote, const struct ssh_target *target, struct deadline deadline,
			       struct error *err);
void remote_disconnect(struct remote *remote);

/* The two halves of it: logging in, which WATCH (ssh.h) hears of, and then SFTP. */
MUST_CHECK bool remote_log_in(struct remote *remote, const struct ssh_target *target, const struct ssh_watch *watch,
			      struct deadline deadline, struct error *err);
MUST_CHECK bool remote_start_sftp(struct remote *remote, struct deadline deadline, struct error *err);

enum remote_account { REMOTE_USER, REMOTE_GROUP };

/*
 * The number of user or group NAME: by the server's own /etc/passwd or /etc/group, unless it is a number already.
 */
MUST_CHECK bool remote_find_account(struct remote *remote, enum remote_account kind, const char *name, int64_t *ret,
				    struct error *err);

/* Whether files can still be handled, as far as is known. */
bool remote_is_connected(const struct remote *remote);

/*
 * What the server serves, seen by one handshake: from here, or with THROUGH_JUMP the way that SSH goes, from the last
 * jump host on it. As tls_probe().
 */
MUST_CHECK bool remote_look(struct remote *remote, const struct tls_probe_target *target, bool through_jump,
			    struct deadline deadline, struct tls_probe_result *ret, struct error *err);

/* What to do about a handshake that did not come about. */
void remote_hint_unseen(const char *address, uint16_t port, bool through_jump, struct error *err);

/*
 * Run COMMAND (NULL: nothing), which must end well within MS milliseconds and before CANCEL (NULL: none); else ERR has
 * what it said. A server that does not run commands at all, but answers them by SFTP or a refusal, is told apart from a
 * command that fails.
 */
MUST_CHECK bool remote_run(struct remote *remote, const char *command, uint32_t ms, struct cancel *cancel,
			   struct error *err);

/* The same; OUTPUT (initialised) has what it said. */
MUST_CHECK bool remote_run_heard(struct remote *remote, const char *command, uint32_t ms, struct cancel *cancel,
				 struct excerpt *output, struct error *err);

/* The longest that remote_run() takes with MS: a command that does not end is then stopped, if the server does that. */
int64_t remote_run_longest_ms(uint32_t ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSH client sessions over libssh, which only the ssh_… files include. Every call ends at its deadline, because libssh
 * is run in non-blocking mode and waited for with poll(). Errors carry no step: the caller's step names them. A session
 * belongs to one thread.
 */
#ifndef TRANSPORT_SSH_H
#define TRANSPORT_SSH_H

#include "base/clock.h"
#include "base/error.h"
#include "base/excerpt.h"
#include "transport/known_hosts.h"
#include "transport/ssh_target.h"

#include <stdint.h>

struct ssh_link;
struct ssh_stream;

/*
 * Connect, check the host's key, log in by public key. An unknown, changed or revoked host key fails (ERROR_REMOTE)
 * before anything of ours is offered; the hint says how to accept it. Nothing is read from the user's SSH config.
 */
MUST_CHECK struct ssh_link *ssh_link_open(const struct ssh_target *target, struct deadline deadline, struct error *err);

/*
 * Who wants to know how the way to a server goes: DONE hears of each part that went well, in this order, with what is
 * to be said of it (terminal-safe): "jump" for each jump host, then "resolve", "connect", "host-key", "login".
 */
struct ssh_watch {
	void *ctx;
	void (*done)(void *ctx, const char *part, const char *detail);
};

/* ssh_link_open() with WATCH (NULL: nobody). */
MUST_CHECK struct ssh_link *ssh_link_open_watched(const struct ssh_target *target, const struct ssh_watch *watch,
						  struct deadline deadline, struct error *err);

/* A server's host key, and what its target's known_hosts files say about it. */
struct ssh_host_key {
	enum known_hosts_verdict verdict;
	unsigned line;     /* of known_hosts, that decided; 0: none */
	char *file;        /* that one of them; the first where none did */
	const char *type;  /* "ssh-ed25519", …; static */
	char *fingerprint; /* "SHA256:…", as `ssh-keygen -lf` shows it */
	char *base64;      /* the key itself */
	char *line_to_add; /* what would make it known, without newline */
};

/*
 * Connect and read TARGET's host key. Nothing of ours is offered to it: nobody logs in. True whatever the verdict is;
 * false when there is no key to be had.
 */
MUST_CHECK bool ssh_host_key_look(const struct ssh_target *target, struct deadline deadline, struct ssh_host_key *ret,
				  struct error *err);
void ssh_host_key_done(struct ssh_host_key *key);

/*
 * A connection to HOST (a name of that host's own resolver's, or an address) and PORT from the last jump host on LINK's
 * way, within the login that is there. *RET_FD, non-blocking, is the caller's to close, before LINK.
 */
MUST_CHECK bool ssh_link_dial(struct ssh_link *link, const char *host, uint16_t port, struct deadline deadline,
			      int *ret_fd, struct error *err);

/* Says goodbye without waiting. Accepts NULL. */
void ssh_link_close(struct ssh_link *link);

/* Whether the connection is still there, as far as is known. */
bool ssh_link_alive(const struct ssh_link *link);

/*
 * Start the server's SFTP subsystem, or with COMMAND that command through the user's shell. To be closed before LINK.
 * What the program behind it writes to its stderr is told with the error when the stream ends.
 */
MUST_CHECK struct ssh_stream *ssh_stream_open(struct ssh_link *link, const char *command, struct deadline deadline,
					      struct error *err);
void ssh_stream_close(struct ssh_stream *stream); /* accepts NULL */

/* All of LEN bytes, or an error. */
MUST_CHECK bool ssh_stream_write(struct ssh_stream *stream, const void *data, size_t len, struct deadline deadline,
				 struct error *err);
MUST_CHECK bool ssh_stream_read(struct ssh_stream *stream, void *ret, size_t len, struct deadline deadline,
				struct error *err);

/* How a remote command ended. */
struct ssh_exit {
	int status;      /* its exit status; -1 when it was ended by a signal */
	char signal[16]; /* "TERM", …: as the server says; empty otherwise */
	bool known;      /* false: the server closed the channel without telling */
	bool refused;    /* it was not even started: the account has no commands */
};

/* What ending a command takes at most, beyond its deadline. */
enum { SSH_END_TERM_MS = 2000, SSH_END_KILL_MS = 1000, SSH_END_MS = SSH_END_TERM_MS + SSH_END_KILL_MS };

/*
 * Run COMMAND through the user's shell on the server, its input empty. OUTPUT (initialised by the caller) gets what it
 * wrote to both its outputs, beginning and end where that does not fit. True when it ended, however it ended, and
 * when the server refused to start it.
 * A command that leaves children behind which hold its output open is not waited for beyond its own end.
 *
 * False at DEADLINE (ERROR_TIMEOUT) or its cancellation (ERROR_CANCELLED), and then nothing shall go on behind our
 * back: the server is asked to end the command, by TERM and then by KILL. OpenSSH does so but for forced commands, and
 * in some versions but for root's. RET->known tells whether it ended.
 */
MUST_CHECK bool ssh_link_run(struct ssh_link *link, const char *command, struct deadline deadline,
			     struct excerpt *output, struct ssh_exit *ret, struct error *err);

#endif

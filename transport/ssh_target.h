/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom to reach by SSH, and as whom: a value that travels in a courier's job.
 */
#ifndef TRANSPORT_SSH_TARGET_H
#define TRANSPORT_SSH_TARGET_H

#include "base/secret.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* All strings owned. */
struct ssh_target {
	char *server; /* its name in the config, for messages */
	char *host;
	struct str_list addresses; /* of host, where it was looked up already; empty: the system is asked */
	uint16_t port;
	char *user;
	struct secret identity; /* a private key's PEM or OpenSSH text, without passphrase; empty: none */
	char *certificate;      /* of that key, OpenSSH's one-line form; NULL: none */
	char *agent;            /* path of an agent's socket, used where there is no identity; NULL: none */
	char *known_hosts;      /* file; the host's key must be in it */
	char *host_key_alias;   /* what it is called there instead of host and port; NULL: host */
	bool sudo;              /* SFTP and commands run as root, through `sudo -n` */
	char *sftp_server;      /* path of the SFTP server there; NULL: the subsystem, or with sudo the usual paths */

	/*
	 * The jump hosts on the way, in order; without hops of their own. The first is connected to from here, each
	 * next one, and at last `host`, by the one before it, which looks their names up.
	 */
	struct ssh_target *hops;
	size_t hop_count;
};

/* What the host's key is looked up by: "[name]:port" in known_hosts, and plain name for port 22. */
const char *ssh_target_known_name(const struct ssh_target *target);
uint16_t ssh_target_known_port(const struct ssh_target *target);

void ssh_target_done(struct ssh_target *target);

#endif

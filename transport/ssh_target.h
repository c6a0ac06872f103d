/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom to reach by SSH, and as whom: a value that travels in a courier's job.
 */
#ifndef TRANSPORT_SSH_TARGET_H
#define TRANSPORT_SSH_TARGET_H

#include "base/limits.h"
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

	/* Private keys' PEM or OpenSSH text, tried in order; one under a passphrase is passed over. */
	struct secret identities[LIMIT_SSH_KEYS];
	size_t identity_count;
	struct str_list certificates; /* of those keys, OpenSSH's one-line form: each goes with the key that it is of */
	char *agent;                  /* path of an agent's socket, whose keys are tried behind those; NULL: none */

	struct str_list known_hosts; /* files, of which one must have the host's key; the first is ours to write */
	char *host_key_alias;        /* what the host is called there instead of host and port; NULL: host */
	bool sudo;                   /* SFTP and commands run as root, through `sudo -n` */
	char *sftp_server; /* path of the SFTP server there; NULL: the subsystem, or with sudo the usual paths */

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

/* Room for one more identity, empty; NULL where there are LIMIT_SSH_KEYS already. */
struct secret *ssh_target_next_identity(struct ssh_target *target);

/* Whether TEXT is a private key under a passphrase: PEM says so, OpenSSH's form has a cipher that is not "none". */
bool ssh_identity_is_encrypted(const struct secret *text);

void ssh_target_done(struct ssh_target *target);

#endif

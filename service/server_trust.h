/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `server trust`: a server's host key is looked at, and, once somebody has compared its fingerprint, written down in
 * the known_hosts file that its deployments go by.
 */
#ifndef SERVICE_SERVER_TRUST_H
#define SERVICE_SERVER_TRUST_H

#include "service/service.h"
#include "transport/ssh.h"

struct server_trust {
	struct ssh_target target;
	struct ssh_host_key key;
	unsigned replaced; /* lines of known_hosts that had another key; after server_trust_accept() */
};

void server_trust_done(struct server_trust *trust);

/*
 * Connect to the config's server NAME and read its host key, without logging in to it (but to jump hosts on the way).
 * True whatever known_hosts says of the key: see trust->key.verdict. ERROR_USAGE for a name that is none.
 */
MUST_CHECK bool server_trust_look(struct service *service, const char *name, struct server_trust *ret,
				  struct error *err);

/*
 * The key that was looked at is known from now on: its line is in the first of the target's known_hosts files (made,
 * with its folder, for us alone where it is missing), which is replaced in one step. Where the verdict was
 * KNOWN_HOSTS_OTHER_KEY, the host's lines with other keys of this type give way; where another file has such lines,
 * nothing is changed. Never for a revoked key.
 */
MUST_CHECK bool server_trust_accept(struct server_trust *trust, struct error *err);

#endif

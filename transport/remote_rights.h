/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user who is logged in to a server may do with its files, found out without doing it.
 */
#ifndef TRANSPORT_REMOTE_RIGHTS_H
#define TRANSPORT_REMOTE_RIGHTS_H

#include "transport/remote.h"
#include "transport/sftp.h"

enum { REMOTE_GROUPS_MAX = 64 };

/* Who files belong to that are made there. */
struct remote_identity {
	bool known; /* false: the server's files do not tell, as with accounts of a directory service */
	uint32_t uid;
	uint32_t gids[REMOTE_GROUPS_MAX];
	size_t gid_count;
};

/* By the server's /etc/passwd and /etc/group; with sudo it is root. */
MUST_CHECK bool remote_identify(struct remote *remote, struct remote_identity *ret, struct error *err);

bool remote_identity_has_group(const struct remote_identity *identity, uint32_t gid);

/*
 * May names in FOLDER, which is there, be made, renamed and removed? First by sftp_probe_access() of a file in it,
 * where there is one, else by its owner and mode.
 */
MUST_CHECK bool remote_may_change(struct remote *remote, const struct remote_identity *identity, const char *folder,
				  enum sftp_access *ret, struct error *err);

#endif

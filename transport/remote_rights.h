/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user who is logged in to a server may do with its files, found out without doing it.
 */
#ifndef TRANSPORT_REMOTE_RIGHTS_H
#define TRANSPORT_REMOTE_RIGHTS_H

#include "transport/remote.h"
#include "transport/sftp.h"

enum { REMOTE_GROUPS_MAX = 1024 };

/* Who files belong to that are made there. */
struct remote_identity {
	/* False: the server's files do not tell, as with accounts of a directory service, or say more than is looked
	 * at. */
	bool known;
	uint32_t uid;
	uint32_t gids[REMOTE_GROUPS_MAX];
	size_t gid_count;
};

/* By the server's /etc/passwd and /etc/group; with sudo it is root. */
MUST_CHECK bool remote_identify(struct remote *remote, struct remote_identity *ret, struct error *err);

bool remote_identity_has_group(const struct remote_identity *identity, uint32_t gid);

enum remote_access { REMOTE_MAY, REMOTE_MAY_NOT, REMOTE_UNCLEAR };

/*
 * May names in FOLDER, a directory, be made, renamed and removed? By its owner and mode, which are no more than what
 * stands there: an access control list may give others what they do not show (UNCLEAR where there may be one).
 */
MUST_CHECK bool remote_may_change(struct remote *remote, const struct remote_identity *identity, const char *folder,
				  enum remote_access *ret, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SFTP version 3 has no access(2), so rights are read off owners and modes. No request that "must be refused" is made
 * to find out: there are servers that remove a file when they are asked to remove it as a directory.
 */
#include "transport/remote_rights.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "transport/remote_accounts.h"
#include "transport/ssh_target.h"

#include <string.h>

/* A refusal means that it is not known; a broken connection is a failure. */
static bool passed_over(const struct remote *remote, const struct error *refused, struct error *err)
{
	if (sftp_usable(remote->sftp)) {
		log_debug("%s: %s", remote->target->server, refused->message);
		return true;
	}
	*err = *refused;
	return false;
}

/* *WHOLE becomes false where it is not all there. */
static bool read_accounts(struct remote *remote, const char *path, struct buf *out, bool *whole, struct error *err)
{
	struct error refused = {0};
	bool found = false;

	if (sftp_read_file(remote->sftp, path, out, &found, &refused))
		return true;
	*whole = false;
	return passed_over(remote, &refused, err);
}

bool remote_identify(struct remote *remote, struct remote_identity *ret, struct error *err)
{
	struct buf users CLEANUP(buf_done), groups CLEANUP(buf_done);
	struct remote_identity identity = {.known = true};
	const char *user = remote->target->user;

	buf_init(&users, LIMIT_REMOTE_FILE);
	buf_init(&groups, LIMIT_REMOTE_FILE);
	if (remote->target->sudo || str_equal(user, "root")) {
		*ret = identity;
		return true;
	}
	bool whole = true;
	if (!read_accounts(remote, "/etc/passwd", &users, &whole, err) ||
	    !read_accounts(remote, "/etc/group", &groups, &whole, err))
		return false;
	identity.known =
		whole && remote_accounts_user(buf_cstr(&users), users.len, user, &identity.uid, &identity.gids[0]);
	identity.gid_count = identity.known ? 1 : 0;
	const char *text = buf_cstr(&groups);
	size_t len = groups.len;
	while (identity.known && identity.gid_count < REMOTE_GROUPS_MAX &&
	       remote_accounts_next_group(&text, &len, user, &identity.gids[identity.gid_count]))
		identity.gid_count++;
	identity.known = identity.known && identity.gid_count < REMOTE_GROUPS_MAX;
	*ret = identity;
	return true;
}

bool remote_identity_has_group(const struct remote_identity *identity, uint32_t gid)
{
	for (size_t i = 0; i < identity->gid_count; i++)
		if (identity->gids[i] == gid)
			return true;
	return false;
}

/*
 * With an access control list, the group's bits are the most that it gives to anybody but the owner and all others
 * (acl(5)): where they lack something, no list can have it.
 */
static enum remote_access by_mode(const struct remote_identity *identity, const struct sftp_entry *folder)
{
	enum { OWNER = 0300, GROUP = 0030, OTHERS = 0003 }; /* to write and to search */
	bool group = (folder->mode & GROUP) == GROUP;

	if (!identity->known)
		return REMOTE_UNCLEAR;
	if (identity->uid == 0)
		return REMOTE_MAY;
	if (folder->uid == identity->uid)
		return (folder->mode & OWNER) == OWNER ? REMOTE_MAY : REMOTE_MAY_NOT;
	if (remote_identity_has_group(identity, folder->gid))
		return group ? REMOTE_MAY : REMOTE_MAY_NOT;
	if ((folder->mode & OTHERS) == OTHERS)
		return REMOTE_MAY;
	return group ? REMOTE_UNCLEAR : REMOTE_MAY_NOT;
}

bool remote_may_change(struct remote *remote, const struct remote_identity *identity, const char *folder,
		       enum remote_access *ret, struct error *err)
{
	struct sftp_entry entry;

	if (!sftp_look(remote->sftp, folder, /* follow= */ true, &entry, err))
		return false;
	*ret = by_mode(identity, &entry);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SFTP version 3 has no access(2): rights are asked for by a request that cannot succeed, else read off modes. */
#include "transport/remote_rights.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "transport/remote_accounts.h"
#include "transport/ssh_target.h"

#include <string.h>

enum { LOOKS_MAX = 32 }; /* entries looked at for a file among them */

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

static bool read_accounts(struct remote *remote, const char *path, struct buf *out, struct error *err)
{
	struct error refused = {0};
	bool found = false;
	return sftp_read_file(remote->sftp, path, out, &found, &refused) || passed_over(remote, &refused, err);
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
	if (!read_accounts(remote, "/etc/passwd", &users, err) || !read_accounts(remote, "/etc/group", &groups, err))
		return false;
	identity.known = remote_accounts_user(buf_cstr(&users), users.len, user, &identity.uid, &identity.gids[0]);
	identity.gid_count = identity.known ? 1 : 0;
	const char *text = buf_cstr(&groups);
	size_t len = groups.len;
	while (identity.known && identity.gid_count < REMOTE_GROUPS_MAX &&
	       remote_accounts_next_group(&text, &len, user, &identity.gids[identity.gid_count]))
		identity.gid_count++;
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

/* The path of a file or link in FOLDER; NULL in *RET where none is found. */
static bool find_file(struct remote *remote, const char *folder, char **ret, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	struct error refused = {0};

	*ret = NULL;
	if (!sftp_list(remote->sftp, folder, &names, &refused))
		return passed_over(remote, &refused, err);
	for (size_t i = 0; i < names.len && i < LOOKS_MAX; i++) {
		char *path AUTO_FREE = str_format(err, "%s/%s", folder, names.items[i]);
		struct sftp_entry entry;
		if (path == NULL)
			return false;
		if (!sftp_look(remote->sftp, path, /* follow= */ false, &entry, &refused))
			return passed_over(remote, &refused, err);
		if (entry.kind == SFTP_FILE || entry.kind == SFTP_LINK) {
			*ret = STEAL(path);
			return true;
		}
	}
	return true;
}

static enum sftp_access by_mode(const struct remote_identity *identity, const struct sftp_entry *folder)
{
	enum { OWNER = 0300, GROUP = 0030, OTHERS = 0003 }; /* to write and to search */
	uint32_t needed = OTHERS;

	if (!identity->known)
		return SFTP_UNCLEAR;
	if (identity->uid == 0)
		return SFTP_MAY;
	if (folder->uid == identity->uid)
		needed = OWNER;
	else if (remote_identity_has_group(identity, folder->gid))
		needed = GROUP;
	return (folder->mode & needed) == needed ? SFTP_MAY : SFTP_MAY_NOT;
}

bool remote_may_change(struct remote *remote, const struct remote_identity *identity, const char *folder,
		       enum sftp_access *ret, struct error *err)
{
	char *file AUTO_FREE = NULL;
	struct sftp_entry entry;

	*ret = SFTP_UNCLEAR;
	if (!find_file(remote, folder, &file, err) ||
	    (file != NULL && !sftp_probe_access(remote->sftp, file, ret, err)))
		return false;
	if (*ret != SFTP_UNCLEAR)
		return true;
	if (!sftp_look(remote->sftp, folder, /* follow= */ true, &entry, err))
		return false;
	*ret = by_mode(identity, &entry);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only root gives files away, and others to no group but their own: what is refused is tried again with less. Owner and
 * mode are those of the file that was read: were they looked up by its name, whoever may rename there could have any
 * file of root's copied for himself.
 */
#include "transport/live_keep.h"

#include "base/buf.h"
#include "base/limits.h"

enum { GROUP_BITS = 070, OTHER_BITS = 07 };

static bool create(struct sftp *sftp, const struct buf *content, const struct sftp_entry *entry, const char *to,
		   struct error *err)
{
	const uint32_t narrow = (entry->mode & ~(uint32_t)GROUP_BITS) | (entry->mode & OTHER_BITS) << 3;
	const struct {
		struct sftp_owner owner;
		uint32_t mode;
	} tries[] = {
		{{entry->uid, entry->gid}, entry->mode},
		{{-1, entry->gid}, entry->mode},
		{{-1, -1}, narrow},
	};
	struct error refused = {0};

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		error_clear(&refused);
		if (i > 0 && !sftp_remove(sftp, to, err))
			return false;
		if (sftp_create_file(sftp, to, buf_cstr(content), content->len, tries[i].mode, tries[i].owner,
				     &refused))
			return true;
		if (!sftp_usable(sftp))
			break;
	}
	*err = refused;
	return false;
}

bool live_keep(struct sftp *sftp, const char *from, const char *to, bool *ret_found, struct error *err)
{
	struct buf content CLEANUP(buf_done);
	struct sftp_entry entry;
	bool found = false;

	buf_init(&content, LIMIT_REMOTE_FILE);
	if (!sftp_read_described(sftp, from, &content, &entry, &found, err) ||
	    (found && !create(sftp, &content, &entry, to, err)))
		return false;
	*ret_found = found;
	return true;
}

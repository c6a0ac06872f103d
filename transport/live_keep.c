/* SPDX-License-Identifier: Apache-2.0 */
/* Only root gives files away, and others to no group but their own: what is refused is tried again with less. */
#include "transport/live_keep.h"

#include "base/buf.h"
#include "base/limits.h"

enum { GROUP_BITS = 070, OTHER_BITS = 07 };

bool live_keep(struct sftp *sftp, const char *from, const struct sftp_entry *entry, const char *to, struct error *err)
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
	struct buf content CLEANUP(buf_done);
	struct error refused = {0};
	bool found = false;

	buf_init(&content, LIMIT_REMOTE_FILE);
	if (!sftp_read_file(sftp, from, &content, &found, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		error_clear(&refused);
		if (i > 0 && !sftp_remove(sftp, to, err))
			return false;
		if (sftp_create_file(sftp, to, buf_cstr(&content), content.len, tries[i].mode, tries[i].owner,
				     &refused))
			return true;
		if (!sftp_usable(sftp))
			break;
	}
	*err = refused;
	return false;
}

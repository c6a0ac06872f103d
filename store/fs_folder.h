/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of ours, held open: everything in it is reached by a single component relative to its descriptor, links not
 * followed, so that nobody can send us elsewhere. The path is kept for messages only.
 */
#ifndef STORE_FS_FOLDER_H
#define STORE_FS_FOLDER_H

#include "base/compiler.h"
#include "base/str.h"

struct error;

struct fs_folder {
	char *path; /* NULL: not open */
	int fd;
};

void fs_folder_done(struct fs_folder *folder);

/*
 * Open the folder PATH, or NAME inside PARENT. With CREATE it is made (0700, whatever the umask; for PATH with the
 * folders above it) and flushed to disk. Otherwise *RET_FOUND is false (and success) when it is missing, and RET stays
 * as it was. Refused, as ERROR_STORE, when it belongs to somebody other than us or root, or when others may write to
 * it; NAME also when it is a link.
 */
MUST_CHECK bool fs_folder_open_path(const char *path, bool create, struct fs_folder *ret, bool *ret_found,
				    struct error *err);
MUST_CHECK bool fs_folder_open(const struct fs_folder *parent, const char *name, bool create, struct fs_folder *ret,
			       bool *ret_found, struct error *err);

/* fsync: what was made, renamed and removed in FOLDER survives a power loss. */
MUST_CHECK bool fs_folder_sync(const struct fs_folder *folder, struct error *err);

/* The entries whose names begin with PREFIX ("": all), but "." and "..", unsorted. */
MUST_CHECK bool fs_folder_list(const struct fs_folder *folder, const char *prefix, struct str_list *ret,
			       struct error *err);

/* Remove the file or link NAME, and flush. Gone already is success. */
MUST_CHECK bool fs_folder_remove(const struct fs_folder *folder, const char *name, struct error *err);

/* ERROR_STORE unless there is room for a generation and its records: 1 MiB and some inodes. */
MUST_CHECK bool fs_folder_check_room(const struct fs_folder *folder, struct error *err);

#endif

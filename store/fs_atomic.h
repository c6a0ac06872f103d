/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and links that change in one step: a reader, and the disk after a crash, has the old content or the new one.
 * Temporary names begin with FS_ATOMIC_PREFIX and are made exclusively, so that nothing laid out in advance is
 * followed or reused.
 */
#ifndef STORE_FS_ATOMIC_H
#define STORE_FS_ATOMIC_H

#include "store/fs_folder.h"

#include <sys/types.h>

#define FS_ATOMIC_PREFIX ".tmp-"

/*
 * Put LEN bytes into FOLDER as NAME: temporary file (0600, then MODE whatever the umask), write, fsync, close, rename.
 * The folder itself is not flushed: for several files, followed by one fs_folder_sync(). On failure (ERROR_STORE naming
 * the path) the temporary file is removed and NAME is as it was.
 */
MUST_CHECK bool fs_atomic_put(const struct fs_folder *folder, const char *name, const void *data, size_t len,
			      mode_t mode, struct error *err);

/* fs_atomic_put() and fs_folder_sync(). */
MUST_CHECK bool fs_atomic_write(const struct fs_folder *folder, const char *name, const void *data, size_t len,
				mode_t mode, struct error *err);

/* Make NAME in FOLDER a symbolic link to TARGET, replacing the link that was there, and flush. */
MUST_CHECK bool fs_atomic_link(const struct fs_folder *folder, const char *name, const char *target, struct error *err);

/*
 * Remove what a crash left: temporary names older than an hour, since a younger one may be another run's. Best effort:
 * one that cannot be removed does no harm.
 */
void fs_atomic_sweep(const struct fs_folder *folder);

#endif

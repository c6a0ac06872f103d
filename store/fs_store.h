/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filesystem store's inside, shared by fs.c (records), fs_generation.c and fs_lock.c.
 */
#ifndef STORE_FS_STORE_H
#define STORE_FS_STORE_H

#include "store/fs_folder.h"
#include "store/layout.h"

#include <pthread.h>

struct store {
	char *dir;
	struct fs_folder root; /* not open: DIR is missing, and everything reads as not found */
	pthread_mutex_t mutex; /* guards the opening of FOLDERS; once open, one stays as it is until store_close() */
	struct fs_folder folders[LAYOUT_FOLDER_COUNT];
};

/*
 * One of the store's folders, opened on first use. *RET is borrowed from the store; NULL (and success) when the folder
 * is missing and CREATE is not set.
 */
MUST_CHECK bool fs_store_folder(struct store *store, enum layout_folder folder, bool create,
				const struct fs_folder **ret, struct error *err);

#endif

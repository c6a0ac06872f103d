/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of ours, read only when nobody else can have meddled: a regular file with one name, owned by us or root, not
 * writable by others, neither empty nor above its cap.
 */
#ifndef STORE_FS_READ_H
#define STORE_FS_READ_H

#include "base/buf.h"
#include "base/secret.h"
#include "store/fs_folder.h"

/*
 * The content of NAME in FOLDER, at most MAX bytes. *RET_FOUND false (and success) when there is none. ERROR_DATA when
 * it is empty where that was not allowed or too large: damaged, which is never the same as missing. ERROR_STORE for
 * everything else. RET needs no initializing; released with buf_done().
 */
MUST_CHECK bool fs_read_text(const struct fs_folder *folder, const char *name, size_t max, bool may_be_empty,
			     struct buf *ret, bool *ret_found, struct error *err);

/* The same for a private key, which others must not be able to read either. RET must be initialized. */
MUST_CHECK bool fs_read_secret(const struct fs_folder *folder, const char *name, size_t max, struct secret *ret,
			       bool *ret_found, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes a certificate: what is read goes first, the record that knows of it last, so that a deletion that was cut off
 * is finished by asking for it again.
 */
#include "base/error.h"
#include "store/fs_store.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const char step[] = "delete";

static bool remove_folder(const struct fs_folder *parent, const char *name, struct error *err)
{
	if (unlinkat(parent->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return true;
	return error_errno(err, ERROR_STORE, step, errno, "cannot remove the folder %s/%s", parent->path, name);
}

/* A generation, or one being made: files and nothing else. */
static bool remove_generation(const struct fs_folder *home, const char *name, struct error *err)
{
	struct fs_folder folder CLEANUP(fs_folder_done) = {0};
	struct str_list files CLEANUP(str_list_done) = {0};
	bool found = false;

	if (!fs_folder_open(home, name, /* create= */ false, &folder, &found, err))
		return false;
	if (!found)
		return true;
	if (!fs_folder_list(&folder, "", &files, err))
		return false;
	for (size_t i = 0; i < files.len; i++)
		if (unlinkat(folder.fd, files.items[i], 0) != 0 && errno != ENOENT)
			return error_errno(err, ERROR_STORE, step, errno, "cannot remove %s/%s", folder.path,
					   files.items[i]);
	return remove_folder(home, name, err);
}

static bool remove_archive(struct store *store, const char *name, struct error *err)
{
	const struct fs_folder *archive = NULL;
	struct fs_folder home CLEANUP(fs_folder_done) = {0};
	struct str_list generations CLEANUP(str_list_done) = {0};
	bool found = false;

	if (!fs_store_folder(store, LAYOUT_ARCHIVE, /* create= */ false, &archive, err))
		return false;
	if (archive == NULL)
		return true;
	if (!fs_folder_open(archive, name, /* create= */ false, &home, &found, err))
		return false;
	if (!found)
		return true;
	if (!fs_folder_list(&home, "", &generations, err))
		return false;
	for (size_t i = 0; i < generations.len; i++)
		if (!remove_generation(&home, generations.items[i], err))
			return false;
	return remove_folder(archive, name, err) && fs_folder_sync(archive, err);
}

bool store_delete_certificate(struct store *store, const char *name, struct error *err)
{
	const struct fs_folder *live = NULL;

	if (!layout_check_name(name, err) || !fs_store_folder(store, LAYOUT_LIVE, /* create= */ false, &live, err))
		return false;
	return (live == NULL || fs_folder_remove(live, name, err)) && remove_archive(store, name, err) &&
	       store_delete_record(store, STORE_ORDER, name, err) &&
	       store_delete_record(store, STORE_RENEWAL, name, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filesystem store: opening it, and its records. Folders are opened once and kept, so that reading a record costs
 * one openat() and no path.
 */
#include "base/error.h"
#include "base/limits.h"
#include "store/fs_atomic.h"
#include "store/fs_read.h"
#include "store/fs_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char step[] = "store";

enum { FORMER_KEYS_MAX = 1000 }; /* of one account: one is added by hand at a time */

static bool open_folders(struct store *store, bool create, struct error *err)
{
	const struct fs_folder *folder = NULL;
	for (size_t i = 0; i < LAYOUT_FOLDER_COUNT; i++)
		if (!fs_store_folder(store, (enum layout_folder)i, create, &folder, err))
			return false;
	return true;
}

static void sweep(struct store *store)
{
	static const enum layout_folder swept[] = {LAYOUT_LIVE, LAYOUT_RENEWAL, LAYOUT_ORDERS};
	const struct fs_folder *accounts = &store->folders[LAYOUT_ACCOUNTS];
	struct str_list names CLEANUP(str_list_done) = {0};
	struct error ignored = {0};
	for (size_t i = 0; i < ARRAY_LEN(swept); i++)
		if (store->folders[swept[i]].path != NULL)
			fs_atomic_sweep(&store->folders[swept[i]]);
	if (accounts->path == NULL || !fs_folder_list(accounts, "", &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++) {
		struct fs_folder account CLEANUP(fs_folder_done) = {0};
		bool found = false;
		if (fs_folder_open(accounts, names.items[i], /* create= */ false, &account, &found, &ignored) && found)
			fs_atomic_sweep(&account);
	}
}

struct store *store_open(const char *dir, bool create, struct error *err)
{
	struct store *store CLEANUP(store_closep) = calloc(1, sizeof(*store));
	bool found = false;
	if (store == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	(void)pthread_mutex_init(&store->mutex, NULL);
	if (!str_set(&store->dir, dir, err) || !fs_folder_open_path(dir, create, &store->root, &found, err))
		return NULL;
	if (found) {
		if (!open_folders(store, create, err))
			return NULL;
		sweep(store);
	}
	return STEAL(store);
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	for (size_t i = 0; i < LAYOUT_FOLDER_COUNT; i++)
		fs_folder_done(&store->folders[i]);
	fs_folder_done(&store->root);
	(void)pthread_mutex_destroy(&store->mutex);
	free(store->dir);
	free(store);
}

const char *store_dir(const struct store *store)
{
	return store->dir;
}

bool fs_store_folder(struct store *store, enum layout_folder folder, bool create, const struct fs_folder **ret,
		     struct error *err)
{
	struct fs_folder *held = &store->folders[folder];
	bool found = false;
	if (store->root.path == NULL) {
		*ret = NULL;
		return !create || error_set(err, ERROR_STORE, step, "there is no state directory %s", store->dir);
	}
	(void)pthread_mutex_lock(&store->mutex);
	bool ok = held->path != NULL ||
		  fs_folder_open(&store->root, layout_folder_name(folder), create, held, &found, err);
	/* Looked at under the lock: another thread may be opening it. Once open it stays as it is. */
	if (ok)
		*ret = held->path != NULL ? held : NULL;
	(void)pthread_mutex_unlock(&store->mutex);
	return ok;
}

/* Where a record lies: the folder is the store's or, for an account, one of its own. */
struct place {
	const struct fs_folder *folder; /* NULL: missing */
	struct fs_folder account;
	char file[LAYOUT_FILE_SIZE];
};

static void place_done(struct place *place)
{
	fs_folder_done(&place->account);
}

static bool place_open(struct store *store, enum store_record kind, const char *name, bool create, struct place *ret,
		       struct error *err)
{
	const struct fs_folder *folder = NULL;
	bool found = false;
	if (!layout_check_name(name, err) || !fs_store_folder(store, layout_record_folder(kind), create, &folder, err))
		return false;
	layout_record_file(kind, name, ret->file);
	ret->folder = folder;
	if (kind != STORE_ACCOUNT || folder == NULL)
		return true;
	if (!fs_folder_open(folder, name, create, &ret->account, &found, err))
		return false;
	ret->folder = found ? &ret->account : NULL;
	return true;
}

char *store_record_path(const struct store *store, enum store_record kind, const char *name, struct error *err)
{
	char *path AUTO_FREE = layout_record_path(kind, name, err);
	return path != NULL ? str_format(err, "%s/%s", store->dir, path) : NULL;
}

/* What to do about a damaged record: the words around its path. */
static const struct {
	const char *before;
	const char *after;
} advice[] = {
	[STORE_RENEWAL] = {"restore",
			   " from a backup; or move it away: `apply` writes it anew for what the config describes, "
			   "what `issue` made has to be issued again"},
	[STORE_ORDER] = {"remove", ": the next run places a new order"},
	[STORE_ACCOUNT] = {"restore", " from a backup; or remove it but keep the key.pem beside it: the CA finds the "
				      "account by its key"},
	[STORE_PUBLISHED] = {"remove",
			     " after the TXT records and challenge files that it names, if they are still there"},
	[STORE_REVOKED_KEY] = {"remove", " when you are sure that the key it stands for is used nowhere any more"},
};

void store_record_hint(const struct store *store, enum store_record kind, const char *name, struct error *err)
{
	struct error ignored = {0};
	if (err->category == ERROR_INTERNAL || err->hint[0] != '\0')
		return;
	char *path AUTO_FREE = store_record_path(store, kind, name, &ignored);
	if (path == NULL)
		return;
	error_hint(err, "%s %s%s", advice[kind].before, path, advice[kind].after);
}

bool store_read_record(struct store *store, enum store_record kind, const char *name, struct buf *ret, bool *ret_found,
		       struct error *err)
{
	struct place place CLEANUP(place_done) = {0};
	if (!place_open(store, kind, name, /* create= */ false, &place, err))
		return false;
	if (place.folder == NULL) {
		*ret_found = false;
		return true;
	}
	if (fs_read_text(place.folder, place.file, LIMIT_STATE_FILE, /* may_be_empty= */ false, ret, ret_found, err))
		return true;
	store_record_hint(store, kind, name, err);
	return error_attribute(err, ERROR_STORE, step);
}

bool store_write_record(struct store *store, enum store_record kind, const char *name, const char *text, size_t len,
			struct error *err)
{
	struct place place CLEANUP(place_done) = {0};
	if (len == 0 || len > LIMIT_STATE_FILE)
		return error_set(err, ERROR_INTERNAL, step, "a record of %zu bytes could not be read again", len);
	return place_open(store, kind, name, /* create= */ true, &place, err) &&
	       fs_atomic_write(place.folder, place.file, text, len, 0600, err);
}

bool store_delete_record(struct store *store, enum store_record kind, const char *name, struct error *err)
{
	struct place place CLEANUP(place_done) = {0};
	if (!place_open(store, kind, name, /* create= */ false, &place, err))
		return false;
	return place.folder == NULL || fs_folder_remove(place.folder, place.file, err);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether ENTRY of FOLDER is a record of KIND; cut to the record's name. An account may have a key and no record yet.
 */
static bool is_record(const struct fs_folder *folder, enum store_record kind, char *entry)
{
	char path[2 * LAYOUT_FILE_SIZE], file[LAYOUT_FILE_SIZE];
	if (!layout_record_name(kind, entry))
		return false;
	if (kind != STORE_ACCOUNT)
		return true;
	layout_record_file(kind, entry, file);
	(void)snprintf(path, sizeof(path), "%s/%s", entry, file);
	return faccessat(folder->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool store_list_records(struct store *store, enum store_record kind, struct str_list *ret, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	const struct fs_folder *folder = NULL;
	size_t kept = 0;
	if (!fs_store_folder(store, layout_record_folder(kind), /* create= */ false, &folder, err))
		return false;
	if (folder != NULL && !fs_folder_list(folder, "", &names, err))
		return false;
	for (size_t i = 0; i < names.len; i++) {
		char *entry = names.items[i];
		if (is_record(folder, kind, entry))
			names.items[kept++] = entry;
		else
			free(entry);
	}
	names.len = kept;
	if (kept > 0)
		qsort(names.items, kept, sizeof(*names.items), compare_names);
	str_list_done(ret);
	*ret = names;
	names = (struct str_list){0};
	return true;
}

/* --- Keys of accounts --- */

/* FILE of account NAME; *RET_FOUND false when there is none. */
static bool read_key(struct store *store, const char *name, const char *file, struct secret *ret, bool *ret_found,
		     struct error *err)
{
	struct place place CLEANUP(place_done) = {0};
	if (!place_open(store, STORE_ACCOUNT, name, /* create= */ false, &place, err))
		return false;
	if (place.folder == NULL) {
		*ret_found = false;
		return true;
	}
	if (fs_read_secret(place.folder, file, LIMIT_KEY_FILE, ret, ret_found, err))
		return true;
	if (err->category == ERROR_DATA)
		error_hint(err,
			   "restore %s/%s from a backup; without it the account is lost: to register a new one, "
			   "move the folder away",
			   place.folder->path, file);
	return error_attribute(err, ERROR_STORE, step);
}

static bool write_key(struct store *store, const char *name, const char *file, const struct secret *key_pem,
		      struct error *err)
{
	struct place place CLEANUP(place_done) = {0};
	return place_open(store, STORE_ACCOUNT, name, /* create= */ true, &place, err) &&
	       fs_atomic_write(place.folder, file, key_pem->data, key_pem->len, 0600, err);
}

static bool rename_key(struct store *store, const char *name, const char *from, const char *to, struct error *err)
{
	struct place place CLEANUP(place_done) = {0};
	if (!place_open(store, STORE_ACCOUNT, name, /* create= */ true, &place, err))
		return false;
	if (renameat(place.folder->fd, from, place.folder->fd, to) != 0)
		return error_errno(err, ERROR_STORE, step, errno, "cannot rename %s/%s to %s", place.folder->path, from,
				   to);
	return fs_folder_sync(place.folder, err);
}

bool store_read_account_key(struct store *store, const char *name, struct secret *ret, bool *ret_found,
			    struct error *err)
{
	return read_key(store, name, LAYOUT_ACCOUNT_KEY, ret, ret_found, err);
}

bool store_write_account_key(struct store *store, const char *name, const struct secret *key_pem, struct error *err)
{
	return write_key(store, name, LAYOUT_ACCOUNT_KEY, key_pem, err);
}

bool store_stage_account_key(struct store *store, const char *name, const struct secret *key_pem, struct error *err)
{
	return write_key(store, name, LAYOUT_ACCOUNT_KEY_NEXT, key_pem, err);
}

bool store_read_staged_account_key(struct store *store, const char *name, struct secret *ret, bool *ret_found,
				   struct error *err)
{
	return read_key(store, name, LAYOUT_ACCOUNT_KEY_NEXT, ret, ret_found, err);
}

bool store_commit_account_key(struct store *store, const char *name, struct error *err)
{
	return rename_key(store, name, LAYOUT_ACCOUNT_KEY_NEXT, LAYOUT_ACCOUNT_KEY, err);
}

/* FILE of account NAME becomes a former key: no key is ever lost. */
static bool put_aside(struct store *store, const char *name, const char *file, struct error *err)
{
	char former[LAYOUT_FILE_SIZE];
	for (unsigned number = 1; number <= FORMER_KEYS_MAX; number++) {
		struct place place CLEANUP(place_done) = {0};
		(void)snprintf(former, sizeof(former), LAYOUT_ACCOUNT_KEY_FORMER "%u.pem", number);
		if (!place_open(store, STORE_ACCOUNT, name, /* create= */ true, &place, err))
			return false;
		if (faccessat(place.folder->fd, former, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			return rename_key(store, name, file, former, err);
	}
	return error_set(err, ERROR_STORE, step, "the account %s has more than %d former keys", name, FORMER_KEYS_MAX);
}

bool store_discard_account_key(struct store *store, const char *name, struct error *err)
{
	return put_aside(store, name, LAYOUT_ACCOUNT_KEY_NEXT, err);
}

bool store_retire_account_key(struct store *store, const char *name, struct error *err)
{
	return put_aside(store, name, LAYOUT_ACCOUNT_KEY, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations: archive/<name>/.next is where one is made; renaming it to its number makes it complete, moving the one
 * link live/<name> makes it live. Whatever happens between two of these steps, no reader sees half of anything.
 * All writers here hold the certificate's lock.
 */
#include "acme/chain.h"
#include "acme/csr.h"
#include "acme/key.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/fs_atomic.h"
#include "store/fs_read.h"
#include "store/fs_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	KEY_MODE = 0600,
	CERT_MODE = 0644, /* public; the folders above keep others out all the same */
};

static const char step[] = "store";

void generation_done(struct generation *generation)
{
	if (generation == NULL)
		return;
	free(generation->path);
	free(generation->cert);
	free(generation->chain);
	free(generation->fullchain);
	free(generation->request);
	secret_done(&generation->privkey);
	*generation = (struct generation){0};
}

/* --- Folders --- */

/* archive/<name>/; not open (and success) when it is missing and CREATE is not set. */
static bool open_home(struct store *store, const char *name, bool create, struct fs_folder *ret, struct error *err)
{
	const struct fs_folder *archive = NULL;
	bool found = false;
	if (!layout_check_name(name, err) || !fs_store_folder(store, LAYOUT_ARCHIVE, create, &archive, err))
		return false;
	return archive == NULL || fs_folder_open(archive, name, create, ret, &found, err);
}

/* archive/<name>/.next/, in the same way. */
static bool open_staging(struct store *store, const char *name, bool create, struct fs_folder *ret, struct error *err)
{
	struct fs_folder home CLEANUP(fs_folder_done) = {0};
	bool found = false;
	if (!open_home(store, name, create, &home, err))
		return false;
	return home.path == NULL || fs_folder_open(&home, LAYOUT_STAGING, create, ret, &found, err);
}

/*
 * Remove what is in FOLDER, but for KEEP and ALSO (NULL: nothing is kept): an interrupted run's certificates and
 * temporaries.
 */
static bool clean(const struct fs_folder *folder, const char *keep, const char *also, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	if (!fs_folder_list(folder, "", &names, err))
		return false;
	for (size_t i = 0; i < names.len; i++)
		if (!str_equal(names.items[i], keep) && !str_equal(names.items[i], also) &&
		    unlinkat(folder->fd, names.items[i], 0) != 0)
			return error_errno(err, ERROR_STORE, step, errno, "cannot remove %s/%s", folder->path,
					   names.items[i]);
	return true;
}

/* The highest generation below HOME; 0 when there is none. */
static bool highest_number(const struct fs_folder *home, uint64_t below, uint64_t *ret, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	uint64_t highest = 0;
	if (!fs_folder_list(home, "", &names, err))
		return false;
	for (size_t i = 0; i < names.len; i++) {
		uint64_t number = 0;
		if (layout_generation_parse(names.items[i], &number) && number < below && number > highest)
			highest = number;
	}
	*ret = highest;
	return true;
}

/* --- The live link --- */

/* The number that live/<name> tells. *RET_FOUND false (and success) when there is no link. */
static bool read_link(struct store *store, const char *name, uint64_t *ret, bool *ret_found, struct error *err)
{
	char target[LAYOUT_TARGET_SIZE];
	const struct fs_folder *live = NULL;
	if (!layout_check_name(name, err) || !fs_store_folder(store, LAYOUT_LIVE, /* create= */ false, &live, err))
		return false;
	ssize_t len = live != NULL ? readlinkat(live->fd, name, target, sizeof(target) - 1) : 0;
	if (live == NULL || (len < 0 && errno == ENOENT)) {
		*ret_found = false;
		return true;
	}
	if (len < 0 && errno != EINVAL)
		return error_errno(err, ERROR_STORE, step, errno, "cannot read the link %s/%s", live->path, name);
	target[len < 0 ? 0 : len] = '\0';
	if (len < 0 || !layout_link_parse(target, name, ret)) {
		error_hint(err,
			   "move %s/%s away; the newest certificate in %s/archive/%s takes its place in the next run",
			   live->path, name, store->dir, name);
		return error_set(err, ERROR_STORE, step, "%s/%s is not a link to one of our generations", live->path,
				 name);
	}
	*ret_found = true;
	return true;
}

static bool switch_link(struct store *store, const char *name, uint64_t number, struct error *err)
{
	char target[LAYOUT_TARGET_SIZE];
	const struct fs_folder *live = NULL;
	layout_link_target(name, number, target);
	return fs_store_folder(store, LAYOUT_LIVE, /* create= */ true, &live, err) &&
	       fs_atomic_link(live, name, target, err);
}

bool store_live_number(struct store *store, const char *name, uint64_t *ret_number, bool *ret_found, struct error *err)
{
	return read_link(store, name, ret_number, ret_found, err);
}

char *store_live_path(const struct store *store, const char *name, struct error *err)
{
	if (!layout_check_name(name, err))
		return NULL;
	return str_format(err, "%s/%s/%s", store->dir, layout_folder_name(LAYOUT_LIVE), name);
}

/* --- Reading and checking one --- */

static bool missing(const struct fs_folder *folder, const char *file, struct error *err)
{
	return error_set(err, ERROR_DATA, step, "%s/%s is missing", folder->path, file);
}

static bool read_pem(const struct fs_folder *folder, const char *file, bool may_be_empty, char **ret, struct error *err)
{
	struct buf text CLEANUP(buf_done) = {0};
	bool found = false;
	if (!fs_read_text(folder, file, LIMIT_CHAIN_BODY, may_be_empty, &text, &found, err))
		return false;
	if (!found)
		return missing(folder, file, err);
	*ret = buf_take(&text, file, err);
	return *ret != NULL;
}

/* The key, or the request of somebody who kept it. */
static bool read_origin(const struct fs_folder *folder, struct generation *ret, struct error *err)
{
	bool found = false;
	struct buf text CLEANUP(buf_done) = {0};
	if (!fs_read_secret(folder, LAYOUT_PRIVKEY, LIMIT_KEY_FILE, &ret->privkey, &found, err))
		return false;
	if (found)
		return true;
	if (!fs_read_text(folder, LAYOUT_REQUEST, LIMIT_KEY_FILE, /* may_be_empty= */ false, &text, &found, err))
		return false;
	if (!found)
		return missing(folder, LAYOUT_PRIVKEY, err);
	ret->request = buf_take(&text, LAYOUT_REQUEST, err);
	return ret->request != NULL;
}

/* The four files in FOLDER. ERROR_DATA when one is missing or damaged. */
static bool read_files(const struct fs_folder *folder, struct generation *ret, struct error *err)
{
	struct generation read CLEANUP(generation_done) = {0};
	if (!str_set(&read.path, folder->path, err) ||
	    !read_pem(folder, LAYOUT_CERT, /* may_be_empty= */ false, &read.cert, err) ||
	    !read_pem(folder, LAYOUT_CHAIN, /* may_be_empty= */ true, &read.chain, err) ||
	    !read_pem(folder, LAYOUT_FULLCHAIN, /* may_be_empty= */ false, &read.fullchain, err) ||
	    !read_origin(folder, &read, err))
		return false;
	generation_done(ret);
	*ret = read;
	read = (struct generation){0};
	return true;
}

/* Generation NUMBER; *RET_FOUND false (and success) when its folder is missing. */
static bool read_generation(const struct fs_folder *home, uint64_t number, struct generation *ret, bool *ret_found,
			    struct error *err)
{
	struct fs_folder folder CLEANUP(fs_folder_done) = {0};
	char entry[LAYOUT_FILE_SIZE];
	bool found = false;
	layout_generation_folder(number, entry);
	if (!fs_folder_open(home, entry, /* create= */ false, &folder, &found, err))
		return false;
	if (found && !read_files(&folder, ret, err))
		return false;
	if (found)
		ret->number = number;
	*ret_found = found;
	return true;
}

static bool check_chain(const struct key *key, const char *pem, struct error *err)
{
	struct chain *chain CLEANUP(chain_freep) = chain_parse(pem, strlen(pem), err);
	return chain != NULL && chain_matches_key(chain, key, err);
}

/* Does the key fit the certificate, in both files that hold it? */
static bool verify(const struct generation *generation, struct error *err)
{
	struct csr *csr CLEANUP(csr_freep) = NULL;
	struct key *own CLEANUP(key_freep) = NULL;
	if (generation->request != NULL)
		csr = csr_parse(generation->request, strlen(generation->request), err);
	else
		own = key_from_pem(&generation->privkey, err);
	const struct key *key = csr != NULL ? csr_key(csr) : own;
	return key != NULL && check_chain(key, generation->cert, err) && check_chain(key, generation->fullchain, err);
}

bool store_read_live(struct store *store, const char *name, struct generation *ret, bool *ret_found, struct error *err)
{
	struct fs_folder home CLEANUP(fs_folder_done) = {0};
	uint64_t number = 0;
	bool linked = false, found = false;
	if (!read_link(store, name, &number, &linked, err))
		return false;
	if (!linked) {
		*ret_found = false;
		return true;
	}
	if (!open_home(store, name, /* create= */ false, &home, err))
		return false;
	bool ok = home.path == NULL || read_generation(&home, number, ret, &found, err);
	if (ok && !found)
		ok = error_set(err, ERROR_DATA, step, "%s/live/%s leads to generation %llu, which is missing",
			       store->dir, name, (unsigned long long)number);
	if (!ok) {
		if (err->category == ERROR_DATA)
			error_hint(err, "restore %s/archive/%s/%llu from a backup, or issue again with --force",
				   store->dir, name, (unsigned long long)number);
		return error_attribute(err, ERROR_STORE, step);
	}
	*ret_found = true;
	return true;
}

/* Generation NUMBER below HOME, read and verified. */
static bool read_good(const struct fs_folder *home, uint64_t number, struct generation *ret, bool *ret_found,
		      struct error *err)
{
	bool found = false;
	if (!read_generation(home, number, ret, &found, err) || (found && !verify(ret, err)))
		return false;
	*ret_found = found;
	return true;
}

bool store_read_generation(struct store *store, const char *name, uint64_t number, struct generation *ret,
			   bool *ret_found, struct error *err)
{
	struct fs_folder home CLEANUP(fs_folder_done) = {0};
	struct generation read CLEANUP(generation_done) = {0};
	bool found = false;
	if (!open_home(store, name, /* create= */ false, &home, err))
		return false;
	if (home.path != NULL && !read_good(&home, number, &read, &found, err)) {
		error_hint(err, "restore %s/%llu from a backup, or choose another generation", home.path,
			   (unsigned long long)number);
		if (err->category == ERROR_CA) /* a key that does not fit: of a certificate just received, its fault */
			err->category = ERROR_STORE;
		return error_attribute(err, ERROR_STORE, step);
	}
	if (found) {
		generation_done(ret);
		*ret = read;
		read = (struct generation){0};
	}
	*ret_found = found;
	return true;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return left < right ? -1 : left > right;
}

bool store_list_generations(struct store *store, const char *name, uint64_t **ret, size_t *ret_count, struct error *err)
{
	struct fs_folder home CLEANUP(fs_folder_done) = {0};
	struct str_list names CLEANUP(str_list_done) = {0};
	size_t count = 0;
	if (!open_home(store, name, /* create= */ false, &home, err) ||
	    (home.path != NULL && !fs_folder_list(&home, "", &names, err)))
		return false;
	uint64_t *numbers AUTO_FREE = calloc(names.len + 1, sizeof(*numbers));
	if (numbers == NULL)
		return error_oom(err);
	for (size_t i = 0; i < names.len; i++)
		if (layout_generation_parse(names.items[i], &numbers[count]))
			count++;
	qsort(numbers, count, sizeof(*numbers), compare_numbers);
	*ret = count > 0 ? STEAL(numbers) : NULL;
	*ret_count = count;
	return true;
}

bool store_make_live(struct store *store, const char *name, uint64_t number, struct error *err)
{
	struct generation checked CLEANUP(generation_done) = {0};
	bool found = false;
	if (!store_read_generation(store, name, number, &checked, &found, err))
		return false;
	if (!found)
		return error_set(err, ERROR_STORE, step, "there is no generation %llu of %s",
				 (unsigned long long)number, name);
	return switch_link(store, name, number, err);
}

/* --- Staging --- */

bool store_stage_key(struct store *store, const char *name, const struct secret *key_pem, struct error *err)
{
	struct fs_folder staging CLEANUP(fs_folder_done) = {0};
	if (!layout_check_name(name, err))
		return false;
	if (store->root.path != NULL && !fs_folder_check_room(&store->root, err))
		return false;
	return open_staging(store, name, /* create= */ true, &staging, err) &&
	       clean(&staging, LAYOUT_PRIVKEY, /* also= */ NULL, err) &&
	       fs_atomic_write(&staging, LAYOUT_PRIVKEY, key_pem->data, key_pem->len, KEY_MODE, err);
}

bool store_stage_request(struct store *store, const char *name, const char *pem, struct error *err)
{
	struct fs_folder staging CLEANUP(fs_folder_done) = {0};
	if (!layout_check_name(name, err))
		return false;
	if (store->root.path != NULL && !fs_folder_check_room(&store->root, err))
		return false;
	return open_staging(store, name, /* create= */ true, &staging, err) &&
	       clean(&staging, LAYOUT_REQUEST, /* also= */ NULL, err) &&
	       fs_atomic_write(&staging, LAYOUT_REQUEST, pem, strlen(pem), CERT_MODE, err);
}

bool store_read_staged_request(struct store *store, const char *name, struct buf *ret, bool *ret_found,
			       struct error *err)
{
	struct fs_folder staging CLEANUP(fs_folder_done) = {0};
	if (!open_staging(store, name, /* create= */ false, &staging, err))
		return false;
	if (staging.path == NULL) {
		*ret_found = false;
		return true;
	}
	return fs_read_text(&staging, LAYOUT_REQUEST, LIMIT_KEY_FILE, /* may_be_empty= */ false, ret, ret_found, err) ||
	       error_attribute(err, ERROR_STORE, step);
}

bool store_read_staged_key(struct store *store, const char *name, struct secret *ret, bool *ret_found,
			   struct error *err)
{
	struct fs_folder staging CLEANUP(fs_folder_done) = {0};
	if (!open_staging(store, name, /* create= */ false, &staging, err))
		return false;
	if (staging.path == NULL) {
		*ret_found = false;
		return true;
	}
	if (fs_read_secret(&staging, LAYOUT_PRIVKEY, LIMIT_KEY_FILE, ret, ret_found, err))
		return true;
	if (err->category == ERROR_DATA)
		error_hint(err, "remove the folder %s: the next run makes a new key and a new order", staging.path);
	return error_attribute(err, ERROR_STORE, step);
}

bool store_discard_staged(struct store *store, const char *name, struct error *err)
{
	struct fs_folder home CLEANUP(fs_folder_done) = {0};
	struct fs_folder staging CLEANUP(fs_folder_done) = {0};
	bool found = false;
	if (!open_home(store, name, /* create= */ false, &home, err))
		return false;
	if (home.path == NULL)
		return true;
	if (!fs_folder_open(&home, LAYOUT_STAGING, /* create= */ false, &staging, &found, err))
		return false;
	if (!found)
		return true;
	if (!clean(&staging, /* keep= */ NULL, /* also= */ NULL, err))
		return false;
	if (unlinkat(home.fd, LAYOUT_STAGING, AT_REMOVEDIR) != 0 && errno != ENOENT)
		return error_errno(err, ERROR_STORE, step, errno, "cannot remove the folder %s", staging.path);
	return fs_folder_sync(&home, err);
}

/* --- Commit and recovery --- */

struct pem_file {
	const char *name;
	const char *text;
};

/* The certificates beside the staged key, flushed, read back and checked against it. */
static bool complete_staging(const struct fs_folder *staging, const char *cert, const char *chain,
			     const char *fullchain, struct error *err)
{
	const struct pem_file files[] = {
		{LAYOUT_CERT, cert},
		{LAYOUT_CHAIN, chain},
		{LAYOUT_FULLCHAIN, fullchain},
	};
	struct generation back CLEANUP(generation_done) = {0};
	if (!clean(staging, LAYOUT_PRIVKEY, LAYOUT_REQUEST, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (!fs_atomic_put(staging, files[i].name, files[i].text, strlen(files[i].text), CERT_MODE, err))
			return false;
	if (!fs_folder_sync(staging, err) || !read_files(staging, &back, err))
		return false;
	if (!str_equal(back.cert, cert) || !str_equal(back.chain, chain) || !str_equal(back.fullchain, fullchain))
		return error_set(err, ERROR_STORE, step, "%s reads back differently from what was written",
				 staging->path);
	return verify(&back, err);
}

/* Give the staged generation its number: from here on it is complete. */
static bool number_staged(const struct fs_folder *home, uint64_t number, struct error *err)
{
	char entry[LAYOUT_FILE_SIZE];
	layout_generation_folder(number, entry);
	int failed = renameat2(home->fd, LAYOUT_STAGING, home->fd, entry, RENAME_NOREPLACE);
	/* Filesystems without that flag: a generation is never an empty folder, the only one that rename replaces. */
	if (failed != 0 && errno == EINVAL)
		failed = renameat(home->fd, LAYOUT_STAGING, home->fd, entry);
	if (failed != 0)
		return error_errno(err, ERROR_STORE, step, errno, "cannot make %s/%s", home->path, entry);
	return fs_folder_sync(home, err);
}

bool store_commit(struct store *store, const char *name, const char *cert, const char *chain, const char *fullchain,
		  uint64_t *ret_number, struct error *err)
{
	struct fs_folder home CLEANUP(fs_folder_done) = {0};
	struct fs_folder staging CLEANUP(fs_folder_done) = {0};
	uint64_t highest = 0, live = 0;
	bool found = false;
	if (!open_home(store, name, /* create= */ false, &home, err))
		return false;
	if (home.path != NULL && !fs_folder_open(&home, LAYOUT_STAGING, /* create= */ false, &staging, &found, err))
		return false;
	if (!found)
		return error_set(err, ERROR_STORE, step, "neither a key nor a request is staged for %s", name);
	if (!read_link(store, name, &live, &found, err) || !complete_staging(&staging, cert, chain, fullchain, err) ||
	    !highest_number(&home, /* below= */ UINT64_MAX, &highest, err))
		return error_attribute(err, ERROR_STORE, step);

	/* A live generation whose folder went missing keeps its number. */
	uint64_t number = (highest > live ? highest : live) + 1;
	if (!number_staged(&home, number, err))
		return false;
	if (!switch_link(store, name, number, err)) {
		error_hint(err, "run again: generation %llu is complete and needs no new order",
			   (unsigned long long)number);
		return false;
	}
	*ret_number = number;
	return true;
}

/* The newest generation above FLOOR that verifies; 0 when there is none. */
static bool newest_good(const struct fs_folder *home, uint64_t floor, uint64_t *ret, struct error *err)
{
	for (uint64_t below = UINT64_MAX;;) {
		struct generation candidate CLEANUP(generation_done) = {0};
		struct error reason = {0};
		uint64_t number = 0;
		bool found = false;
		if (!highest_number(home, below, &number, err))
			return false;
		if (number <= floor)
			number = 0;
		if (number == 0 || (read_good(home, number, &candidate, &found, &reason) && found)) {
			*ret = number;
			return true;
		}
		if (reason.category == ERROR_INTERNAL) {
			*err = reason;
			return false;
		}
		log_debug("%s/%llu is not usable: %s", home->path, (unsigned long long)number, reason.message);
		below = number;
	}
}

/* What is to be live where the link, or the folder it leads to, is gone. */
static bool replacement(const struct fs_folder *home, const struct store_rollback *rollback, uint64_t *ret,
			struct error *err)
{
	struct generation wanted CLEANUP(generation_done) = {0};
	struct error reason = {0};
	bool found = false;
	if (rollback->to != 0 && read_good(home, rollback->to, &wanted, &found, &reason) && found) {
		*ret = rollback->to;
		return true;
	}
	return newest_good(home, /* floor= */ 0, ret, err);
}

bool store_recover(struct store *store, const char *name, const struct store_rollback *rollback, uint64_t *ret_number,
		   bool *ret_recovered, struct error *err)
{
	struct fs_folder home CLEANUP(fs_folder_done) = {0};
	char entry[LAYOUT_FILE_SIZE];
	uint64_t live = 0, newest = 0;
	bool linked = false;
	if (!read_link(store, name, &live, &linked, err) || !open_home(store, name, /* create= */ false, &home, err))
		return false;
	if (home.path != NULL) {
		/* Never backwards, unless there is nothing to go back from. */
		layout_generation_folder(live, entry);
		bool present = linked && faccessat(home.fd, entry, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
		uint64_t floor = present ? live : 0;
		if (!newest_good(&home, floor > rollback->from ? floor : rollback->from, &newest, err) ||
		    (newest == 0 && !present && !replacement(&home, rollback, &newest, err)))
			return false;
	}
	if (newest != 0 && !switch_link(store, name, newest, err))
		return false;
	*ret_number = newest != 0 ? newest : live;
	*ret_recovered = newest != 0;
	return true;
}

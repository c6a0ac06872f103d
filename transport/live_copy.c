/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A single file at an exact path. What was there is kept as a copy (a link as a link; nothing as a link to "none"), not
 * by renaming it away: at no instant is the path without content.
 */
#include "transport/live_copy.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/live_folder.h"
#include "transport/live_keep.h"

#include <stdlib.h>
#include <string.h>

#define NOTHING_BEFORE "none"

/* Of the folder that PATH is in, its last slash included. */
static size_t folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

static char *folder_of(const struct live_copy *copy, struct error *err)
{
	size_t len = folder_len(copy->path);

	return str_format(err, "%.*s", (int)(len > 1 ? len - 1 : len), copy->path);
}

/* "<folder>/.<file>.certferry-SUFFIX" */
static char *beside(const char *path, const char *suffix, struct error *err)
{
	size_t folder = folder_len(path);

	return str_format(err, "%.*s.%s.certferry-%s", (int)folder, path, path + folder, suffix);
}

static bool content_is(struct sftp *sftp, const struct live_copy *copy, bool *ret, struct error *err)
{
	const struct sftp_file file = {copy->path, copy->data, copy->len, copy->mode};
	return sftp_files_hold(sftp, &file, 1, ret, err);
}

bool live_copy_inspect(struct sftp *sftp, const char *path, const char *data, size_t len, uint32_t mode,
		       struct sftp_owner owner, struct live_copy *ret, struct error *err)
{
	struct live_copy copy CLEANUP(live_copy_done) = {.data = data, .len = len, .mode = mode};
	struct sftp_entry entry, kept;

	copy.fresh = beside(path, "new", err);
	copy.previous = beside(path, "previous", err);
	if (copy.fresh == NULL || copy.previous == NULL || !str_set(&copy.path, path, err) ||
	    !sftp_look(sftp, path, false, &entry, err) || !sftp_look(sftp, copy.previous, false, &kept, err))
		return false;
	if (entry.kind == SFTP_DIRECTORY || entry.kind == SFTP_OTHER)
		return error_set(err, ERROR_REMOTE, NULL, "%s is there and is no file", path);
	copy.unsettled = kept.kind != SFTP_ABSENT;
	if (entry.kind == SFTP_FILE && entry.mode == mode && (owner.uid < 0 || entry.uid == (uint32_t)owner.uid) &&
	    (owner.gid < 0 || entry.gid == (uint32_t)owner.gid) && !content_is(sftp, &copy, &copy.same, err))
		return false;
	*ret = copy;
	copy = (struct live_copy){0};
	return true;
}

void live_copy_done(struct live_copy *copy)
{
	free(copy->path);
	free(copy->fresh);
	free(copy->previous);
	*copy = (struct live_copy){0};
}

void live_copy_outdate(struct live_copy *copy)
{
	copy->outdated = copy->unsettled;
	copy->unsettled = false;
}

void live_copy_sweep(struct sftp *sftp, const struct live_copy *copy)
{
	struct error err = {0};
	char *part AUTO_FREE = beside(copy->path, "part", &err);

	if (part == NULL || !sftp_remove(sftp, copy->fresh, &err) || !sftp_remove(sftp, part, &err) ||
	    (copy->outdated && !sftp_remove(sftp, copy->previous, &err)))
		log_debug("%s: not swept: %s", copy->path, err.message);
}

/* It could not be written: is that for want of its folder? */
static bool explain_failure(struct sftp *sftp, const struct live_copy *copy, const char *folder, struct error *err)
{
	struct error ignored = {0};
	struct sftp_entry entry;

	if (sftp_usable(sftp) && sftp_look(sftp, folder, /* follow= */ true, &entry, &ignored) &&
	    entry.kind == SFTP_ABSENT) {
		error_reword(err, "there is no directory %s for %s", folder, copy->path);
		error_hint(err, "make it there, or correct `files` of this server");
	}
	return false;
}

bool live_copy_upload(struct sftp *sftp, struct live_copy *copy, struct sftp_owner owner, struct error *err)
{
	char *folder AUTO_FREE = folder_of(copy, err);

	copy->staged = true;
	if (folder == NULL || !live_folder_check(sftp, folder, err) || !sftp_remove(sftp, copy->fresh, err))
		return false;
	return sftp_create_file(sftp, copy->fresh, copy->data, copy->len, copy->mode, owner, err) ||
	       explain_failure(sftp, copy, folder, err);
}

/* Written under a third name first: half a copy must never pass for what was there before. */
static bool keep_file(struct sftp *sftp, const struct live_copy *copy, struct error *err)
{
	char *part AUTO_FREE = beside(copy->path, "part", err);
	bool found = false;

	if (part == NULL || !sftp_remove(sftp, part, err) || !live_keep(sftp, copy->path, part, &found, err))
		return false;
	if (!found)
		return error_set(err, ERROR_REMOTE, NULL, "%s is gone: somebody else is at work there", copy->path);
	return sftp_replace(sftp, part, copy->previous, err);
}

/* What an earlier transaction kept was the last proven content: it stays. */
bool live_copy_keep(struct sftp *sftp, struct live_copy *copy, struct error *err)
{
	char *target AUTO_FREE = NULL;
	struct sftp_entry entry;
	bool ok;

	if (copy->unsettled)
		return true;
	if (!sftp_look(sftp, copy->path, false, &entry, err))
		return false;
	if (entry.kind == SFTP_FILE)
		ok = keep_file(sftp, copy, err);
	else
		ok = sftp_read_link(sftp, copy->path, &target, err) &&
		     sftp_renew_link(sftp, copy->previous, target != NULL ? target : NOTHING_BEFORE, err);
	copy->unsettled = ok;
	return ok;
}

bool live_copy_switch(struct sftp *sftp, struct live_copy *copy, struct error *err)
{
	if (!live_copy_keep(sftp, copy, err) || !sftp_replace(sftp, copy->fresh, copy->path, err))
		return false;
	copy->staged = false;
	return true;
}

/* What was kept is not there: was it put back, or is there still what it was to be replaced by? */
bool live_copy_check_previous(struct sftp *sftp, const struct live_copy *copy, struct error *err)
{
	struct sftp_entry entry;
	bool fresh = false;

	if (!copy->unsettled)
		return true;
	if (!sftp_look(sftp, copy->previous, false, &entry, err) ||
	    (entry.kind == SFTP_ABSENT && !content_is(sftp, copy, &fresh, err)))
		return false;
	if (!fresh)
		return true;
	(void)error_set(err, ERROR_REMOTE, NULL, "something has removed what was kept of %s meanwhile: %s", copy->path,
			copy->previous);
	error_hint(err,
		   "the new files of this certificate stay there, key and certificate matching, but unproven; find "
		   "out what removes files there (these commands?), then `certferry deploy` tests and loads them");
	return false;
}

bool live_copy_switch_back(struct sftp *sftp, const struct live_copy *copy, struct error *err)
{
	char *target AUTO_FREE = NULL;
	struct sftp_entry entry;

	if (!copy->unsettled)
		return true;
	if (!sftp_look(sftp, copy->previous, false, &entry, err) || !sftp_read_link(sftp, copy->previous, &target, err))
		return false;
	if (entry.kind == SFTP_ABSENT) /* put back already */
		return true;
	if (str_equal(target, NOTHING_BEFORE))
		return sftp_remove(sftp, copy->path, err) && sftp_remove(sftp, copy->previous, err);
	return sftp_replace(sftp, copy->previous, copy->path, err);
}

void live_copy_abandon(struct sftp *sftp, const struct live_copy *copy)
{
	struct error err = {0};

	if (copy->staged && !sftp_remove(sftp, copy->fresh, &err))
		log_debug("%s: not tidied up: %s", copy->path, err.message);
}

bool live_copy_flush(struct sftp *sftp, const struct live_copy *copy, struct error *err)
{
	char *folder AUTO_FREE = folder_of(copy, err);
	const char *path = folder;

	return folder != NULL && (!copy->unsettled || sftp_flush_directories(sftp, &path, 1, err));
}

void live_copy_settle(struct sftp *sftp, const struct live_copy *copy)
{
	struct error err = {0};

	live_copy_abandon(sftp, copy);
	if (copy->unsettled && !sftp_remove(sftp, copy->previous, &err))
		log_debug("%s: not tidied up: %s", copy->path, err.message);
}

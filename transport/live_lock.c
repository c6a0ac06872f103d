/* SPDX-License-Identifier: Apache-2.0 */
/* A link as a lock: that it can be made once only is all that servers promise, and enough. */
#include "transport/live_lock.h"

#include "base/escape.h"
#include "transport/sftp.h"

#include <stdlib.h>

enum {
	LOOK_AGAIN_MS = 250,
	TRIES = 3, /* whoever had it may let go just when it is looked at */
};

static char *lock_path(const char *home, struct error *err)
{
	return str_format(err, "%s/.certferry-lock", home);
}

bool live_lock_is_left_over(struct sftp *sftp, const char *home, const char *holder, bool *ret, struct error *err)
{
	char *path AUTO_FREE = lock_path(home, err);
	char *found AUTO_FREE = NULL;

	if (path == NULL || !sftp_read_link(sftp, path, &found, err))
		return false;
	*ret = str_equal(found, holder);
	return true;
}

/* By our clock against the server's, of which only a difference of many minutes would matter. */
static bool is_stale(struct sftp *sftp, const char *path, int64_t stale_ms, bool *ret, struct error *err)
{
	struct sftp_entry entry;

	if (!sftp_look(sftp, path, false, &entry, err))
		return false;
	*ret = entry.kind == SFTP_LINK && entry.modified > 0 && clock_wall() - entry.modified > stale_ms / 1000;
	return true;
}

static bool held_by_another(const char *path, const char *holder, struct error *err)
{
	char safe[256];

	escape_str(safe, sizeof(safe), holder);
	(void)error_set(err, ERROR_BUSY, NULL, "another certferry (%s) is deploying this certificate there", safe);
	err->transient = true;
	error_hint(
		err,
		"try again when it is done; its lock counts for nothing once it is older than a deployment may take. "
		"If that certferry is gone for good, remove %s there",
		path);
	return false;
}

/* One try: *RET_FOUND is who has it, NULL when it is ours now. */
static bool try_lock(struct sftp *sftp, const char *path, const char *holder, char **ret_found, struct error *err)
{
	struct error refused = {0};

	for (int tries = 0; tries < TRIES; tries++) {
		error_clear(&refused);
		if (sftp_create_link(sftp, path, holder, &refused))
			return true;
		if (!sftp_usable(sftp))
			break;
		if (!sftp_read_link(sftp, path, ret_found, err))
			return false;
		if (*ret_found != NULL)
			return true;
	}
	*err = refused;
	return false;
}

bool live_lock_take(struct sftp *sftp, const char *home, const char *holder, int64_t stale_ms, struct deadline deadline,
		    struct live_lock_news *ret, struct error *err)
{
	struct live_lock_news news = {0};
	char *path AUTO_FREE = lock_path(home, err);

	while (path != NULL) {
		char *found AUTO_FREE = NULL;
		struct error over = {0};
		bool stale = false;
		if (!try_lock(sftp, path, holder, &found, err))
			return false;
		news.left_over = news.left_over || str_equal(found, holder);
		if (found == NULL || str_equal(found, holder))
			break;
		news.waited = true;
		if (!is_stale(sftp, path, stale_ms, &stale, err) || (stale && !sftp_remove(sftp, path, err)))
			return false;
		news.left_over = stale;
		if (!stale && !deadline_sleep(deadline, LOOK_AGAIN_MS, NULL, &over))
			return held_by_another(path, found, err);
	}
	*ret = news;
	return path != NULL;
}

bool live_lock_release(struct sftp *sftp, const char *home, struct error *err)
{
	char *path AUTO_FREE = lock_path(home, err);

	return path != NULL && sftp_remove(sftp, path, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at a file system only after something was refused there: no deployment that goes well pays for it. */
#include "transport/remote_room.h"

#include "base/log.h"
#include "base/str.h"
#include "transport/sftp.h"

#include <string.h>

bool remote_nearest_directory(struct sftp *sftp, const char *path, char **ret, bool *ret_there, struct error *err)
{
	char *at AUTO_FREE = str_format(err, "%s", path);
	struct sftp_entry entry;

	*ret_there = true;
	for (;;) {
		if (at == NULL || !sftp_look(sftp, at, /* follow= */ true, &entry, err))
			return false;
		if (entry.kind == SFTP_DIRECTORY)
			break;
		if (entry.kind != SFTP_ABSENT)
			return error_set(err, ERROR_REMOTE, NULL, "%s is there and is no directory", at);
		*ret_there = false;
		char *slash = strrchr(at, '/');
		if (slash == NULL || slash[1] == '\0')
			return error_set(err, ERROR_REMOTE, NULL, "there is no directory above %s", path);
		slash[slash == at ? 1 : 0] = '\0';
	}
	*ret = STEAL(at);
	return true;
}

bool remote_has_room(struct sftp *sftp, const char *directory, uint64_t needed, struct sftp_space *ret, bool *ret_known,
		     struct error *err)
{
	if (!sftp_measure(sftp, directory, ret, ret_known, err))
		return false;
	if (!*ret_known)
		return true;
	if (ret->read_only) {
		(void)error_set(err, ERROR_REMOTE, NULL, "the file system of %s can only be read", directory);
		error_hint(err, "find out why (`dmesg`: a failing disk?), and mount it for writing again");
	} else if (ret->bytes < needed) {
		(void)error_set(err, ERROR_REMOTE, NULL,
				"there is no space left on the file system of %s: %llu bytes are free", directory,
				(unsigned long long)ret->bytes);
		error_hint(err, "make room there (`df -h %s`)", directory);
	} else if (ret->entries == 0) {
		(void)error_set(err, ERROR_REMOTE, NULL,
				"there is no space left on the file system of %s for another file: it has no inodes",
				directory);
		error_hint(err, "remove files there (`df -i %s` counts them)", directory);
	}
	return !error_is_set(err);
}

/* What is to be made of PATH's file system, PATH being a directory, a file, or nothing yet. True: it lacks nothing. */
static bool look_at_room(struct sftp *sftp, const char *path, struct error *err)
{
	enum { SMALL = 64 * 1024 }; /* larger than what is written at once */
	struct sftp_space space;
	struct sftp_entry entry;
	bool there, known;
	char *directory AUTO_FREE = NULL;
	char *start AUTO_FREE = str_format(err, "%s", path);

	if (start == NULL || !sftp_look(sftp, path, /* follow= */ true, &entry, err))
		return false;
	char *slash = strrchr(start, '/');
	if (entry.kind != SFTP_DIRECTORY && slash != NULL)
		slash[slash == start ? 1 : 0] = '\0';
	return remote_nearest_directory(sftp, start, &directory, &there, err) &&
	       remote_has_room(sftp, directory, SMALL, &space, &known, err);
}

bool remote_blame_room(struct sftp *sftp, const char *path, const char *then, struct error *err)
{
	struct error lack = {0};

	if (err->category != ERROR_REMOTE || !sftp_usable(sftp) || look_at_room(sftp, path, &lack))
		return false;
	if (lack.hint[0] == '\0') {
		log_debug("%s: room not looked at: %s", path, lack.message);
		return false;
	}
	if (str_equal(err->said, "Failure")) /* that is all that SFTP has for it */
		err->said[0] = '\0';
	error_reword(err, "%s; %s", err->message, lack.message);
	err->hint[0] = '\0';
	error_hint(err, "%s; then %s", lack.hint, then);
	return true;
}

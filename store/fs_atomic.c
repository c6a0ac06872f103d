/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary name, fsync, rename, fsync of the folder. Every other way of writing leaves a moment with half a file. */
#include "store/fs_atomic.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TEMP_SIZE = 32,
	TEMP_TRIES = 16,
	TEMP_AGE = 3600, /* seconds: no write takes that long */
};

static const char step[] = "store";

/* A failed write of NAME; a full disk gets its advice. */
static bool cannot_write(const struct fs_folder *folder, const char *name, int failure, struct error *err)
{
	if (failure == ENOSPC || failure == EDQUOT)
		error_hint(err, "free some space there (df %s; df -i %s)", folder->path, folder->path);
	return error_errno(err, ERROR_STORE, step, failure, "cannot write %s/%s", folder->path, name);
}

static bool temp_name(char ret[TEMP_SIZE], struct error *err)
{
	unsigned long long random = 0;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return error_errno(err, ERROR_INTERNAL, step, errno, "no random numbers");
	(void)snprintf(ret, TEMP_SIZE, "%s%016llx", FS_ATOMIC_PREFIX, random);
	return true;
}

/* A new file under a temporary name; -1 and ERR on failure. NAME for the message. */
static int temp_create(const struct fs_folder *folder, const char *name, char temp[TEMP_SIZE], struct error *err)
{
	for (int i = 0; i < TEMP_TRIES; i++) {
		if (!temp_name(temp, err))
			return -1;
		int fd = openat(folder->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			break;
	}
	(void)cannot_write(folder, name, errno, err);
	return -1;
}

/* Write and flush; 0 or errno. */
static int fill(int fd, const char *data, size_t len, mode_t mode)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		data += n;
		len -= (size_t)n;
	}
	if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
		return errno;
	return 0;
}

bool fs_atomic_put(const struct fs_folder *folder, const char *name, const void *data, size_t len, mode_t mode,
		   struct error *err)
{
	char temp[TEMP_SIZE];
	int fd = temp_create(folder, name, temp, err);
	if (fd < 0)
		return false;
	int failure = fill(fd, data, len, mode);
	if (close(fd) != 0 && failure == 0)
		failure = errno;
	if (failure == 0 && renameat(folder->fd, temp, folder->fd, name) != 0)
		failure = errno;
	if (failure == 0)
		return true;
	(void)unlinkat(folder->fd, temp, 0);
	return cannot_write(folder, name, failure, err);
}

bool fs_atomic_write(const struct fs_folder *folder, const char *name, const void *data, size_t len, mode_t mode,
		     struct error *err)
{
	return fs_atomic_put(folder, name, data, len, mode, err) && fs_folder_sync(folder, err);
}

bool fs_atomic_link(const struct fs_folder *folder, const char *name, const char *target, struct error *err)
{
	char temp[TEMP_SIZE];
	int failure = EEXIST;
	for (int i = 0; i < TEMP_TRIES && failure == EEXIST; i++) {
		if (!temp_name(temp, err))
			return false;
		failure = symlinkat(target, folder->fd, temp) == 0 ? 0 : errno;
	}
	if (failure != 0)
		return cannot_write(folder, name, failure, err);
	if (renameat(folder->fd, temp, folder->fd, name) != 0) {
		failure = errno;
		(void)unlinkat(folder->fd, temp, 0);
		return cannot_write(folder, name, failure, err);
	}
	return fs_folder_sync(folder, err);
}

void fs_atomic_sweep(const struct fs_folder *folder)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	struct error ignored = {0};
	struct stat info;
	int64_t now = clock_wall();
	if (!fs_folder_list(folder, FS_ATOMIC_PREFIX, &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++) {
		if (fstatat(folder->fd, names.items[i], &info, AT_SYMLINK_NOFOLLOW) == 0 &&
		    now - info.st_mtime > TEMP_AGE)
			(void)unlinkat(folder->fd, names.items[i], 0);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Our folders: opened, made, checked, listed. */
#include "store/fs_folder.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
	FOLDER_MODE = 0700,
	ROOM_BYTES = 1024 * 1024, /* four PEM files and a few records take some 40 KiB */
	ROOM_INODES = 32,
};

static const char step[] = "store";

void fs_folder_done(struct fs_folder *folder)
{
	if (folder == NULL || folder->path == NULL)
		return;
	(void)close(folder->fd);
	free(folder->path);
	*folder = (struct fs_folder){0};
}

static bool check_folder(int fd, const char *path, struct error *err)
{
	struct stat info;
	if (fstat(fd, &info) != 0)
		return error_errno(err, ERROR_STORE, step, errno, "cannot examine %s", path);
	if (info.st_uid != 0 && info.st_uid != geteuid()) {
		error_hint(err,
			   "run certferry as the user who owns %s, or give it to the one who runs certferry: "
			   "chown -R %u %s",
			   path, (unsigned)geteuid(), path);
		return error_set(err, ERROR_STORE, step, "%s belongs to user %u, neither us (%u) nor root", path,
				 (unsigned)info.st_uid, (unsigned)geteuid());
	}
	if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		error_hint(err, "chmod go-w %s", path);
		return error_set(err, ERROR_STORE, step, "%s may be changed by others: its mode is %04o", path,
				 (unsigned)(info.st_mode & 07777));
	}
	return true;
}

/* TAKE_FOLDER becomes RET when it passes the check, and is closed otherwise. */
static bool adopt(struct fs_folder take_folder, struct fs_folder *ret, struct error *err)
{
	if (check_folder(take_folder.fd, take_folder.path, err)) {
		*ret = take_folder;
		return true;
	}
	fs_folder_done(&take_folder);
	return false;
}

/* Flush the folder that PATH was just made in. One that we may not read is left to the kernel. */
static void sync_parent(const char *path)
{
	char *parent AUTO_FREE = strdup(path);
	if (parent == NULL)
		return;
	char *slash = strrchr(parent, '/');
	if (slash != NULL)
		slash[slash == parent ? 1 : 0] = '\0';
	int fd = open(slash != NULL ? parent : ".", FOLDER_FLAGS);
	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

static bool make_one(const char *path, struct error *err)
{
	if (mkdir(path, FOLDER_MODE) == 0) {
		if (chmod(path, FOLDER_MODE) != 0)
			return error_errno(err, ERROR_STORE, step, errno, "cannot set the mode of %s", path);
		sync_parent(path);
	} else if (errno != EEXIST) {
		return error_errno(err, ERROR_STORE, step, errno, "cannot make the folder %s", path);
	}
	return true;
}

static bool make_path(const char *path, struct error *err)
{
	char *prefix AUTO_FREE = NULL;
	if (!str_set(&prefix, path, err))
		return false;
	for (char *slash = strchr(prefix + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!make_one(prefix, err))
			return false;
		*slash = '/';
	}
	return str_ends(path, "/") || make_one(path, err);
}

bool fs_folder_open_path(const char *path, bool create, struct fs_folder *ret, bool *ret_found, struct error *err)
{
	if (str_is_empty(path))
		return error_set(err, ERROR_USAGE, step, "the state directory's name is empty");
	int fd = open(path, FOLDER_FLAGS);
	if (fd < 0 && errno == ENOENT) {
		if (!create) {
			*ret_found = false;
			return true;
		}
		if (!make_path(path, err))
			return false;
		fd = open(path, FOLDER_FLAGS);
	}
	if (fd < 0)
		return error_errno(err, ERROR_STORE, step, errno, "cannot open the folder %s", path);
	char *copy = str_format(err, "%s", path);
	if (copy == NULL) {
		(void)close(fd);
		return false;
	}
	if (!adopt((struct fs_folder){.path = copy, .fd = fd}, ret, err))
		return false;
	*ret_found = true;
	return true;
}

/* A descriptor of NAME, made now unless another run was faster; -1 and ERR otherwise. */
static int make_in(const struct fs_folder *parent, const char *name, const char *path, struct error *err)
{
	bool made = mkdirat(parent->fd, name, FOLDER_MODE) == 0;
	if (!made && errno != EEXIST) {
		(void)error_errno(err, ERROR_STORE, step, errno, "cannot make the folder %s", path);
		return -1;
	}
	int fd = openat(parent->fd, name, FOLDER_FLAGS | O_NOFOLLOW);
	if (fd < 0) {
		(void)error_errno(err, ERROR_STORE, step, errno, "cannot open the folder %s", path);
		return -1;
	}
	if (made && fchmod(fd, FOLDER_MODE) != 0) {
		(void)error_errno(err, ERROR_STORE, step, errno, "cannot set the mode of %s", path);
	} else if (!made || fs_folder_sync(parent, err)) {
		return fd;
	}
	(void)close(fd);
	return -1;
}

bool fs_folder_open(const struct fs_folder *parent, const char *name, bool create, struct fs_folder *ret,
		    bool *ret_found, struct error *err)
{
	char *path AUTO_FREE = str_format(err, "%s/%s", parent->path, name);
	if (path == NULL)
		return false;
	int fd = openat(parent->fd, name, FOLDER_FLAGS | O_NOFOLLOW);
	if (fd < 0 && errno != ENOENT)
		return error_errno(err, ERROR_STORE, step, errno, "cannot open the folder %s", path);
	if (fd < 0 && !create) {
		*ret_found = false;
		return true;
	}
	if (fd < 0)
		fd = make_in(parent, name, path, err);
	if (fd < 0 || !adopt((struct fs_folder){.path = STEAL(path), .fd = fd}, ret, err))
		return false;
	*ret_found = true;
	return true;
}

bool fs_folder_sync(const struct fs_folder *folder, struct error *err)
{
	if (fsync(folder->fd) == 0)
		return true;
	return error_errno(err, ERROR_STORE, step, errno, "cannot flush the folder %s to disk", folder->path);
}

static void close_dir(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

bool fs_folder_list(const struct fs_folder *folder, const char *prefix, struct str_list *ret, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	/* A description of its own: the position of folder->fd would be shared by all threads. */
	int fd = openat(folder->fd, ".", FOLDER_FLAGS);
	DIR *dir CLEANUP(close_dir) = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		int failure = errno;
		if (fd >= 0)
			(void)close(fd);
		return error_errno(err, ERROR_STORE, step, failure, "cannot list %s", folder->path);
	}
	errno = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL; errno = 0) {
		if (str_equal(entry->d_name, ".") || str_equal(entry->d_name, ".."))
			continue;
		if (str_starts(entry->d_name, prefix) && !str_list_add(&names, entry->d_name, err))
			return false;
	}
	if (errno != 0)
		return error_errno(err, ERROR_STORE, step, errno, "cannot list %s", folder->path);
	str_list_done(ret);
	*ret = names;
	names = (struct str_list){0};
	return true;
}

bool fs_folder_remove(const struct fs_folder *folder, const char *name, struct error *err)
{
	if (unlinkat(folder->fd, name, 0) == 0)
		return fs_folder_sync(folder, err);
	if (errno == ENOENT)
		return true;
	return error_errno(err, ERROR_STORE, step, errno, "cannot remove %s/%s", folder->path, name);
}

bool fs_folder_check_room(const struct fs_folder *folder, struct error *err)
{
	struct statvfs room;
	if (fstatvfs(folder->fd, &room) != 0)
		return error_errno(err, ERROR_STORE, step, errno, "cannot see how much room %s has", folder->path);
	unsigned long long bytes = (unsigned long long)room.f_bavail * room.f_frsize;
	/* Filesystems that make inodes as needed announce none at all. */
	bool inodes = room.f_files == 0 || room.f_favail >= ROOM_INODES;
	if (bytes >= ROOM_BYTES && inodes)
		return true;
	error_hint(err, "free some space there (df %s; df -i %s)", folder->path, folder->path);
	return error_set(err, ERROR_STORE, step, "no room left in %s: %llu KiB%s, and 1024 KiB are needed to be safe",
			 folder->path, bytes / 1024, inodes ? "" : " and hardly any inodes");
}

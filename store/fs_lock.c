/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of the kernel on permanent files (locks/<kind>-<name>.lock). Open-file-description locks: each taker opens the
 * file anew, so threads of one process exclude each other too, and death releases. The holder's pid inside the file is
 * for messages only.
 */
#include "base/error.h"
#include "store/fs_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	WAIT_FIRST_MS = 10,
	WAIT_MAX_MS = 200, /* how late a released lock may be noticed */
	PID_SIZE = 24,
};

static const char step[] = "lock";

struct store_lock {
	int fd;
};

struct lock_request {
	const struct fs_folder *folder;
	char file[LAYOUT_FILE_SIZE];
	const char *kind;
	const char *name;
};

void store_unlock(struct store_lock *lock)
{
	if (lock == NULL)
		return;
	(void)close(lock->fd);
	free(lock);
}

int store_lock_descriptor(const struct store_lock *lock)
{
	return lock->fd;
}

static int open_file(const struct lock_request *request, struct error *err)
{
	int fd = openat(request->folder->fd, request->file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
			0600);
	if (fd < 0)
		(void)error_errno(err, ERROR_STORE, step, errno, "cannot open the lock %s/%s", request->folder->path,
				  request->file);
	return fd;
}

/* Whether FD is still what the path names: somebody may have removed the file and made another. */
static bool still_named(const struct lock_request *request, int fd)
{
	struct stat held, named;
	return fstat(fd, &held) == 0 && fstatat(request->folder->fd, request->file, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static bool refuse(const struct lock_request *request, int failure, struct error *err)
{
	if (failure == ENOLCK || failure == EOPNOTSUPP || failure == ENOSYS || failure == EINVAL)
		error_hint(err, "keep the state directory on a local filesystem, or on one that supports locks");
	return error_errno(err, ERROR_STORE, step, failure, "cannot lock %s/%s", request->folder->path, request->file);
}

/* The descriptor in *RET_FD when the lock is ours, -1 (and success) when somebody holds it. */
static bool try_lock(const struct lock_request *request, int *ret_fd, struct error *err)
{
	for (;;) {
		struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		int fd = open_file(request, err);
		if (fd < 0)
			return false;
		if (fcntl(fd, F_OFD_SETLK, &whole) == 0) {
			if (still_named(request, fd)) {
				*ret_fd = fd;
				return true;
			}
			(void)close(fd);
			continue;
		}
		int failure = errno;
		(void)close(fd);
		if (failure != EAGAIN && failure != EACCES)
			return refuse(request, failure, err);
		*ret_fd = -1;
		return true;
	}
}

/* Best effort: it informs whoever waits. */
static void write_holder(int fd)
{
	char text[PID_SIZE];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (len > 0 && ftruncate(fd, 0) == 0) {
		ssize_t written = pwrite(fd, text, (size_t)len, 0);
		(void)written;
	}
}

/* The pid in the file; 0 when it tells none. */
static uint64_t read_holder(const struct lock_request *request)
{
	char text[PID_SIZE];
	uint64_t pid = 0;
	int fd = openat(request->folder->fd, request->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	if (fd >= 0)
		(void)close(fd);
	if (len < 2 || text[len - 1] != '\n' || !parse_u64(text, (size_t)len - 1, INT32_MAX, &pid))
		return 0;
	return pid;
}

static bool busy(const struct lock_request *request, struct error *err)
{
	uint64_t pid = read_holder(request);
	char who[64] = "another run";
	if (pid == (uint64_t)getpid())
		(void)snprintf(who, sizeof(who), "another part of this run");
	else if (pid > 0)
		(void)snprintf(who, sizeof(who), "another run (pid %llu)", (unsigned long long)pid);
	err->transient = true;
	error_hint(err, "wait for it to finish, or allow more time with --lock-timeout");
	return error_set(err, ERROR_BUSY, step, "%s is working on %s %s", who, request->kind, request->name);
}

/* Wait; that the deadline passes meanwhile is no failure yet, since one more try follows. */
static bool wait_a_little(struct deadline deadline, int64_t ms, struct error *err)
{
	struct error over = {0};
	if (deadline_sleep(deadline, ms, step, &over) || over.category == ERROR_TIMEOUT)
		return true;
	if (!error_is_set(err))
		*err = over;
	return false;
}

/* The descriptor that holds the lock, or -1 and ERR. */
static int wait_for_lock(const struct lock_request *request, struct deadline deadline, struct error *err)
{
	for (int64_t wait = WAIT_FIRST_MS;; wait = wait * 2 < WAIT_MAX_MS ? wait * 2 : WAIT_MAX_MS) {
		/* Looked at before the try, so that a lock released in the very last wait is still taken. */
		bool last = deadline_left_ms(deadline) == 0 && !cancel_requested(deadline.cancel);
		int fd = -1;
		if (!try_lock(request, &fd, err))
			return -1;
		if (fd >= 0)
			return fd;
		if (last ? !busy(request, err) : !wait_a_little(deadline, wait, err))
			return -1;
	}
}

struct store_lock *store_lock(struct store *store, const char *kind, const char *name, struct deadline deadline,
			      struct error *err)
{
	struct lock_request request = {.kind = kind, .name = name};
	struct store_lock *lock AUTO_FREE = calloc(1, sizeof(*lock));
	if (lock == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	if (!layout_lock_file(kind, name, request.file, err) ||
	    !fs_store_folder(store, LAYOUT_LOCKS, /* create= */ true, &request.folder, err))
		return NULL;
	lock->fd = wait_for_lock(&request, deadline, err);
	if (lock->fd < 0)
		return NULL;
	write_holder(lock->fd);
	return STEAL(lock);
}

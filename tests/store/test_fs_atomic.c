/* SPDX-License-Identifier: Apache-2.0 */
/* Files that change in one step, on full disks and among planted names. */
#include "store/fs_atomic.h"

#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What an attacker who could predict temporary names would know: the first PREDICTED answers are all zeroes. */
static int predicted;

ssize_t getrandom(void *data, size_t len, unsigned flags)
{
	if (predicted == 0)
		return syscall(SYS_getrandom, data, len, flags);
	predicted--;
	memset(data, 0, len);
	return (ssize_t)len;
}

static struct fs_folder open_folder(const char *what)
{
	struct fs_folder folder = {0};
	struct error err = {0};
	bool found = false;
	CHECK_OK(fs_folder_open_path(scratch(what), true, &folder, &found, &err), err);
	return folder;
}

static void check_content(const struct fs_folder *folder, const char *name, const char *want)
{
	char text[256] = "";
	int fd = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text) - 1) >= 0);
	CHECK(close(fd) == 0);
	CHECK_STR(text, want);
}

TEST(planted_temporary_names_are_neither_followed_nor_used)
{
	struct fs_folder folder CLEANUP(fs_folder_done) = open_folder("planted");
	struct error err = {0};
	spoil(scratch("planted/victim"), "untouched", 9);
	CHECK(symlinkat("victim", folder.fd, FS_ATOMIC_PREFIX "0000000000000000") == 0);
	predicted = 1;
	CHECK_OK(fs_atomic_write(&folder, "file", "new", 3, 0600, &err), err);
	predicted = 1;
	CHECK_OK(fs_atomic_link(&folder, "link", "elsewhere", &err), err);
	check_content(&folder, "victim", "untouched");
	check_content(&folder, "file", "new");

	/* Nothing but planted names: given up, not looped over for ever. */
	predicted = 1000;
	CHECK(!fs_atomic_write(&folder, "file", "newer", 5, 0600, &err));
	predicted = 0;
	CHECK_CONTAINS(err.message, "planted/file");
	check_content(&folder, "file", "new");
	check_content(&folder, "victim", "untouched");
}

TEST(modes_do_not_depend_on_the_umask)
{
	static const mode_t umasks[] = {0, 0077, 0777};
	struct fs_folder folder CLEANUP(fs_folder_done) = open_folder("umask");
	for (size_t i = 0; i < ARRAY_LEN(umasks); i++) {
		struct error err = {0};
		struct stat info;
		mode_t before = umask(umasks[i]);
		bool ok = fs_atomic_write(&folder, "key", "k", 1, 0600, &err) &&
			  fs_atomic_write(&folder, "cert", "c", 1, 0644, &err);
		(void)umask(before);
		CHECK_OK(ok, err);
		CHECK(fstatat(folder.fd, "key", &info, 0) == 0);
		CHECK_INT(info.st_mode & 07777, 0600);
		CHECK(fstatat(folder.fd, "cert", &info, 0) == 0);
		CHECK_INT(info.st_mode & 07777, 0644);
	}
}

TEST(a_folder_in_the_way_is_not_replaced)
{
	struct fs_folder folder CLEANUP(fs_folder_done) = open_folder("way");
	struct error err = {0};
	CHECK(mkdirat(folder.fd, "taken", 0700) == 0);
	CHECK(!fs_atomic_write(&folder, "taken", "x", 1, 0600, &err));
	CHECK_CONTAINS(err.message, "way/taken");
	error_clear(&err);
	CHECK(!fs_atomic_link(&folder, "taken", "x", &err));
	CHECK_CONTAINS(err.message, "way/taken");
	CHECK_INT(count_entries(folder.path, FS_ATOMIC_PREFIX), 0);
}

/* In a child, since limits stay: 0 when a write over the limit failed as it should. */
static int write_over_limit(const char *dir)
{
	static const char large[4096] = "x";
	const struct rlimit limit = {1000, 1000};
	struct fs_folder folder = {0};
	struct error err = {0};
	bool found = false;
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!fs_folder_open_path(dir, true, &folder, &found, &err) ||
	    !fs_atomic_write(&folder, "file", "old", 3, 0600, &err) || setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 1;
	if (fs_atomic_write(&folder, "file", large, sizeof(large), 0600, &err))
		return 2;
	if (err.category != ERROR_STORE || strstr(err.message, "/file") == NULL)
		return 3;
	return count_entries(dir, FS_ATOMIC_PREFIX) == 0 ? 0 : 4;
}

static int child_status(int (*body)(const char *), const char *dir)
{
	int status = 0;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(body(dir));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(a_write_that_stops_halfway_leaves_the_old_file)
{
	const char *dir = scratch("limit");
	CHECK_INT(child_status(write_over_limit, dir), 0);
	struct fs_folder folder CLEANUP(fs_folder_done) = open_folder("limit");
	check_content(&folder, "file", "old");
}

enum { SKIPPED = 77 };

static bool fill_disk(const struct fs_folder *folder, size_t leave)
{
	static const char block[4096] = "x";
	int fd = openat(folder->fd, "ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	off_t size = 0;
	while (fd >= 0 && write(fd, block, sizeof(block)) > 0)
		size += (off_t)sizeof(block);
	bool ok = fd >= 0 && ftruncate(fd, size - (off_t)leave) == 0;
	return close(fd) == 0 && ok;
}

/* In a child with a small disk of its own. */
static int write_to_full_disk(const char *dir)
{
	static const char large[64 * 1024] = "x";
	struct fs_folder folder = {0};
	struct error err = {0};
	bool found = false;
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=0700") != 0)
		return SKIPPED;
	if (!fs_folder_open_path(dir, false, &folder, &found, &err) || !found ||
	    !fs_atomic_write(&folder, "file", "old", 3, 0600, &err) || !fs_folder_check_room(&folder, &err))
		return 1;
	if (!fill_disk(&folder, 16 * 1024))
		return 2;
	if (fs_folder_check_room(&folder, &err) || strstr(err.message, dir) == NULL || err.hint[0] == '\0')
		return 3;
	error_clear(&err);
	if (fs_atomic_write(&folder, "file", large, sizeof(large), 0600, &err))
		return 4;
	if (strstr(err.message, "No space left") == NULL || strstr(err.hint, "free some space") == NULL)
		return 5;
	if (count_entries(dir, FS_ATOMIC_PREFIX) != 0)
		return 6;
	check_content(&folder, "file", "old");
	return 0;
}

TEST(a_full_disk_is_noticed_before_and_survived_after)
{
	const char *dir = scratch("disk");
	CHECK(mkdir(dir, 0700) == 0);
	int status = child_status(write_to_full_disk, dir);
	if (status == SKIPPED)
		printf("skipped: this user cannot mount a small disk\n");
	else
		CHECK_INT(status, 0);
}

TEST_MAIN()

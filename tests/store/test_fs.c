/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the store, and its records. */
#include "store/store.h"
#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct store *open_store(const char *dir, bool create)
{
	struct error err = {0};
	struct store *store = store_open(dir, create, &err);
	CHECK_OK(store != NULL, err);
	return store;
}

static unsigned mode_of(const char *path)
{
	struct stat info;
	CHECK(lstat(path, &info) == 0);
	return info.st_mode & 07777;
}

static void write_text(struct store *store, enum store_record kind, const char *name, const char *text)
{
	struct error err = {0};
	CHECK_OK(store_write_record(store, kind, name, text, strlen(text), &err), err);
}

static void check_text(struct store *store, enum store_record kind, const char *name, const char *want)
{
	struct buf text CLEANUP(buf_done) = {0};
	struct error err = {0};
	bool found = false;
	CHECK_OK(store_read_record(store, kind, name, &text, &found, &err), err);
	CHECK_INT(found, want != NULL);
	if (want != NULL)
		CHECK_STR(buf_cstr(&text), want);
}

/* Reading must fail as ERROR_STORE and say all of these. */
static void check_refused(struct store *store, const char *name, const char *said, const char *hint)
{
	struct buf text CLEANUP(buf_done) = {0};
	struct error err = {0};
	bool found = false;
	CHECK(!store_read_record(store, STORE_RENEWAL, name, &text, &found, &err));
	CHECK_INT(err.category, ERROR_STORE);
	CHECK_CONTAINS(err.message, said);
	CHECK_CONTAINS(err.message, name);
	CHECK_CONTAINS(err.hint, hint);
}

TEST(a_missing_directory_reads_as_empty_and_is_not_made)
{
	struct error err = {0};
	const char *dir = scratch("missing");
	struct store *store CLEANUP(store_closep) = open_store(dir, false);
	struct str_list names CLEANUP(str_list_done) = {0};
	uint64_t number = 0;
	bool found = true;
	CHECK_STR(store_dir(store), dir);
	check_text(store, STORE_RENEWAL, "example.com", NULL);
	check_text(store, STORE_ACCOUNT, "example.com", NULL);
	CHECK_OK(store_live_number(store, "example.com", &number, &found, &err), err);
	CHECK(!found);
	CHECK_OK(store_list_records(store, STORE_RENEWAL, &names, &err), err);
	CHECK_INT(names.len, 0);
	CHECK_OK(store_delete_record(store, STORE_ORDER, "example.com", &err), err);
	CHECK_OK(store_discard_staged(store, "example.com", &err), err);
	CHECK(access(dir, F_OK) != 0);
	CHECK(!store_write_record(store, STORE_ORDER, "example.com", "{}", 2, &err));
	CHECK_CONTAINS(err.message, dir);
}

TEST(folders_are_private_whatever_the_umask)
{
	static const char *const folders[] = {"", "/archive", "/live", "/renewal", "/orders", "/accounts", "/locks"};
	mode_t before = umask(0);
	struct store *store CLEANUP(store_closep) = open_store(scratch("private/deep/down"), true);
	struct error err = {0};
	struct secret key CLEANUP(secret_done) = {0};
	CHECK_OK(secret_set(&key, "key", 3, &err), err);
	CHECK_OK(store_write_account_key(store, "ca.test-1", &key, &err), err);
	write_text(store, STORE_RENEWAL, "example.com", "{}");
	(void)umask(before);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "private/deep/down%s", folders[i]);
		CHECK_INT(mode_of(scratch(path)), 0700);
	}
	CHECK_INT(mode_of(scratch("private")), 0700);
	CHECK_INT(mode_of(scratch("private/deep/down/accounts/ca.test-1")), 0700);
	CHECK_INT(mode_of(scratch("private/deep/down/accounts/ca.test-1/key.pem")), 0600);
	CHECK_INT(mode_of(scratch("private/deep/down/renewal/example.com.json")), 0600);
}

TEST(a_directory_that_others_may_change_is_refused)
{
	struct error err = {0};
	struct store *store = open_store(scratch("shared"), true);
	store_close(store);
	CHECK(chmod(scratch("shared"), 0770) == 0);
	CHECK(store_open(scratch("shared"), false, &err) == NULL);
	CHECK_INT(err.category, ERROR_STORE);
	CHECK_CONTAINS(err.hint, "chmod go-w");
	CHECK_CONTAINS(err.hint, scratch("shared"));

	/* The same one level deeper. */
	error_clear(&err);
	CHECK(chmod(scratch("shared"), 0755) == 0 && chmod(scratch("shared/live"), 0777) == 0);
	CHECK(store_open(scratch("shared"), false, &err) == NULL);
	CHECK_CONTAINS(err.message, "shared/live");
}

TEST(a_directory_that_is_none_is_refused)
{
	struct error err = {0};
	spoil(scratch("plain-file"), "x", 1);
	CHECK(store_open(scratch("plain-file"), true, &err) == NULL);
	CHECK_CONTAINS(err.message, "plain-file");
	error_clear(&err);
	CHECK(store_open("", true, &err) == NULL);

	/* A folder of ours that leads elsewhere. */
	error_clear(&err);
	store_close(open_store(scratch("linked"), true));
	CHECK(rmdir(scratch("linked/live")) == 0 && symlink("/tmp", scratch("linked/live")) == 0);
	CHECK(store_open(scratch("linked"), true, &err) == NULL);
	CHECK_CONTAINS(err.message, "linked/live");
}

/* Runs in a child without root's rights: 0 when all is as it should be. */
static int as_ordinary_user(const char *dir)
{
	struct error make = {0}, look = {0};
	char inside[512];
	if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
		return 1;
	(void)snprintf(inside, sizeof(inside), "%s/state", dir);
	if (store_open(inside, true, &make) != NULL || strstr(make.message, dir) == NULL)
		return 2;
	if (store_open(dir, false, &look) != NULL || look.category != ERROR_STORE)
		return 3;
	return strstr(look.message, "Permission denied") != NULL ? 0 : 4;
}

TEST(a_directory_that_this_user_may_not_enter_is_named)
{
	int status = 0;
	const char *dir = scratch("forbidden");
	CHECK(mkdir(dir, 0700) == 0);
	CHECK(chmod(test_temp_dir(), 0711) == 0 && chmod(dir, 0) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(as_ordinary_user(dir));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(chmod(dir, 0700) == 0 && chmod(test_temp_dir(), 0700) == 0);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
}

TEST(records_are_written_replaced_listed_and_deleted)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = open_store(scratch("records"), true);
	struct str_list names CLEANUP(str_list_done) = {0};
	static const enum store_record kinds[] = {STORE_RENEWAL, STORE_ORDER, STORE_ACCOUNT};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		check_text(store, kinds[i], "b.test", NULL);
		write_text(store, kinds[i], "b.test", "first");
		write_text(store, kinds[i], "b.test", "second");
		write_text(store, kinds[i], "a.test", "other");
		check_text(store, kinds[i], "b.test", "second");
		CHECK_OK(store_list_records(store, kinds[i], &names, &err), err);
		CHECK_INT(names.len, 2);
		CHECK_STR(names.items[0], "a.test");
		CHECK_STR(names.items[1], "b.test");
		CHECK_OK(store_delete_record(store, kinds[i], "b.test", &err), err);
		CHECK_OK(store_delete_record(store, kinds[i], "b.test", &err), err);
		check_text(store, kinds[i], "b.test", NULL);
		CHECK_OK(store_list_records(store, kinds[i], &names, &err), err);
		CHECK_INT(names.len, 1);
	}
	CHECK_INT(count_entries(scratch("records"), ".tmp-"), 0);
	char *path AUTO_FREE = store_record_path(store, STORE_ACCOUNT, "a.test", &err);
	CHECK_STR(path, scratch("records/accounts/a.test/account.json"));
	CHECK(access(path, F_OK) == 0);
}

TEST(only_records_are_listed)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = open_store(scratch("listed"), true);
	struct str_list names CLEANUP(str_list_done) = {0};
	struct secret key CLEANUP(secret_done) = {0};
	write_text(store, STORE_RENEWAL, "a.test", "x");
	spoil(scratch("listed/renewal/b.test.json~"), "x", 1);
	spoil(scratch("listed/renewal/.tmp-0123456789abcdef"), "x", 1);
	spoil(scratch("listed/renewal/UPPER.json"), "x", 1);
	spoil(scratch("listed/renewal/.json"), "x", 1);
	CHECK_OK(store_list_records(store, STORE_RENEWAL, &names, &err), err);
	CHECK_INT(names.len, 1);
	CHECK_OK(secret_set(&key, "key", 3, &err), err);
	CHECK_OK(store_write_account_key(store, "keyonly", &key, &err), err);
	CHECK_OK(store_list_records(store, STORE_ACCOUNT, &names, &err), err);
	CHECK_INT(names.len, 0);
}

TEST(names_that_leave_the_store_are_refused)
{
	static const char *const names[] = {"../etc", "a/b", "",     ".",      "..", ".hidden",
					    "-x",     "A",   "a..b", "*.test", "x\n"};
	struct store *store CLEANUP(store_closep) = open_store(scratch("names"), true);
	struct secret key CLEANUP(secret_done) = {0};
	struct error err = {0};
	CHECK_OK(secret_set(&key, "key", 3, &err), err);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		uint64_t number = 0;
		bool found = false;
		struct error refusals[6] = {0};
		CHECK(!store_write_record(store, STORE_RENEWAL, names[i], "x", 1, &refusals[0]));
		CHECK(!store_stage_key(store, names[i], &key, &refusals[1]));
		CHECK(!store_live_number(store, names[i], &number, &found, &refusals[2]));
		CHECK(!store_write_account_key(store, names[i], &key, &refusals[3]));
		CHECK(store_live_path(store, names[i], &refusals[4]) == NULL);
		CHECK(store_lock(store, "certificate", names[i], deadline_in(0, NULL), &refusals[5]) == NULL);
		for (size_t j = 0; j < ARRAY_LEN(refusals); j++)
			CHECK_INT(refusals[j].category, ERROR_USAGE);
	}
}

TEST(a_file_somebody_meddled_with_is_refused)
{
	struct store *store CLEANUP(store_closep) = open_store(scratch("meddled"), true);
	write_text(store, STORE_RENEWAL, "empty.test", "x");
	spoil(scratch("meddled/renewal/empty.test.json"), "", 0);
	check_refused(store, "empty.test", "is empty", "from a backup");

	write_text(store, STORE_RENEWAL, "open.test", "x");
	CHECK(chmod(scratch("meddled/renewal/open.test.json"), 0666) == 0);
	check_refused(store, "open.test", "0666", "chmod 600");

	write_text(store, STORE_RENEWAL, "twice.test", "x");
	CHECK(link(scratch("meddled/renewal/twice.test.json"), scratch("meddled/second")) == 0);
	check_refused(store, "twice.test", "more than one name", "remove it");

	spoil(scratch("meddled/outside"), "secret", 6);
	CHECK(symlink("../outside", scratch("meddled/renewal/link.test.json")) == 0);
	check_refused(store, "link.test", "symbolic link", "");

	CHECK(mkfifo(scratch("meddled/renewal/fifo.test.json"), 0600) == 0);
	check_refused(store, "fifo.test", "not a regular file", "");

	int fd = open(scratch("meddled/renewal/huge.test.json"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && ftruncate(fd, 64L << 20) == 0 && close(fd) == 0);
	check_refused(store, "huge.test", "larger than", "from a backup");

	if (geteuid() == 0) {
		write_text(store, STORE_RENEWAL, "foreign.test", "x");
		/* Owned by us or root is fine, so another user's file is needed. */
		CHECK(chown(scratch("meddled/renewal/foreign.test.json"), 65534, 65534) == 0);
		check_refused(store, "foreign.test", "belongs to user 65534", "chown");
	} else {
		printf("skipped: only root can give a file away\n");
	}
}

TEST(writing_replaces_a_planted_link_and_follows_none)
{
	struct store *store CLEANUP(store_closep) = open_store(scratch("planted"), true);
	spoil(scratch("planted/victim"), "untouched", 9);
	CHECK(symlink("../victim", scratch("planted/orders/a.test.json")) == 0);
	write_text(store, STORE_ORDER, "a.test", "mine");
	check_text(store, STORE_ORDER, "a.test", "mine");
	struct stat info;
	CHECK(lstat(scratch("planted/victim"), &info) == 0);
	CHECK_INT(info.st_size, 9);
	CHECK(lstat(scratch("planted/orders/a.test.json"), &info) == 0 && S_ISREG(info.st_mode));
}

TEST(old_temporaries_are_swept_and_young_ones_are_left)
{
	static const char *const old[] = {"swept/renewal/.tmp-00000000000000aa", "swept/orders/.tmp-00000000000000aa",
					  "swept/accounts/ca/.tmp-00000000000000aa"};
	struct timeval times[2] = {{.tv_sec = clock_wall() - 4000}, {.tv_sec = clock_wall() - 4000}};
	struct store *store = open_store(scratch("swept"), true);
	write_text(store, STORE_ACCOUNT, "ca", "x");
	store_close(store);
	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		spoil(scratch(old[i]), "half", 4);
		CHECK(utimes(scratch(old[i]), times) == 0);
	}
	CHECK(symlink("../archive/x/1", scratch("swept/live/.tmp-00000000000000aa")) == 0);
	CHECK(lutimes(scratch("swept/live/.tmp-00000000000000aa"), times) == 0);
	spoil(scratch("swept/renewal/.tmp-00000000000000bb"), "young", 5);
	store_close(open_store(scratch("swept"), false));
	CHECK_INT(count_entries(scratch("swept"), ".tmp-"), 1);
	CHECK(access(scratch("swept/renewal/.tmp-00000000000000bb"), F_OK) == 0);
}

TEST(account_keys_are_kept_and_never_half_read)
{
	struct error err = {0};
	struct store *store CLEANUP(store_closep) = open_store(scratch("keys"), true);
	struct secret key CLEANUP(secret_done) = {0}, back CLEANUP(secret_done) = {0};
	bool found = true;
	CHECK_OK(store_read_account_key(store, "ca", &back, &found, &err), err);
	CHECK(!found);
	CHECK_OK(secret_set(&key, "the key", 7, &err), err);
	CHECK_OK(store_write_account_key(store, "ca", &key, &err), err);
	CHECK_OK(store_read_account_key(store, "ca", &back, &found, &err), err);
	CHECK(found && secret_equal(&key, &back));

	spoil(scratch("keys/accounts/ca/key.pem"), "", 0);
	CHECK(!store_read_account_key(store, "ca", &back, &found, &err));
	CHECK_INT(err.category, ERROR_STORE);
	CHECK_CONTAINS(err.hint, "backup");

	error_clear(&err);
	spoil(scratch("keys/accounts/ca/key.pem"), "the key", 7);
	CHECK(chmod(scratch("keys/accounts/ca/key.pem"), 0604) == 0);
	CHECK(!store_read_account_key(store, "ca", &back, &found, &err));
	CHECK_CONTAINS(err.hint, "chmod 600");
}

TEST_MAIN()

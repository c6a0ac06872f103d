/* SPDX-License-Identifier: Apache-2.0 */
/* The SFTP client's operations on a real sshd, one by one: what each leaves and what it tells. */
#include "support_sshd.h"

#include "base/limits.h"
#include "tests/support/test.h"
#include "transport/remote.h"
#include "transport/sftp.h"
#include "transport/ssh_target.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct sftp_owner as_made = {-1, -1};
static struct test_sshd sshd;
static struct ssh_target target;
static struct remote remote;
static char root[300];

static const char *in_root(const char *name)
{
	static char paths[8][512];
	static size_t next;
	char *path = paths[next++ % ARRAY_LEN(paths)];
	(void)snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

/* A folder of its own and a connection for each test. */
static struct sftp *begin(const char *name)
{
	struct error err = {0};
	(void)snprintf(root, sizeof(root), "%s/%s", test_temp_dir(), name);
	CHECK_INT(mkdir(root, 0755), 0);
	CHECK_OK(remote_connect(&remote, &target, deadline_in(20000, NULL), &err), err);
	return remote.sftp;
}

static void end(void)
{
	remote_disconnect(&remote);
}

static bool holds(struct sftp *sftp, const struct sftp_file *files, size_t count)
{
	struct error err = {0};
	bool ret = false;
	CHECK_OK(sftp_files_hold(sftp, files, count, &ret, &err), err);
	return ret;
}

static char *filled(size_t len, char with)
{
	char *text = malloc(len + 2);
	CHECK(text != NULL);
	memset(text, with, len + 1);
	text[len + 1] = '\0';
	return text;
}

/* Content is written and compared in pieces of 32 KiB, and in batches of no more than 1 MiB. */
TEST(content_is_compared_to_its_last_byte)
{
	static const size_t sizes[] = {0, 1, 32767, 32768, 32769, 65536, 300000, 1048576};
	struct sftp *sftp = begin("sizes");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct error err = {0};
		char name[64], *text = filled(sizes[i], 'x');
		(void)snprintf(name, sizeof(name), "%zu", sizes[i]);
		struct sftp_file file = {in_root(name), text, sizes[i], 0640};
		CHECK_OK(sftp_create_files(sftp, &file, 1, as_made, &err), err);
		CHECK(holds(sftp, &file, 1));
		file.len++;
		CHECK(!holds(sftp, &file, 1));
		file.len--;
		if (sizes[i] > 0) {
			file.len--;
			CHECK(!holds(sftp, &file, 1));
			file.len++;
			text[sizes[i] - 1] = 'y';
			CHECK(!holds(sftp, &file, 1));
		}
		free(text);
	}
	end();
}

TEST(several_files_at_once)
{
	struct sftp *sftp = begin("several");
	struct error err = {0};
	struct stat info = {0};
	char *large = filled(700000, 'l'), *other = filled(500000, 'o');
	struct sftp_file files[SFTP_FILES_MAX] = {
		{in_root("large"), large, 700000, 0600},
		{in_root("other"), other, 500000, 0644},
		{in_root("a"), "a", 1, 0400},
		{in_root("empty"), "", 0, 0644},
		{in_root("b"), "bb", 2, 0600},
		{in_root("c"), "ccc", 3, 0600},
		{in_root("d"), "dddd", 4, 0600},
		{in_root("e"), "eeeee", 5, 0600},
	};
	const struct sftp_owner ours = {-1, (int64_t)getgid()};
	CHECK_OK(sftp_create_files(sftp, files, ARRAY_LEN(files), ours, &err), err);
	CHECK(holds(sftp, files, ARRAY_LEN(files)));
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CHECK_INT(stat(files[i].path, &info), 0);
		CHECK_INT(info.st_mode & 07777, files[i].mode);
		CHECK_INT(info.st_size, files[i].len);
	}
	CHECK_INT(unlink(files[4].path), 0);
	CHECK(!holds(sftp, files, ARRAY_LEN(files)));
	free(large);
	free(other);
	end();
}

/* What is there already is neither written to nor taken for ours, and the session goes on. */
TEST(a_file_that_is_there_is_not_overwritten)
{
	struct sftp *sftp = begin("there");
	struct error err = {0};
	const struct sftp_file files[] = {{in_root("new"), "new", 3, 0600}, {in_root("old"), "new", 3, 0600}};
	test_write_file(in_root("old"), "old", 0600);
	CHECK(!sftp_create_files(sftp, files, 2, as_made, &err));
	CHECK_CONTAINS(err.message, "cannot create ");
	CHECK_CONTAINS(err.message, "/there/old");
	CHECK_STR(test_read_file(in_root("old")), "old");
	CHECK(sftp_usable(sftp) && !holds(sftp, files, 2));
	error_clear(&err);
	CHECK(symlink(in_root("elsewhere"), in_root("link")) == 0);
	CHECK(!sftp_create_file(sftp, in_root("link"), "new", 3, 0600, as_made, &err));
	CHECK(access(in_root("elsewhere"), F_OK) != 0);
	end();
}

TEST(a_survey_tells_links_from_what_they_lead_to)
{
	struct sftp *sftp = begin("survey");
	struct error err = {0};
	test_write_file(in_root("file"), "text", 0640);
	CHECK_INT(symlink("file", in_root("link")), 0);
	CHECK_INT(symlink("nowhere", in_root("dangling")), 0);
	CHECK_INT(symlink("circle", in_root("circle")), 0);
	struct sftp_sight sights[] = {{.path = in_root("file")},     {.path = in_root("link")},
				      {.path = in_root("dangling")}, {.path = in_root("circle")},
				      {.path = in_root("absent")},   {.path = root}};
	CHECK_OK(sftp_survey(sftp, sights, ARRAY_LEN(sights), &err), err);
	CHECK(sights[0].itself.kind == SFTP_FILE && sights[0].target == NULL && sights[0].beyond.kind == SFTP_FILE);
	CHECK_INT(sights[0].beyond.mode, 0640);
	CHECK(sights[1].itself.kind == SFTP_LINK && sights[1].beyond.kind == SFTP_FILE);
	CHECK_STR(sights[1].target, "file");
	CHECK(sights[2].itself.kind == SFTP_LINK && sights[2].beyond.kind == SFTP_ABSENT);
	CHECK_STR(sights[2].target, "nowhere");
	CHECK(sights[3].itself.kind == SFTP_LINK && sights[3].beyond.kind != SFTP_FILE);
	CHECK(sights[4].itself.kind == SFTP_ABSENT && sights[4].target == NULL && sights[4].beyond.kind == SFTP_ABSENT);
	CHECK(sights[5].itself.kind == SFTP_DIRECTORY && sights[5].beyond.kind == SFTP_DIRECTORY);
	sftp_sights_done(sights, ARRAY_LEN(sights));
	end();
}

TEST(links)
{
	struct sftp *sftp = begin("links");
	struct error err = {0};
	char *leads AUTO_FREE = NULL;
	CHECK_OK(sftp_create_link(sftp, in_root("link"), "one", &err), err);
	CHECK(!sftp_create_link(sftp, in_root("link"), "two", &err));
	CHECK_CONTAINS(err.message, "cannot create the link");
	error_clear(&err);
	CHECK_OK(sftp_renew_link(sftp, in_root("link"), "two", &err), err);
	CHECK_OK(sftp_read_link(sftp, in_root("link"), &leads, &err), err);
	CHECK_STR(leads, "two");
	CHECK_INT(mkdir(in_root("folder"), 0755), 0);
	CHECK(!sftp_renew_link(sftp, in_root("folder"), "two", &err));
	CHECK_CONTAINS(err.message, "cannot remove");
	end();
}

TEST(directories_are_made_from_where_they_are_missing)
{
	struct sftp *sftp = begin("make");
	struct error err = {0};
	struct stat info = {0};
	CHECK_OK(sftp_create_directories(sftp, in_root("a/b//c/"), &err), err);
	CHECK(stat(in_root("a/b/c"), &info) == 0 && S_ISDIR(info.st_mode));
	CHECK_INT(info.st_mode & 07777, 0755);
	CHECK_OK(sftp_create_directories(sftp, in_root("a/b/d"), &err), err);
	CHECK_OK(sftp_create_directories(sftp, in_root("a"), &err), err);
	CHECK_OK(sftp_create_directories(sftp, "/", &err), err);
	test_write_file(in_root("file"), "text", 0644);
	CHECK(!sftp_create_directories(sftp, in_root("file/under/it"), &err));
	CHECK_CONTAINS(err.message, "/make/file is there and is no directory");
	error_clear(&err);
	CHECK(!sftp_create_directories(sftp, "/proc/certferry/folder", &err));
	CHECK_CONTAINS(err.message, "cannot create the directory /proc/certferry");
	end();
}

static bool is_any(const char *name)
{
	return name[0] != '\0';
}

static bool is_text(const char *name)
{
	return strcmp(name, "text") == 0;
}

TEST(a_tree_with_anything_else_in_it_stays)
{
	struct sftp *sftp = begin("foreign");
	struct error err = {0};
	CHECK_INT(mkdir(in_root("tree"), 0755), 0);
	test_write_file(in_root("tree/text"), "text", 0644);
	test_write_file(in_root("tree/other"), "text", 0644);
	CHECK(!sftp_remove_tree(sftp, in_root("tree"), is_text, &err));
	CHECK_CONTAINS(err.message, "cannot remove ");
	CHECK(access(in_root("tree/text"), F_OK) != 0 && access(in_root("tree/other"), F_OK) == 0);
	end();
}

TEST(trees_are_removed_and_links_to_them_are_not_followed)
{
	enum { NAMES = 300 };
	struct sftp *sftp = begin("remove");
	struct str_list names CLEANUP(str_list_done) = {0};
	struct error err = {0};
	char name[64];
	CHECK_INT(mkdir(in_root("tree"), 0755), 0);
	for (int i = 0; i < NAMES; i++) {
		(void)snprintf(name, sizeof(name), "tree/a-name-of-some-length-%d", i);
		test_write_file(in_root(name), "text", 0644);
	}
	CHECK_OK(sftp_list(sftp, in_root("tree"), &names, &err), err);
	CHECK_INT(names.len, NAMES);
	CHECK_INT(symlink("tree", in_root("link")), 0);
	CHECK_OK(sftp_remove_tree(sftp, in_root("link"), is_any, &err), err);
	CHECK(access(in_root("link"), F_OK) != 0 && access(in_root("tree/a-name-of-some-length-7"), F_OK) == 0);
	CHECK_OK(sftp_remove_tree(sftp, in_root("tree"), is_any, &err), err);
	CHECK(access(in_root("tree"), F_OK) != 0);
	CHECK_OK(sftp_remove_tree(sftp, in_root("tree"), is_any, &err), err);
	CHECK_OK(sftp_create_directories(sftp, in_root("deep/er"), &err), err);
	CHECK(!sftp_remove_tree(sftp, in_root("deep"), is_any, &err));
	CHECK_CONTAINS(err.message, "cannot remove what is in ");
	end();
}

static void set_target(void)
{
	struct error err = {0};
	char id[512];
	(void)snprintf(id, sizeof(id), "%s/id", sshd.dir);
	target.port = sshd.port;
	target.server = strdup("web-1");
	target.host = strdup("127.0.0.1");
	target.user = strdup(getpwuid(getuid())->pw_name);
	test_set_only(&target.known_hosts, sshd.known_hosts);
	CHECK_OK(secret_read_file(ssh_target_next_identity(&target), id, LIMIT_KEY_FILE, true, &err), err);
}

int main(int argc, char **argv)
{
	if (!test_sshd_available())
		return 0;
	test_sshd_start(&sshd, "sshd", NULL);
	set_target();
	int failed = test_run_all(argc, argv);
	ssh_target_done(&target);
	test_sshd_stop(&sshd);
	return failed;
}

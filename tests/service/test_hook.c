/* SPDX-License-Identifier: Apache-2.0 */
#include "service/hook.h"

#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder(const char *name, mode_t mode)
{
	static char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", test_temp_dir(), name);
	CHECK(mkdir(path, 0700) == 0 && chmod(path, mode) == 0);
	return path;
}

/* A shell script called NAME in DIR. */
static void put(const char *dir, const char *name, const char *script, mode_t mode)
{
	char path[1024];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fprintf(file, "#!/bin/sh\n%s\n", script) > 0 && fclose(file) == 0);
	CHECK(chmod(path, mode) == 0);
}

static struct hook_list listed(const char *dir)
{
	struct hook_list list = {0};
	struct error err = {0};
	CHECK_OK(hook_list_add_folder(&list, HOOK_DEPLOY, dir, &err), err);
	return list;
}

static bool add_line(struct hook_list *list, const char *line)
{
	CLEANUP(str_list_done) struct str_list words = {0};
	struct error err = {0};
	return str_list_add(&words, line, &err) && hook_list_add(list, HOOK_DEPLOY, "deploy_hook", true, &words, &err);
}

TEST(files_that_can_be_executed_sorted_as_certbot_does)
{
	const char *dir = folder("sorted", 0755);
	put(dir, "20-second", "", 0755);
	put(dir, "10-first", "", 0700);
	put(dir, "10-first~", "", 0755);
	put(dir, "README", "", 0644);
	char inner[1024];
	(void)snprintf(inner, sizeof(inner), "%s/folder", dir);
	CHECK(mkdir(inner, 0755) == 0);

	CLEANUP(hook_list_done) struct hook_list list = listed(dir);
	CHECK_INT(list.count, 2);
	CHECK_STR(list.items[0].name, "deploy/10-first");
	CHECK_STR(list.items[1].name, "deploy/20-second");
	CHECK(str_ends(list.items[1].text, "/sorted/20-second") && list.items[1].refused == NULL);
}

TEST(no_folder_is_no_hooks)
{
	CLEANUP(hook_list_done) struct hook_list list = listed("/nowhere/renewal-hooks/deploy");
	CHECK_INT(list.count, 0);
}

TEST(a_folder_that_others_may_write_to_is_refused)
{
	const char *dir = folder("open", 0777);
	struct error err = {0};
	AUTO_FREE char *output = NULL;
	put(dir, "mine", "", 0755);
	CLEANUP(hook_list_done) struct hook_list list = listed(dir);
	CHECK_INT(list.count, 1);
	CHECK(list.items[0].refused != NULL);
	CHECK(!hook_exec(&list.items[0], NULL, deadline_in(5000, NULL), &output, &err));
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK(strstr(err.message, "could put some there") != NULL);
	CHECK_STR(err.step, "deploy-hook");
}

TEST(a_file_that_others_may_write_to_is_not_run)
{
	const char *dir = folder("writable", 0755);
	struct error err = {0};
	AUTO_FREE char *output = NULL;
	put(dir, "theirs", "", 0777);
	CLEANUP(hook_list_done) struct hook_list list = listed(dir);
	CHECK_INT(list.count, 1);
	CHECK(!hook_exec(&list.items[0], NULL, deadline_in(5000, NULL), &output, &err));
	CHECK(strstr(err.message, "could change it") != NULL);
}

TEST(a_line_that_names_a_file_of_the_folder_is_not_a_second_hook)
{
	const char *dir = folder("same", 0755);
	put(dir, "hook", "", 0755);
	CLEANUP(hook_list_done) struct hook_list list = listed(dir);
	CHECK(add_line(&list, list.items[0].text));
	CHECK_INT(list.count, 1);
	CHECK(add_line(&list, "true"));
	CHECK_INT(list.count, 2);
	CHECK(!hook_is_same(&list.items[0], &list.items[1]));
}

TEST(what_it_said_is_kept_safe_for_a_terminal)
{
	CLEANUP(hook_list_done) struct hook_list list = {0};
	AUTO_FREE char *output = NULL;
	struct error err = {0};
	CHECK(add_line(&list, "printf 'a\\033[31mred\\n'; echo b >&2"));
	CHECK_OK(hook_exec(&list.items[0], NULL, deadline_in(5000, NULL), &output, &err), err);
	CHECK_STR(output, "a\\x1b[31mred\nb");
}

TEST(a_failure_names_the_line_and_how_it_ended)
{
	CLEANUP(hook_list_done) struct hook_list list = {0};
	AUTO_FREE char *output = NULL;
	struct error err = {0};
	CHECK(add_line(&list, "echo no >&2; exit 7"));
	CHECK(!hook_exec(&list.items[0], NULL, deadline_in(5000, NULL), &output, &err));
	CHECK_STR(err.message, "echo no >&2; exit 7 ended with exit code 7");
	CHECK_STR(err.said, "no");
	CHECK_STR(output, "no");
}

TEST(a_hook_that_hangs_is_killed_with_what_it_started)
{
	CLEANUP(hook_list_done) struct hook_list list = {0};
	AUTO_FREE char *output = NULL;
	struct error err = {0};
	CHECK(add_line(&list, "sleep 600 & sleep 600"));
	CHECK(!hook_exec(&list.items[0], NULL, deadline_in(200, NULL), &output, &err));
	CHECK(strstr(err.message, "did not end in time") != NULL);
	CHECK(strstr(err.hint, "hook_timeout") != NULL);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks in the folders, and running one: the user's line is given to the shell as it is, with data in variables only.
 */
#include "service/hook.h"

#include "base/escape.h"
#include "base/limits.h"
#include "transport/exec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 200 };

static const char SHELL[] = "/bin/sh";

static const char *const steps[] = {[HOOK_PRE] = "pre-hook", [HOOK_DEPLOY] = "deploy-hook", [HOOK_POST] = "post-hook"};

void hook_list_done(struct hook_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].text);
		free(list->items[i].refused);
		str_list_done(&list->items[i].words);
	}
	free(list->items);
	*list = (struct hook_list){0};
}

static bool same_words(const struct str_list *a, const struct str_list *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (!str_equal(a->items[i], b->items[i]))
			return false;
	return true;
}

/* A line that is nothing but a file's path is the same as that file. */
bool hook_is_same(const struct hook *a, const struct hook *b)
{
	return a->when == b->when && same_words(&a->words, &b->words);
}

/* The words as a person reads them. */
static bool set_text(struct hook *hook, struct error *err)
{
	char safe[TEXT_MAX];
	CLEANUP(buf_done) struct buf line;
	buf_init(&line, LIMIT_CONFIG_FILE);
	for (size_t i = 0; i < hook->words.len; i++)
		buf_printf(&line, "%s%s", i > 0 ? " " : "", hook->words.items[i]);
	return buf_check(&line, "hook", err) &&
	       str_set(&hook->text, escape_text(safe, sizeof(safe), buf_cstr(&line), line.len, /* keep_lines= */ false),
		       err);
}

/* An empty entry. */
static struct hook *grow(struct hook_list *list, enum hook_when when, struct error *err)
{
	struct hook *grown = reallocarray(list->items, list->count + 1, sizeof(*grown));
	if (grown == NULL) {
		error_oom(err);
		return NULL;
	}
	list->items = grown;
	grown[list->count] = (struct hook){.when = when};
	return &grown[list->count++];
}

bool hook_list_add(struct hook_list *list, enum hook_when when, const char *name, bool is_shell,
		   const struct str_list *words, struct error *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].when == when && same_words(&list->items[i].words, words))
			return true;
	struct hook *hook = grow(list, when, err);
	if (hook == NULL)
		return false;
	hook->is_shell = is_shell;
	return str_set(&hook->name, name, err) && str_list_copy(&hook->words, words, err) && set_text(hook, err);
}

/* --- Folders --- */

/* In place of what FOLDER holds: it cannot be run because of CAUSE. */
static bool refuse_folder(struct hook_list *list, enum hook_when when, const char *folder, const struct error *cause,
			  struct error *err)
{
	char safe[TEXT_MAX];
	struct hook *hook = grow(list, when, err);
	if (hook == NULL || (hook->name = str_format(err, "%s/", hook_when_name(when))) == NULL ||
	    !str_set(&hook->text, escape_str(safe, sizeof(safe), folder), err))
		return false;
	error_keep(&hook->refused, cause);
	return true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Nobody but root and us may put anything into it. */
static bool check_folder(int fd, const char *folder, struct error *err)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return error_errno(err, ERROR_CONFIG, NULL, errno, "%s", folder);
	if ((status.st_uid == 0 || status.st_uid == geteuid()) && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return true;
	error_hint(err, "chown root %s; chmod go-w %s", folder, folder);
	return error_set(err, ERROR_CONFIG, NULL,
			 "the hooks in %s are not run: somebody else than root and this user could put some there",
			 folder);
}

static bool is_hook(int folder, const char *name)
{
	struct stat status;
	return !str_ends(name, "~") && fstatat(folder, name, &status, 0) == 0 && S_ISREG(status.st_mode) &&
	       (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
}

/* Sorted names. Takes FD. */
static bool read_folder(int take_fd, const char *folder, struct str_list *ret, struct error *err)
{
	DIR *dir = fdopendir(take_fd);
	bool ok = true;
	if (dir == NULL) {
		(void)error_errno(err, ERROR_CONFIG, NULL, errno, "%s", folder);
		(void)close(take_fd);
		return false;
	}
	for (struct dirent *entry; ok && (entry = readdir(dir)) != NULL;) {
		if (!is_hook(dirfd(dir), entry->d_name))
			continue;
		ok = ret->len < LIMIT_HOOK_FOLDER
			     ? str_list_add(ret, entry->d_name, err)
			     : error_set(err, ERROR_CONFIG, NULL, "the hooks in %s are not run: they are more than %d",
					 folder, LIMIT_HOOK_FOLDER);
	}
	(void)closedir(dir);
	if (ok && ret->len > 0)
		qsort(ret->items, ret->len, sizeof(*ret->items), compare_names);
	return ok;
}

static bool add_file(struct hook_list *list, enum hook_when when, const char *folder, const char *name,
		     struct error *err)
{
	CLEANUP(str_list_done) struct str_list words = {0};
	AUTO_FREE char *path = str_format(err, "%s/%s", folder, name);
	AUTO_FREE char *kept = str_format(err, "%s/%s", hook_when_name(when), name);
	return path != NULL && kept != NULL && str_list_add(&words, path, err) &&
	       hook_list_add(list, when, kept, /* is_shell= */ false, &words, err);
}

bool hook_list_add_folder(struct hook_list *list, enum hook_when when, const char *folder, struct error *err)
{
	CLEANUP(str_list_done) struct str_list names = {0};
	struct error cause = {0};
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0) {
		(void)error_errno(&cause, ERROR_CONFIG, NULL, errno, "cannot look for hooks in %s", folder);
		return refuse_folder(list, when, folder, &cause, err);
	}
	if (!check_folder(fd, folder, &cause)) {
		(void)close(fd);
		return refuse_folder(list, when, folder, &cause, err);
	}
	if (!read_folder(fd, folder, &names, &cause))
		return refuse_folder(list, when, folder, &cause, err);
	for (size_t i = 0; i < names.len; i++)
		if (!add_file(list, when, folder, names.items[i], err))
			return false;
	return true;
}

/* --- Running --- */

/* What it wrote to stdout, then what it wrote to stderr; beginning and end where that is long. */
static bool keep_output(const struct exec_result *result, char **ret, struct error *err)
{
	char safe[LIMIT_HOOK_OUTPUT];
	CLEANUP(buf_done) struct buf all;
	buf_init(&all, (size_t)2 * LIMIT_EXEC_OUTPUT + 1);
	buf_append(&all, buf_cstr(&result->out.kept), result->out.kept.len);
	if (all.len > 0 && all.data[all.len - 1] != '\n')
		buf_char(&all, '\n');
	buf_append(&all, buf_cstr(&result->err.kept), result->err.kept.len);
	(void)escape_ends(safe, sizeof(safe), buf_cstr(&all), all.len, result->out.left_out + result->err.left_out);
	return safe[0] == '\0' || str_set(ret, safe, err);
}

bool hook_exec(const struct hook *hook, const struct str_list *environment, struct deadline deadline, char **ret_output,
	       struct error *err)
{
	CLEANUP(exec_result_done) struct exec_result result = {0};
	CLEANUP(str_list_done) struct str_list arguments = {0};
	struct exec_request request = {.program = SHELL, .arguments = &arguments, .environment = environment};
	size_t first = hook->is_shell ? 0 : 1;

	if (hook->refused != NULL) {
		*err = *hook->refused;
		error_context(err, steps[hook->when], /* certificate= */ NULL, /* server= */ NULL);
		return false;
	}
	if (!hook->is_shell)
		request.program = hook->words.items[0];
	else if (!str_list_add(&arguments, "-c", err))
		return false;
	for (size_t i = first; i < hook->words.len; i++)
		if (!str_list_add(&arguments, hook->words.items[i], err))
			return false;
	if (!exec_run(&request, deadline, &result, err) || !keep_output(&result, ret_output, err)) {
		error_context(err, steps[hook->when], /* certificate= */ NULL, /* server= */ NULL);
		return false;
	}
	if (result.ending == EXEC_EXITED && result.code == 0)
		return true;
	if (result.ending == EXEC_TIMED_OUT)
		error_hint(err, "renewal.hook_timeout in the config is how many seconds one hook may take");
	return exec_failed(hook->text, &result, ERROR_CONFIG, steps[hook->when], err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-01 through a web server that is there already: the key authorization as a file below its webroot (RFC 8555
 * §8.3). The webroot may belong to somebody else, so no step of the path below it is followed through a symbolic link.
 */
#include "service/solver.h"

#include "base/limits.h"
#include "service/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char WELL_KNOWN[] = ".well-known";
static const char ACME_CHALLENGE[] = "acme-challenge";

struct webroot {
	char *path;
	int fd; /* <webroot>/.well-known/acme-challenge */
	struct journal journal;
};

static bool webroot_error(const struct webroot *webroot, const char *what, int errnum, struct error *err)
{
	error_errno(err, ERROR_CONFIG, "challenge", errnum, "cannot write the challenge: %s%s", webroot->path, what);
	error_hint(err,
		   "the webroot must exist and be writable by the user who runs this; it is the folder that the web "
		   "server serves on port 80");
	return false;
}

/* Open NAME below PARENT, made if it is missing; -1 with errno. A symbolic link there is refused by O_NOFOLLOW. */
static int open_folder(int parent, const char *name)
{
	enum { FOLDER_MODE = 0755 };
	bool made = mkdirat(parent, name, FOLDER_MODE) == 0;
	if (!made && errno != EEXIST)
		return -1;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && made)
		(void)fchmod(fd, FOLDER_MODE); /* whatever the umask: the web server must get in */
	return fd;
}

static bool open_challenge_folder(struct webroot *webroot, struct error *err)
{
	int root = open(webroot->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return webroot_error(webroot, "", errno, err);
	int well_known = open_folder(root, WELL_KNOWN);
	int failure = errno;
	(void)close(root);
	if (well_known < 0)
		return webroot_error(webroot, "/.well-known", failure, err);
	webroot->fd = open_folder(well_known, ACME_CHALLENGE);
	failure = errno;
	(void)close(well_known);
	if (webroot->fd < 0)
		return webroot_error(webroot, "/.well-known/acme-challenge", failure, err);
	if (faccessat(webroot->fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return webroot_error(webroot, "/.well-known/acme-challenge", errno, err);
	return true;
}

static bool write_all(int fd, const char *text)
{
	size_t len = strlen(text);
	while (len > 0) {
		ssize_t written = write(fd, text, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text += written;
		len -= (size_t)written;
	}
	return true;
}

static bool write_token(const struct webroot *webroot, const struct acme_challenge_task *task, struct error *err)
{
	enum { TOKEN_MODE = 0644 };
	/* The engine has checked the token's alphabet, so it is a plain file name. One of an earlier run is replaced.
	 */
	if (unlinkat(webroot->fd, task->token, /* flags= */ 0) != 0 && errno != ENOENT)
		return webroot_error(webroot, "/.well-known/acme-challenge", errno, err);
	int fd = openat(webroot->fd, task->token, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, TOKEN_MODE);
	if (fd < 0)
		return webroot_error(webroot, "/.well-known/acme-challenge", errno, err);
	bool ok = fchmod(fd, TOKEN_MODE) == 0 && write_all(fd, task->key_authorization);
	int failure = errno;
	if (close(fd) != 0 && ok) {
		ok = false;
		failure = errno;
	}
	return ok || webroot_error(webroot, "/.well-known/acme-challenge", failure, err);
}

static bool webroot_present(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct deadline deadline,
			    struct error *err)
{
	struct webroot *webroot = ctx;
	for (size_t i = 0; i < count; i++) {
		const struct journal_entry listed = {
			.webroot = webroot->path, .name = tasks[i].token, .value = tasks[i].key_authorization};
		if (!journal_add(&webroot->journal, &listed, err))
			return false;
	}
	if (!journal_save(&webroot->journal, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!deadline_check(deadline, "challenge", err) || !write_token(webroot, &tasks[i], err))
			return false;
	}
	return true;
}

static bool webroot_cleanup(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct error *err)
{
	struct webroot *webroot = ctx;
	bool ok = true;
	for (size_t i = 0; i < count; i++) {
		if (unlinkat(webroot->fd, tasks[i].token, /* flags= */ 0) == 0 || errno == ENOENT)
			journal_drop(&webroot->journal, tasks[i].token, tasks[i].key_authorization);
		else
			ok = webroot_error(webroot, "/.well-known/acme-challenge", errno, err);
	}
	return journal_save(&webroot->journal, err) && ok;
}

/* Whether the file FD holds TEXT, or what a run that was killed had written of it. */
static bool holds(int fd, const char *text)
{
	char content[LIMIT_PUBLISHED_FILE + 1];
	struct stat info;
	ssize_t len = -1;
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		len = read(fd, content, sizeof(content));
	return len >= 0 && (size_t)len <= strlen(text) && memcmp(content, text, (size_t)len) == 0;
}

/* <webroot>/.well-known/acme-challenge as it is; -1 with errno. */
static int find_challenge_folder(const char *path)
{
	enum { FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };
	int root = open(path, FLAGS);
	if (root < 0)
		return -1;
	int well_known = openat(root, WELL_KNOWN, FLAGS | O_NOFOLLOW);
	(void)close(root);
	if (well_known < 0)
		return -1;
	int folder = openat(well_known, ACME_CHALLENGE, FLAGS | O_NOFOLLOW);
	(void)close(well_known);
	return folder;
}

bool solver_webroot_remove(const char *path, const char *token, const char *key_authorization, struct error *err)
{
	int folder = find_challenge_folder(path);
	bool ok = folder >= 0 || errno == ENOENT;
	int fd = folder >= 0 ? openat(folder, token, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;

	if (fd >= 0 && holds(fd, key_authorization))
		ok = unlinkat(folder, token, /* flags= */ 0) == 0 || errno == ENOENT;
	else if (folder >= 0 && fd < 0)
		ok = errno == ENOENT;
	int failure = errno;
	if (fd >= 0)
		(void)close(fd);
	if (folder >= 0)
		(void)close(folder);
	return ok || error_errno(err, ERROR_CONFIG, "clean-up", failure, "cannot remove the challenge %s/%s/%s/%s",
				 path, WELL_KNOWN, ACME_CHALLENGE, token);
}

void *solver_webroot_open(struct service *service, const struct renewal *wanted, struct acme_solver *ret_port,
			  struct error *err)
{
	struct webroot *webroot = calloc(1, sizeof(*webroot));
	if (webroot == NULL) {
		error_oom(err);
		return NULL;
	}
	webroot->fd = -1;
	journal_init(&webroot->journal, service, wanted->name);
	if (!str_set(&webroot->path, wanted->webroot, err) || !open_challenge_folder(webroot, err)) {
		solver_webroot_close(webroot);
		return NULL;
	}
	*ret_port = (struct acme_solver){
		.ctx = webroot,
		.type = CHALLENGE_HTTP_01,
		.present = webroot_present,
		.cleanup = webroot_cleanup,
	};
	return webroot;
}

void solver_webroot_close(void *ctx)
{
	struct webroot *webroot = ctx;
	if (webroot->fd >= 0)
		(void)close(webroot->fd);
	journal_done(&webroot->journal);
	/* The folders stay: another certificate may be using them this very moment. */
	free(webroot->path);
	free(webroot);
}

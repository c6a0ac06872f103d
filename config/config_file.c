/* SPDX-License-Identifier: Apache-2.0 */
/* The config file itself: who can change it has our privileges, who can read it has the secrets written into it. */
#include "config/config-internal.h"

#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static bool open_failed(const char *file, int errnum, struct error *err)
{
	if (errnum == ENOENT)
		error_hint(err,
			   "write %s, for example: {email: you@example.com, domains: [{name: example.com, "
			   "aliases: [www.example.com], webroot: /var/www/html}]}; or name another file with --config",
			   file);
	return error_errno(err, ERROR_CONFIG, "config", errnum, "cannot open the config %s", file);
}

static bool check_file(int fd, const char *file, mode_t *ret_mode, struct error *err)
{
	struct stat info;
	if (fstat(fd, &info) != 0)
		return error_errno(err, ERROR_CONFIG, "config", errno, "cannot read the config %s", file);
	if (!S_ISREG(info.st_mode))
		return error_set(err, ERROR_CONFIG, "config", "the config %s is not a regular file", file);
	if (info.st_uid != 0 && info.st_uid != geteuid()) {
		error_hint(err, "chown the file to the user that runs certferry");
		return error_set(err, ERROR_CONFIG, "config",
				 "the config %s belongs to another user (uid %lu), who could run commands through it",
				 file, (unsigned long)info.st_uid);
	}
	if ((info.st_mode & 022) != 0) {
		error_hint(err, "chmod go-w %s", file);
		return error_set(err, ERROR_CONFIG, "config",
				 "others may write the config %s, and so run commands through it: its mode is %04o",
				 file, (unsigned)(info.st_mode & 07777));
	}
	if (info.st_size > LIMIT_CONFIG_FILE)
		return error_set(err, ERROR_CONFIG, "config", "the config %s is larger than %d bytes", file,
				 (int)LIMIT_CONFIG_FILE);
	*ret_mode = info.st_mode;
	return true;
}

static bool read_all(int fd, const char *file, struct buf *out, struct error *err)
{
	char chunk[16 * 1024];
	ssize_t n = 0;
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, ERROR_CONFIG, "config", errno, "cannot read the config %s", file);
		buf_append(out, chunk, (size_t)n);
	}
	explicit_bzero(chunk, sizeof(chunk));
	return buf_check(out, "config", err);
}

struct config *config_load(const char *file, struct config_report *report, struct error *err)
{
	/* O_NONBLOCK: a FIFO is refused rather than waited for. */
	int fd CLEANUP(close_fd) = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct buf text CLEANUP(buf_done) = {0};
	mode_t mode = 0;
	buf_init(&text, LIMIT_CONFIG_FILE);
	if (fd < 0) {
		(void)open_failed(file, errno, err);
		return NULL;
	}
	if (!check_file(fd, file, &mode, err) || !read_all(fd, file, &text, err))
		return NULL;
	return config_parse_mode(buf_cstr(&text), text.len, file, mode, report, err);
}

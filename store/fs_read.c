/* SPDX-License-Identifier: Apache-2.0 */
/* Reading our files, checked by descriptor: what was examined is what is read. */
#include "store/fs_read.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024 };

static const char step[] = "store";

struct source {
	int fd;
	size_t size;
	const struct fs_folder *folder; /* for messages */
	const char *name;
};

static void source_done(struct source *source)
{
	if (source->fd >= 0)
		(void)close(source->fd);
}

static bool check_owner(const struct source *source, const struct stat *info, mode_t refused, struct error *err)
{
	const char *folder = source->folder->path, *name = source->name;
	if (!S_ISREG(info->st_mode))
		return error_set(err, ERROR_STORE, step, "%s/%s is not a regular file", folder, name);
	if (info->st_nlink > 1) {
		error_hint(err, "find the other name (find DIR -samefile %s/%s) and remove it", folder, name);
		return error_set(err, ERROR_STORE, step, "%s/%s has more than one name (hard link)", folder, name);
	}
	if (info->st_uid != 0 && info->st_uid != geteuid()) {
		error_hint(err, "chown %u %s/%s, if you trust its content", (unsigned)geteuid(), folder, name);
		return error_set(err, ERROR_STORE, step, "%s/%s belongs to user %u, neither us (%u) nor root", folder,
				 name, (unsigned)info->st_uid, (unsigned)geteuid());
	}
	if ((info->st_mode & refused) != 0) {
		error_hint(err, "chmod 600 %s/%s", folder, name);
		return error_set(err, ERROR_STORE, step, "%s/%s may be used by others: its mode is %04o", folder, name,
				 (unsigned)(info->st_mode & 07777));
	}
	return true;
}

/* Open and examine. REFUSED: mode bits that must not be set. *RET_FOUND false (and success) when there is no file. */
static bool source_open(struct source *source, size_t max, mode_t refused, bool may_be_empty, bool *ret_found,
			struct error *err)
{
	const char *folder = source->folder->path, *name = source->name;
	struct stat info;
	/* O_NONBLOCK: a FIFO is refused below rather than waited for. */
	source->fd = openat(source->folder->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (source->fd < 0 && errno == ENOENT) {
		*ret_found = false;
		return true;
	}
	if (source->fd < 0 && errno == ELOOP)
		return error_set(err, ERROR_STORE, step, "%s/%s is a symbolic link where a file was expected", folder,
				 name);
	if (source->fd < 0)
		return error_errno(err, ERROR_STORE, step, errno, "cannot open %s/%s", folder, name);
	if (fstat(source->fd, &info) != 0)
		return error_errno(err, ERROR_STORE, step, errno, "cannot examine %s/%s", folder, name);
	if (!check_owner(source, &info, refused, err))
		return false;
	if (info.st_size == 0 && !may_be_empty)
		return error_set(err, ERROR_DATA, step, "%s/%s is damaged: it is empty", folder, name);
	if (info.st_size < 0 || (uintmax_t)info.st_size > max)
		return error_set(err, ERROR_DATA, step, "%s/%s is damaged: it is larger than %zu bytes", folder, name,
				 max);
	source->size = (size_t)info.st_size;
	*ret_found = true;
	return true;
}

/* Up to SIZE bytes; less only at the end of the file. */
static bool source_read(const struct source *source, char *data, size_t size, size_t *ret_got, struct error *err)
{
	size_t got = 0;
	while (got < size) {
		ssize_t n = read(source->fd, data + got, size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, ERROR_STORE, step, errno, "cannot read %s/%s", source->folder->path,
					   source->name);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	*ret_got = got;
	return true;
}

static bool check_length(const struct source *source, size_t got, struct error *err)
{
	/* Our files are replaced, never written to: somebody else's hand, or a failing disk. */
	return got == source->size ||
	       error_set(err, ERROR_STORE, step, "%s/%s changed while it was read", source->folder->path, source->name);
}

bool fs_read_text(const struct fs_folder *folder, const char *name, size_t max, bool may_be_empty, struct buf *ret,
		  bool *ret_found, struct error *err)
{
	struct source source CLEANUP(source_done) = {.fd = -1, .folder = folder, .name = name};
	struct buf text CLEANUP(buf_done) = {0};
	char chunk[CHUNK];
	bool found = false;
	if (!source_open(&source, max, S_IWGRP | S_IWOTH, may_be_empty, &found, err))
		return false;
	if (!found) {
		*ret_found = false;
		return true;
	}
	buf_init(&text, max);
	for (size_t left = source.size, got = sizeof(chunk); left > 0 && got > 0; left -= got) {
		if (!source_read(&source, chunk, left < sizeof(chunk) ? left : sizeof(chunk), &got, err))
			return false;
		buf_append(&text, chunk, got);
	}
	if (!buf_check(&text, "a file of the store", err) || !check_length(&source, text.len, err))
		return false;
	*ret = text;
	*ret_found = true;
	text = (struct buf){0};
	return true;
}

bool fs_read_secret(const struct fs_folder *folder, const char *name, size_t max, struct secret *ret, bool *ret_found,
		    struct error *err)
{
	struct source source CLEANUP(source_done) = {.fd = -1, .folder = folder, .name = name};
	struct secret content CLEANUP(secret_done) = {0};
	size_t got = 0;
	bool found = false;
	/* Readable by a group passes: administrators open live keys to their web server's group that way. */
	if (!source_open(&source, max, S_IWGRP | S_IRWXO, /* may_be_empty= */ false, &found, err))
		return false;
	if (!found) {
		*ret_found = false;
		return true;
	}
	if (!secret_reserve(&content, source.size, err) ||
	    !source_read(&source, content.data, source.size, &got, err) || !check_length(&source, got, err))
		return false;
	secret_done(ret);
	*ret = content;
	*ret_found = true;
	content = (struct secret){0};
	return true;
}

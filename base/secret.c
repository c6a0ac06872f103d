/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets live in OpenSSL's secure heap. When that heap is full, ordinary memory serves: OPENSSL_secure_clear_free()
 * tells the two apart by address and wipes both.
 */
#include "base/secret.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECURE_HEAP_SIZE = 256 * 1024, SECURE_HEAP_SMALLEST = 64 };

bool secret_setup(void)
{
	static bool locked;
	const struct rlimit no_core = {0, 0};
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* 1: locked; 2: a heap, but pages that may be swapped; 0: none. */
	if (!CRYPTO_secure_malloc_initialized())
		locked = CRYPTO_secure_malloc_init(SECURE_HEAP_SIZE, SECURE_HEAP_SMALLEST) == 1;
	return locked;
}

bool secret_reserve(struct secret *secret, size_t len, struct error *err)
{
	if (len >= SIZE_MAX)
		return error_oom(err);
	char *data = OPENSSL_secure_zalloc(len + 1);
	if (data == NULL)
		data = OPENSSL_zalloc(len + 1);
	if (data == NULL)
		return error_oom(err);
	secret_done(secret);
	secret->data = data;
	secret->len = len;
	return true;
}

bool secret_set(struct secret *secret, const void *data, size_t len, struct error *err)
{
	/* Into a new one first: DATA may point into SECRET. */
	struct secret copy = {0};
	if (!secret_reserve(&copy, len, err))
		return false;
	if (len > 0)
		memcpy(copy.data, data, len);
	secret_done(secret);
	*secret = copy;
	return true;
}

void secret_done(struct secret *secret)
{
	if (secret == NULL)
		return;
	OPENSSL_secure_clear_free(secret->data, secret->len + 1);
	secret->data = NULL;
	secret->len = 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	if (a->len != b->len)
		return false;
	return a->len == 0 || CRYPTO_memcmp(a->data, b->data, a->len) == 0;
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static bool check_file(int fd, const char *path, size_t max, bool private_only, size_t *ret_size, struct error *err)
{
	struct stat info;
	if (fstat(fd, &info) != 0)
		return error_errno(err, ERROR_CONFIG, NULL, errno, "cannot read %s", path);
	if (!S_ISREG(info.st_mode))
		return error_set(err, ERROR_CONFIG, NULL, "%s is not a regular file", path);
	if (private_only && (info.st_mode & 077) != 0) {
		error_hint(err, "chmod 600 %s", path);
		return error_set(err, ERROR_CONFIG, NULL,
				 "%s holds a secret, but others may use it too: its mode is %04o", path,
				 (unsigned)(info.st_mode & 07777));
	}
	if (info.st_size < 0 || (uintmax_t)info.st_size > max)
		return error_set(err, ERROR_CONFIG, NULL, "%s is larger than %zu bytes", path, max);
	*ret_size = (size_t)info.st_size;
	return true;
}

bool secret_read_file(struct secret *secret, const char *path, size_t max, bool private_only, struct error *err)
{
	/* O_NONBLOCK: a FIFO is refused below rather than waited for. */
	int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t size = 0;
	if (fd < 0)
		return error_errno(err, ERROR_CONFIG, NULL, errno, "cannot open %s", path);
	if (!check_file(fd, path, max, private_only, &size, err))
		return false;

	/* One byte more than announced, to see a file that grows meanwhile. */
	struct secret content CLEANUP(secret_done) = {0};
	size_t got = 0;
	if (!secret_reserve(&content, size + 1, err))
		return false;
	while (got < size + 1) {
		ssize_t n = read(fd, content.data + got, size + 1 - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, ERROR_CONFIG, NULL, errno, "cannot read %s", path);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got > size)
		return error_set(err, ERROR_CONFIG, NULL, "%s changed while it was read", path);
	return secret_set(secret, content.data, got, err);
}

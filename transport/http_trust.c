/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the trust anchors. Where the system has only a bundle file and the user adds another one, the two are joined in
 * memory, since libcurl takes one file.
 */
#include "transport/http_trust.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const directories[] = {
	"/etc/ssl/certs",
	"/etc/pki/tls/certs",
	"/etc/pki/ca-trust/extracted/pem/directory-hash",
};

static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

/* "4a6481c9.0", as openssl rehash names it. */
static bool is_hashed_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] >= '0' && name[9] <= '9';
}

static bool is_hashed_directory(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry = NULL;
	if (dir == NULL)
		return false;
	while ((entry = readdir(dir)) != NULL)
		if (is_hashed_name(entry->d_name))
			break;
	(void)closedir(dir);
	return entry != NULL;
}

/* What the user's environment names comes before what the system has. */
static bool find_system(struct http_trust *trust, struct error *err)
{
	const char *directory = getenv("SSL_CERT_DIR"), *file = getenv("SSL_CERT_FILE");
	if (!str_is_empty(directory) && is_hashed_directory(directory))
		return str_set(&trust->directory, directory, err);
	if (!str_is_empty(file) && access(file, R_OK) == 0)
		return str_set(&trust->file, file, err);
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		if (is_hashed_directory(directories[i]))
			return str_set(&trust->directory, directories[i], err);
	for (size_t i = 0; i < ARRAY_LEN(bundles); i++)
		if (access(bundles[i], R_OK) == 0)
			return str_set(&trust->file, bundles[i], err);
	return true;
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static bool append_file(const char *path, struct buf *out, struct error *err)
{
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char piece[8192];
	ssize_t len = -1;
	if (fd < 0)
		return error_errno(err, ERROR_CONFIG, NULL, errno, "cannot read the CA bundle %s", path);
	while ((len = read(fd, piece, sizeof(piece))) > 0)
		buf_append(out, piece, (size_t)len);
	if (len < 0)
		return error_errno(err, ERROR_CONFIG, NULL, errno, "cannot read the CA bundle %s", path);
	buf_char(out, '\n');
	if (out->failed)
		return error_set(err, ERROR_CONFIG, NULL, "the CA bundle %s is larger than %d bytes", path,
				 LIMIT_TRUST_BUNDLE);
	return true;
}

/* Checked here, with a name, rather than by a failing handshake later. */
static bool check_extra(const char *path, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, LIMIT_TRUST_BUNDLE);
	if (!append_file(path, &text, err))
		return false;
	if (strstr(buf_cstr(&text), "-----BEGIN CERTIFICATE-----") == NULL &&
	    strstr(buf_cstr(&text), "-----BEGIN TRUSTED CERTIFICATE-----") == NULL)
		return error_set(err, ERROR_CONFIG, NULL, "the CA bundle %s holds no PEM certificate", path);
	return true;
}

static bool add_extra(struct http_trust *trust, const char *extra, struct error *err)
{
	if (!check_extra(extra, err))
		return false;
	if (trust->file == NULL)
		return str_set(&trust->file, extra, err);
	if (!append_file(trust->file, &trust->blob, err) || !append_file(extra, &trust->blob, err))
		return false;
	free(trust->file);
	trust->file = NULL;
	return true;
}

void http_trust_done(struct http_trust *trust)
{
	free(trust->directory);
	free(trust->file);
	buf_done(&trust->blob);
	trust->directory = trust->file = NULL;
}

bool http_trust_find(const char *extra, struct http_trust *ret, struct error *err)
{
	CLEANUP(http_trust_done) struct http_trust trust = {0};
	buf_init(&trust.blob, LIMIT_TRUST_BUNDLE);
	if (!find_system(&trust, err) || (extra != NULL && !add_extra(&trust, extra, err)))
		return false;
	*ret = trust;
	trust = (struct http_trust){0};
	return true;
}

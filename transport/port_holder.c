/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process listens on a port, by /proc: the socket's inode from net/tcp, and whose descriptor it is. Another
 * user's processes are only visible to root, so not knowing is usual.
 */
#include "transport/listener_bind.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINK_SIZE = 64, PATH_SIZE = 300, FIELD_LOCAL = 1, FIELD_STATE = 3, FIELD_INODE = 9 };

static void close_file(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
}

static void close_folder(DIR **folder)
{
	if (*folder != NULL)
		(void)closedir(*folder);
}

/* The INDEX-th field of LINE, counted from 0, between spaces; its length in *RET_LEN. */
static const char *field(const char *line, size_t index, size_t *ret_len)
{
	for (;; index--) {
		line += strspn(line, " ");
		*ret_len = strcspn(line, " \n");
		if (index == 0)
			return line;
		line += *ret_len;
	}
}

/* "socket:[INODE]" of the listening socket in PATH (net/tcp or net/tcp6), as a descriptor's link reads. */
static bool find_socket(const char *path, uint16_t port, char ret[LINK_SIZE])
{
	static const char listening[] = "0A";
	CLEANUP(close_file) FILE *file = fopen(path, "re");
	AUTO_FREE char *line = NULL;
	char ending[8];
	size_t size = 0, len = 0;

	(void)snprintf(ending, sizeof(ending), ":%04X", (unsigned)port);
	while (file != NULL && getline(&line, &size, file) > 0) {
		const char *local = field(line, FIELD_LOCAL, &len);
		if (len < strlen(ending) || memcmp(local + len - strlen(ending), ending, strlen(ending)) != 0)
			continue;
		const char *state = field(line, FIELD_STATE, &len);
		if (len != strlen(listening) || memcmp(state, listening, len) != 0)
			continue;
		const char *inode = field(line, FIELD_INODE, &len);
		return snprintf(ret, LINK_SIZE, "socket:[%.*s]", (int)len, inode) < LINK_SIZE;
	}
	return false;
}

/* Whether PROCESS (a folder's name in /proc) has a descriptor that is LINK. */
static bool has_socket(const char *process, const char *link)
{
	char path[PATH_SIZE], target[LINK_SIZE];
	const struct dirent *entry = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", process);
	CLEANUP(close_folder) DIR *folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		if (str_equal(target, link))
			return true;
	}
	return false;
}

/* A process may call itself anything. */
static void describe(const char *process, char *out, size_t size)
{
	char path[PATH_SIZE], name[LINK_SIZE] = "", safe[LINK_SIZE * 4];

	(void)snprintf(path, sizeof(path), "/proc/%s/comm", process);
	CLEANUP(close_file) FILE *file = fopen(path, "re");
	if (file == NULL || fgets(name, sizeof(name), file) == NULL)
		return;
	name[strcspn(name, "\n")] = '\0';
	(void)snprintf(out, size, "%s (process %s)", escape_str(safe, sizeof(safe), name), process);
}

const char *port_holder(uint16_t port, char *out, size_t size)
{
	char link[LINK_SIZE];
	const struct dirent *entry = NULL;

	out[0] = '\0';
	if (!find_socket("/proc/net/tcp", port, link) && !find_socket("/proc/net/tcp6", port, link))
		return out;
	CLEANUP(close_folder) DIR *processes = opendir("/proc");
	while (processes != NULL && (entry = readdir(processes)) != NULL)
		if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name) && has_socket(entry->d_name, link)) {
			describe(entry->d_name, out, size);
			break;
		}
	return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The file is read, changed and put back under a lock on its folder, so that two of us lose nothing of each other. */
#include "service/server_trust.h"

#include "base/limits.h"
#include "config/config.h"
#include "service/server_list.h"
#include "service/server_target.h"
#include "store/fs_atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char step[] = "trust";

void server_trust_done(struct server_trust *trust)
{
	ssh_target_done(&trust->target);
	ssh_host_key_done(&trust->key);
}

bool server_trust_look(struct service *service, const char *name, struct server_trust *ret, struct error *err)
{
	const struct config_server *server = server_list_find(service, name, err);

	if (server == NULL)
		return false;
	struct deadline deadline = service_deadline(service, (int64_t)server->timeout * 1000);
	if (server_target(server, &ret->target, err) && server_look_up(service, &ret->target, err) &&
	    ssh_host_key_look(&ret->target, deadline, &ret->key, err))
		return true;
	error_context(err, "connect", /* certificate= */ NULL, name);
	return false;
}

/* Where known_hosts really is: links are followed, since what is replaced must be the file. */
static bool resolve(const char *path, char **ret_folder, char **ret_name, mode_t *ret_mode, struct error *err)
{
	enum { PRIVATE = 0600, BITS = 0777 };
	char real[PATH_MAX];
	struct stat info;
	bool there = realpath(path, real) != NULL;

	if (!there && errno != ENOENT)
		return error_errno(err, ERROR_STORE, step, errno, "%s", path);
	if (there && stat(real, &info) == 0 && !S_ISREG(info.st_mode)) {
		error_hint(err, "name one: UserKnownHostsFile in the SSH config, or known_hosts in the server's entry");
		return error_set(err, ERROR_CONFIG, step, "%s is no file that a host key could be added to", path);
	}
	*ret_mode = there && stat(real, &info) == 0 ? info.st_mode & BITS : PRIVATE;
	if (!there)
		(void)snprintf(real, sizeof(real), "%s", path);
	char *slash = strrchr(real, '/');
	if (slash == NULL || slash[1] == '\0')
		return error_set(err, ERROR_CONFIG, step, "known_hosts is no absolute path: %s", path);
	if (!str_set(ret_name, slash + 1, err))
		return false;
	slash[slash == real ? 1 : 0] = '\0';
	return str_set(ret_folder, real, err);
}

/* The file's text; nothing where there is none. */
static bool read_text(const char *path, struct secret *ret, struct error *err)
{
	struct stat info;
	if (stat(path, &info) != 0 && errno == ENOENT)
		return true;
	return secret_read_file(ret, path, LIMIT_CONFIG_FILE, /* private_only= */ false, err);
}

/* The new text. What was looked at may have been revoked meanwhile. */
static bool make_text(struct server_trust *trust, struct buf *out, struct error *err)
{
	const struct ssh_target *target = &trust->target;
	const struct known_hosts_key key = {ssh_target_known_name(target), ssh_target_known_port(target),
					    trust->key.type, trust->key.base64};
	CLEANUP(secret_done) struct secret before = {0};
	unsigned line = 0;

	if (!read_text(target->known_hosts.items[0], &before, err))
		return false;
	const char *text = before.len > 0 ? before.data : "";
	enum known_hosts_verdict verdict = known_hosts_check(text, before.len, &key, &line);
	if (verdict == KNOWN_HOSTS_REVOKED ||
	    (verdict == KNOWN_HOSTS_OTHER_KEY && trust->key.verdict != KNOWN_HOSTS_OTHER_KEY))
		return error_set(err, ERROR_BUSY, step, "%s has changed meanwhile", target->known_hosts.items[0]);
	if (!known_hosts_replace(text, before.len, &key, out, &trust->replaced, err))
		return false;
	if (known_hosts_check(out->data, out->len, &key, &line) != KNOWN_HOSTS_OK)
		return error_set(err, ERROR_INTERNAL, step, "the changed file would not have the key");
	return true;
}

/* libssh reads the file too, and stops at what it cannot read. */
static bool is_doubted(const struct server_trust *trust, struct error *err)
{
	if (trust->key.verdict != KNOWN_HOSTS_UNKNOWN || trust->key.line == 0)
		return false;
	(void)error_set(err, ERROR_CONFIG, step,
			"line %u of %s has this key, but another line about this host is malformed", trust->key.line,
			trust->key.file);
	error_hint(err, "mend or remove the other lines about %s there", ssh_target_known_name(&trust->target));
	error_context(err, step, /* certificate= */ NULL, trust->target.server);
	return true;
}

/* A key that is given up must be given up everywhere, but only the first file is ours to change. */
static bool check_other_files(const struct server_trust *trust, struct error *err)
{
	const struct ssh_target *target = &trust->target;
	const struct known_hosts_key key = {ssh_target_known_name(target), ssh_target_known_port(target),
					    trust->key.type, trust->key.base64};

	for (size_t i = 1; i < target->known_hosts.len; i++) {
		CLEANUP(secret_done) struct secret text = {0};
		if (!read_text(target->known_hosts.items[i], &text, err))
			return false;
		unsigned line = text.len > 0 ? known_hosts_find_other(text.data, text.len, &key) : 0;
		if (line == 0)
			continue;
		(void)error_set(err, ERROR_CONFIG, step,
				"line %u of %s has another key of %s, and only %s is changed here", line,
				target->known_hosts.items[i], key.host, target->known_hosts.items[0]);
		error_hint(err, "remove that line by hand");
		return false;
	}
	return true;
}

bool server_trust_accept(struct server_trust *trust, struct error *err)
{
	const char *path = trust->target.known_hosts.items[0];
	CLEANUP(fs_folder_done) struct fs_folder folder = {0};
	AUTO_FREE char *folder_path = NULL;
	AUTO_FREE char *name = NULL;
	CLEANUP(buf_done) struct buf text;
	mode_t mode = 0;
	bool found = false;

	buf_init(&text, LIMIT_CONFIG_FILE);
	if (is_doubted(trust, err))
		return false;
	if (!check_other_files(trust, err)) {
		error_context(err, step, /* certificate= */ NULL, trust->target.server);
		return false;
	}
	if (!resolve(path, &folder_path, &name, &mode, err) ||
	    !fs_folder_open_path(folder_path, /* create= */ true, &folder, &found, err))
		return false;
	if (flock(folder.fd, LOCK_EX) != 0) /* the folder's descriptor goes, and the lock with it */
		return error_errno(err, ERROR_STORE, step, errno, "cannot lock %s", folder_path);
	if (make_text(trust, &text, err) && fs_atomic_write(&folder, name, text.data, text.len, mode, err))
		return true;
	error_context(err, step, /* certificate= */ NULL, trust->target.server);
	return false;
}

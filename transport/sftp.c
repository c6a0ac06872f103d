/* SPDX-License-Identifier: Apache-2.0 */
/* What is at a path, links, names and directories. Files' content is sftp_content.c's. */
#include "transport/sftp.h"

#include "base/escape.h"
#include "base/limits.h"
#include "transport/sftp_exchange.h"

#include <stdlib.h>
#include <string.h>

enum {
	MODE_TYPE = 0170000,
	MODE_DIRECTORY = 0040000,
	MODE_FILE = 0100000,
	MODE_LINK = 0120000,
	MODE_BITS = 07777,
	DIRECTORY_MODE = 0755,
};

/* ---- looking ---- */

static enum sftp_kind kind_of(const struct sftp_attributes *attrs)
{
	switch (attrs->mode & MODE_TYPE) {
	case MODE_FILE:
		return SFTP_FILE;
	case MODE_DIRECTORY:
		return SFTP_DIRECTORY;
	case MODE_LINK:
		return SFTP_LINK;
	default:
		return SFTP_OTHER;
	}
}

bool sftp_look(struct sftp *sftp, const char *path, bool follow, struct sftp_entry *ret, struct error *err)
{
	struct sftp_reply reply;

	sftp_batch_begin(sftp);
	sftp_add_path(sftp, follow ? SFTP_STAT : SFTP_LSTAT, path);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (sftp_is_absent(&reply)) {
		*ret = (struct sftp_entry){.kind = SFTP_ABSENT};
		return true;
	}
	if (reply.type != SFTP_ATTRS)
		return sftp_refused(&reply, "look at", path, err);
	*ret = (struct sftp_entry){kind_of(&reply.attrs), reply.attrs.mode & MODE_BITS, reply.attrs.uid,
				   reply.attrs.gid, reply.attrs.modified};
	return true;
}

/* READLINK was refused: since there is no link, which servers say in ways of their own, or for a reason of its own. */
static bool no_link(struct sftp *sftp, const struct sftp_reply *refused, const char *path, struct error *err)
{
	uint32_t status = refused->status;
	struct error why = {0};
	struct sftp_entry entry;

	(void)sftp_refused(refused, "read the link", path, &why);
	if (status == SFTP_NO_SUCH_FILE)
		return true;
	if (!sftp_look(sftp, path, false, &entry, err))
		return false;
	if (entry.kind == SFTP_LINK)
		*err = why;
	return entry.kind != SFTP_LINK;
}

bool sftp_read_link(struct sftp *sftp, const char *path, char **ret, struct error *err)
{
	struct sftp_reply reply;
	const char *target;
	size_t len;

	sftp_batch_begin(sftp);
	sftp_add_path(sftp, SFTP_READLINK, path);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (reply.type == SFTP_STATUS && reply.status != SFTP_OK) {
		if (!no_link(sftp, &reply, path, err))
			return false;
		*ret = NULL;
		return true;
	}
	if (reply.type != SFTP_NAME || !sftp_packet_next_name(&reply, &target, &len) ||
	    memchr(target, '\0', len) != NULL)
		return sftp_refused(&reply, "read the link", path, err);
	char *copy = NULL;
	if (!str_set_n(&copy, target, len, err))
		return false;
	*ret = copy;
	return true;
}

/* ---- names ---- */

bool sftp_create_link(struct sftp *sftp, const char *path, const char *target, struct error *err)
{
	char *read_back AUTO_FREE = NULL;

	sftp_batch_begin(sftp);
	size_t start = sftp_request(sftp, SFTP_SYMLINK);
	/* OpenSSH, and with it everybody, has the target first, against the draft. */
	buf_string(&sftp->out, target, strlen(target));
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_end(&sftp->out, start);
	if (!sftp_batch_run(sftp, "create the link", path, err) || !sftp_read_link(sftp, path, &read_back, err))
		return false;
	if (!str_equal(read_back, target))
		return error_set(err, ERROR_REMOTE, NULL, "the link %s does not lead where it was told to", path);
	return true;
}

/* In the same round trip it is looked whether OLD is gone: a server's word is not taken for what everything rests on.
 */
bool sftp_replace(struct sftp *sftp, const char *old, const char *new, struct error *err)
{
	static const char name[] = "posix-rename@openssh.com";
	bool ok = true, gone = false;

	sftp_batch_begin(sftp);
	size_t start = sftp_request(sftp, SFTP_EXTENDED);
	buf_string(&sftp->out, name, sizeof(name) - 1);
	buf_string(&sftp->out, old, strlen(old));
	buf_string(&sftp->out, new, strlen(new));
	sftp_packet_end(&sftp->out, start);
	sftp_add_path(sftp, SFTP_LSTAT, old);
	if (!sftp_send_batch(sftp, err))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		struct sftp_reply reply;
		unsigned index;
		if (!sftp_next_reply(sftp, &reply, &index, err))
			return false;
		if (index == 1)
			gone = sftp_is_absent(&reply);
		else if (reply.type != SFTP_STATUS || reply.status != SFTP_OK)
			ok = sftp_refused(&reply, "replace", new, err);
	}
	if (ok && !gone)
		return error_set(err, ERROR_REMOTE, NULL, "the server says that it has replaced %s, and has not", new);
	return ok;
}

/* REMOVE or RMDIR, content with what is gone already. */
static bool remove_entry(struct sftp *sftp, enum sftp_type type, const char *path, struct error *err)
{
	struct sftp_reply reply;

	sftp_batch_begin(sftp);
	sftp_add_path(sftp, type, path);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (sftp_is_absent(&reply) || (reply.type == SFTP_STATUS && reply.status == SFTP_OK))
		return true;
	return sftp_refused(&reply, "remove", path, err);
}

bool sftp_remove(struct sftp *sftp, const char *path, struct error *err)
{
	return remove_entry(sftp, SFTP_REMOVE, path, err);
}

bool sftp_remove_directory(struct sftp *sftp, const char *path, struct error *err)
{
	return remove_entry(sftp, SFTP_RMDIR, path, err);
}

bool sftp_remove_tree(struct sftp *sftp, const char *path, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	struct sftp_entry entry;

	if (!sftp_look(sftp, path, false, &entry, err))
		return false;
	if (entry.kind == SFTP_ABSENT)
		return true;
	if (!sftp_list(sftp, path, &names, err))
		return false;
	for (size_t i = 0; i < names.len; i++) {
		char *inside AUTO_FREE = str_format(err, "%s/%s", path, names.items[i]);
		if (inside == NULL || !sftp_remove(sftp, inside, err))
			return false;
	}
	return sftp_remove_directory(sftp, path, err);
}

/* ---- file systems ---- */

bool sftp_measure(struct sftp *sftp, const char *path, struct sftp_space *ret, bool *ret_known, struct error *err)
{
	static const char name[] = "statvfs@openssh.com";
	struct sftp_reply reply;

	*ret_known = false;
	if (!sftp_offers(sftp, SFTP_HAS_STATVFS))
		return true;
	sftp_batch_begin(sftp);
	size_t start = sftp_request(sftp, SFTP_EXTENDED);
	buf_string(&sftp->out, name, sizeof(name) - 1);
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_end(&sftp->out, start);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (reply.type != SFTP_EXTENDED_REPLY)
		return true;
	*ret_known = true;
	return sftp_packet_parse_space(reply.bytes, reply.len, ret, err) || error_attribute(err, ERROR_REMOTE, NULL);
}

/* ---- directories ---- */

static bool create_directory(struct sftp *sftp, const char *path, struct sftp_reply *ret, struct error *err)
{
	static const struct sftp_attributes attrs = {.flags = SFTP_ATTR_MODE, .mode = DIRECTORY_MODE};

	sftp_batch_begin(sftp);
	size_t start = sftp_request(sftp, SFTP_MKDIR);
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_attributes(&sftp->out, &attrs);
	sftp_packet_end(&sftp->out, start);
	if (!sftp_ask(sftp, ret, err))
		return false;
	if (ret->type != SFTP_STATUS || ret->status != SFTP_OK)
		return true;    /* the caller judges */
	sftp_batch_begin(sftp); /* the server's umask may have taken bits away */
	start = sftp_request(sftp, SFTP_SETSTAT);
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_attributes(&sftp->out, &attrs);
	sftp_packet_end(&sftp->out, start);
	struct sftp_reply mode_reply;
	if (!sftp_ask(sftp, &mode_reply, err))
		return false;
	*ret = (struct sftp_reply){.type = SFTP_STATUS, .status = SFTP_OK};
	return true;
}

/* PATH up to its component that ends at LEN. */
static bool create_component(struct sftp *sftp, const char *path, size_t len, struct error *err)
{
	char *part AUTO_FREE = NULL;
	struct error refused = {0};
	struct sftp_entry entry;
	struct sftp_reply reply;

	if (!str_set_n(&part, path, len, err) || !sftp_look(sftp, part, true, &entry, err))
		return false;
	if (entry.kind == SFTP_DIRECTORY)
		return true;
	if (entry.kind != SFTP_ABSENT)
		return error_set(err, ERROR_REMOTE, NULL, "%s is there and is no directory", part);
	if (!create_directory(sftp, part, &reply, err))
		return false;
	if (reply.status == SFTP_OK || sftp_refused(&reply, "create the directory", part, &refused))
		return true;
	/* Somebody else may have made it since: another certificate's challenge goes to the same folder. */
	if (!sftp_look(sftp, part, true, &entry, err))
		return false;
	if (entry.kind != SFTP_DIRECTORY)
		*err = refused;
	return entry.kind == SFTP_DIRECTORY;
}

bool sftp_create_directories(struct sftp *sftp, const char *path, struct error *err)
{
	struct sftp_entry entry;

	if (!sftp_look(sftp, path, true, &entry, err))
		return false;
	if (entry.kind == SFTP_DIRECTORY)
		return true;
	for (size_t len = 1; path[len - 1] != '\0'; len++)
		if ((path[len] == '/' || path[len] == '\0') && path[len - 1] != '/' &&
		    !create_component(sftp, path, len, err))
			return false;
	return true;
}

static bool keep_names(struct sftp_reply *reply, const char *path, struct str_list *ret, struct error *err)
{
	const char *name;
	size_t len;

	while (sftp_packet_next_name(reply, &name, &len)) {
		char *copy AUTO_FREE = NULL;
		if (len == 0 || memchr(name, '/', len) != NULL || memchr(name, '\0', len) != NULL)
			return error_set(err, ERROR_REMOTE, NULL, "the SFTP server lists an impossible name in %s",
					 path);
		if (!str_set_n(&copy, name, len, err))
			return false;
		if (str_equal(copy, ".") || str_equal(copy, ".."))
			continue;
		if (ret->len == LIMIT_REMOTE_NAMES)
			return error_set(err, ERROR_REMOTE, NULL, "%s has more than %d entries", path,
					 LIMIT_REMOTE_NAMES);
		if (!str_list_add(ret, copy, err))
			return false;
	}
	return true;
}

/* READDIR until the end. A server that answers with empty lists for ever ends at the deadline. */
static bool list_all(struct sftp *sftp, const struct sftp_handle *handle, const char *path, struct str_list *ret,
		     struct error *err)
{
	struct sftp_reply reply;

	for (;;) {
		sftp_batch_begin(sftp);
		sftp_add_handle(sftp, SFTP_READDIR, handle);
		if (!sftp_ask(sftp, &reply, err))
			return false;
		if (reply.type == SFTP_STATUS && reply.status == SFTP_EOF)
			return true;
		if (reply.type != SFTP_NAME || deadline_left_ms(sftp->deadline) == 0)
			return sftp_refused(&reply, "list", path, err);
		if (!keep_names(&reply, path, ret, err))
			return false;
	}
}

bool sftp_list(struct sftp *sftp, const char *path, struct str_list *ret, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	struct sftp_reply reply;
	struct sftp_handle handle;

	sftp_batch_begin(sftp);
	sftp_add_path(sftp, SFTP_OPENDIR, path);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (!sftp_keep_handle(&reply, &handle))
		return sftp_refused(&reply, "list", path, err);
	if (!sftp_finish_handle(sftp, &handle, path, list_all(sftp, &handle, path, &names, err), err))
		return false;
	*ret = names;
	names = (struct str_list){0};
	return true;
}

bool sftp_flush_directory(struct sftp *sftp, const char *path, struct error *err)
{
	static const struct sftp_attributes none = {0};
	struct sftp_reply reply;
	struct sftp_handle handle;

	if (!sftp_offers(sftp, SFTP_HAS_FSYNC))
		return true;
	sftp_batch_begin(sftp);
	sftp_add_open(sftp, path, SFTP_OPEN_READ, &none);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (!sftp_keep_handle(&reply, &handle))
		return true;
	sftp_batch_begin(sftp);
	sftp_add_flush(sftp, &handle);
	sftp_add_handle(sftp, SFTP_CLOSE, &handle);
	sftp->expected[0].optional = sftp->expected[1].optional = true;
	return sftp_batch_run(sftp, "flush", path, err);
}

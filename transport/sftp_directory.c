/* SPDX-License-Identifier: Apache-2.0 */
/* Directories: made, listed, removed and flushed. */
#include "transport/sftp.h"

#include "base/limits.h"
#include "transport/sftp_exchange.h"

#include <stdlib.h>
#include <string.h>

static const struct sftp_attributes directory_mode = {.flags = SFTP_ATTR_MODE, .mode = 0755};

/* ---- making ---- */

enum made { MADE, THERE, NO_PARENT, MADE_NOT };

static bool is_as_made(const struct sftp_entry *now, const struct sftp_entry *made)
{
	enum { WHILE = 2 }; /* seconds: somebody may have made another folder in it */
	return made->kind == SFTP_DIRECTORY && now->kind == SFTP_DIRECTORY && now->uid == made->uid &&
	       now->gid == made->gid && now->mode == made->mode && now->modified >= made->modified &&
	       now->modified <= made->modified + WHILE;
}

/*
 * PATH was made, and then was MADE: less than we asked for where the server's umask takes bits away. Whoever owns the
 * folder that it is in may put a link in its place, and SETSTAT follows links: so the mode is set by a handle, of what
 * was looked at. A server that refuses leaves it as it is.
 */
static bool widen(struct sftp *sftp, const char *path, const struct sftp_entry *made, struct error *err)
{
	struct sftp_reply reply;
	struct sftp_handle handle;
	struct sftp_entry now;

	if ((made->mode & directory_mode.mode) == directory_mode.mode && made->kind == SFTP_DIRECTORY)
		return true;
	sftp_batch_begin(sftp);
	sftp_add_open(sftp, path, SFTP_OPEN_READ, &(const struct sftp_attributes){0});
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (!sftp_keep_handle(&reply, &handle))
		return true;
	sftp_batch_begin(sftp);
	sftp_add_handle(sftp, SFTP_FSTAT, &handle);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	now = reply.type == SFTP_ATTRS ? sftp_entry_of(&reply.attrs) : (struct sftp_entry){.kind = SFTP_OTHER};
	bool same = is_as_made(&now, made);
	sftp_batch_begin(sftp);
	if (same) {
		size_t start = sftp_request(sftp, SFTP_FSETSTAT);
		buf_string(&sftp->out, handle.bytes, handle.len);
		sftp_packet_attributes(&sftp->out, &directory_mode);
		sftp_packet_end(&sftp->out, start);
		if (!sftp_ask(sftp, &reply, err))
			return false;
	}
	if (!same)
		(void)error_set(err, ERROR_REMOTE, NULL,
				"%s is not the directory any more that was made there: somebody else is at work there",
				path);
	return sftp_finish_handle(sftp, &handle, path, same, err);
}

/* MKDIR, and what is there then. *REFUSED: why not; *RET_ABSENT, where it was for want of a parent. */
static bool create_directory(struct sftp *sftp, const char *path, struct sftp_entry *ret, bool *ret_absent,
			     struct error *refused, struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	bool ok = true;

	*ret = (struct sftp_entry){.kind = SFTP_OTHER};
	sftp_batch_begin(sftp);
	sftp_add_attributes(sftp, SFTP_MKDIR, path, &directory_mode);
	sftp_add_path(sftp, SFTP_LSTAT, path);
	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
		if (index == 1 && reply.type == SFTP_ATTRS)
			*ret = sftp_entry_of(&reply.attrs);
		if (index == 1 || (reply.type == SFTP_STATUS && reply.status == SFTP_OK))
			continue;
		*ret_absent = sftp_is_absent(&reply);
		(void)sftp_refused(&reply, "create the directory", path, refused);
	}
	return ok;
}

/* The directory that PATH is up to LEN. */
static enum made make_part(struct sftp *sftp, const char *path, size_t len, struct error *err)
{
	char *part AUTO_FREE = NULL;
	struct error refused = {0};
	struct sftp_entry entry;
	bool parent_absent = false;

	if (!str_set_n(&part, path, len, err) || !create_directory(sftp, part, &entry, &parent_absent, &refused, err))
		return MADE_NOT;
	if (!error_is_set(&refused))
		return widen(sftp, part, &entry, err) ? MADE : MADE_NOT;
	/* It may be there, or somebody else made it since: another certificate's challenge goes to the same folder. */
	if (!parent_absent && !sftp_look(sftp, part, true, &entry, err))
		return MADE_NOT;
	if (!parent_absent && entry.kind == SFTP_DIRECTORY)
		return THERE;
	if (!parent_absent && entry.kind != SFTP_ABSENT)
		(void)error_set(err, ERROR_REMOTE, NULL, "%s is there and is no directory", part);
	else
		*err = refused;
	return parent_absent ? NO_PARENT : MADE_NOT;
}

/* Where the component before the one that ends at LEN ends; 0: there is none. */
static size_t parent_of(const char *path, size_t len)
{
	while (len > 0 && path[len - 1] != '/')
		len--;
	while (len > 0 && path[len - 1] == '/')
		len--;
	return len;
}

static size_t child_of(const char *path, size_t len)
{
	while (path[len] == '/')
		len++;
	while (path[len] != '\0' && path[len] != '/')
		len++;
	return len;
}

/* From the deepest up, since mostly only that is missing, and down again. */
bool sftp_create_directories(struct sftp *sftp, const char *path, struct error *err)
{
	size_t whole = strlen(path), len = whole;
	struct error refused = {0};
	struct sftp_entry entry;
	enum made made;

	if (!sftp_look(sftp, path, true, &entry, err))
		return false;
	if (entry.kind == SFTP_DIRECTORY)
		return true;
	while (whole > 1 && path[whole - 1] == '/')
		len = --whole;
	while ((made = make_part(sftp, path, len, &refused)) == NO_PARENT && parent_of(path, len) > 0) {
		len = parent_of(path, len);
		error_clear(&refused);
	}
	while ((made == MADE || made == THERE) && len < whole) {
		len = child_of(path, len);
		made = make_part(sftp, path, len, &refused);
	}
	if (made == MADE || made == THERE)
		return true;
	*err = refused;
	return false;
}

bool sftp_install_directory(struct sftp *sftp, const char *beside, const char *name, const char *path,
			    struct error *err)
{
	struct sftp_reply reply;
	struct sftp_entry made = {.kind = SFTP_OTHER};
	unsigned index;
	char *link AUTO_FREE = str_format(err, "%s/%s", beside, name);
	enum { LOOK = 2, GONE = 4, REQUESTS }; /* which of the requests look */
	bool ok = true, gone = false;

	if (link == NULL)
		return false;
	sftp_batch_begin(sftp);
	sftp_add_attributes(sftp, SFTP_MKDIR, beside, &directory_mode);
	sftp_add_link(sftp, link, "-");
	sftp_add_path(sftp, SFTP_LSTAT, beside);
	sftp_add_rename(sftp, beside, path);
	sftp_add_path(sftp, SFTP_LSTAT, beside);
	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
		if (index == GONE)
			gone = sftp_is_absent(&reply);
		else if (index == LOOK && reply.type == SFTP_ATTRS)
			made = sftp_entry_of(&reply.attrs);
		else if (index != LOOK && (reply.type != SFTP_STATUS || reply.status != SFTP_OK))
			ok = sftp_refused(&reply, "make the directory", path, err);
	}
	if (ok && !gone)
		return error_set(err, ERROR_REMOTE, NULL, "the server says that it has made %s, and has not", path);
	return ok && widen(sftp, path, &made, err);
}

/* ---- listing ---- */

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

/*
 * READDIR until the end, of which most directories need two: one that brings all names and one that says so. A server
 * that answers with empty lists for ever ends at the deadline.
 */
static bool list_all(struct sftp *sftp, const struct sftp_handle *handle, const char *path, struct str_list *ret,
		     struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	enum { AT_ONCE = 2 };
	bool ok = true, ended = false;

	while (ok && !ended) {
		sftp_batch_begin(sftp);
		for (int i = 0; i < AT_ONCE; i++)
			sftp_add_handle(sftp, SFTP_READDIR, handle);
		while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
			if (reply.type == SFTP_STATUS && reply.status == SFTP_EOF)
				ended = true;
			else if (reply.type != SFTP_NAME || deadline_left_ms(sftp->deadline) == 0)
				ok = sftp_refused(&reply, "list", path, err);
			else if (ok)
				ok = keep_names(&reply, path, ret, err);
		}
	}
	return ok;
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

/* ---- removing ---- */

/* The answers of a batch of REMOVEs and the like; what is gone already is no failure. */
static bool removed(struct sftp *sftp, const char *path, struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	bool ok = true;

	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
		if (!sftp_is_absent(&reply) && (reply.type != SFTP_STATUS || reply.status != SFTP_OK))
			ok = sftp_refused(&reply, "remove what is in", path, err);
	}
	return ok;
}

static bool remove_names(struct sftp *sftp, const char *path, const struct str_list *names, sftp_is_ours *is_ours,
			 struct error *err)
{
	sftp_batch_begin(sftp);
	for (size_t i = 0; i < names->len; i++) {
		char *inside AUTO_FREE = str_format(err, "%s/%s", path, names->items[i]);
		if (inside == NULL)
			return false;
		if (is_ours(names->items[i]))
			sftp_add_path(sftp, SFTP_REMOVE, inside);
		if (sftp->count < SFTP_BATCH_MAX)
			continue;
		if (!removed(sftp, path, err))
			return false;
		sftp_batch_begin(sftp);
	}
	return removed(sftp, path, err);
}

bool sftp_remove_tree(struct sftp *sftp, const char *path, sftp_is_ours *is_ours, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	struct sftp_entry entry;

	if (!sftp_look(sftp, path, false, &entry, err))
		return false;
	if (entry.kind != SFTP_DIRECTORY)
		return entry.kind == SFTP_ABSENT || sftp_remove(sftp, path, err);
	return sftp_list(sftp, path, &names, err) && remove_names(sftp, path, &names, is_ours, err) &&
	       sftp_remove_directory(sftp, path, err);
}

/* ---- flushing ---- */

bool sftp_flush_directories(struct sftp *sftp, const char *const *paths, size_t count, struct error *err)
{
	static const struct sftp_attributes none = {0};
	struct sftp_handle handles[SFTP_FILES_MAX];
	struct sftp_reply reply;
	unsigned index;
	size_t open = 0;
	bool ok = true;

	if (!sftp_offers(sftp, SFTP_HAS_FSYNC))
		return true;
	sftp_batch_begin(sftp);
	for (size_t i = 0; i < count; i++)
		sftp_add_open(sftp, paths[i], SFTP_OPEN_READ, &none);
	while (sftp_each_reply(sftp, &reply, &index, &ok, err))
		open += sftp_keep_handle(&reply, &handles[open]);
	sftp_batch_begin(sftp);
	for (size_t i = 0; i < open; i++) {
		sftp_add_flush(sftp, &handles[i]);
		sftp->expected[sftp->count - 1].optional = true;
		sftp_add_handle(sftp, SFTP_CLOSE, &handles[i]);
		sftp->expected[sftp->count - 1].optional = true;
	}
	return ok && (open == 0 || sftp_batch_run(sftp, "flush", paths[0], err));
}

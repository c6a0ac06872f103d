/* SPDX-License-Identifier: Apache-2.0 */
/* What is at a path, links and names. Files' content is sftp_content.c's, directories are sftp_directory.c's. */
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

struct sftp_entry sftp_entry_of(const struct sftp_attributes *attrs)
{
	return (struct sftp_entry){kind_of(attrs), attrs->mode & MODE_BITS, attrs->uid, attrs->gid, attrs->modified};
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
	*ret = sftp_entry_of(&reply.attrs);
	return true;
}

/* Where a link leads, by REPLY. */
static bool keep_target(struct sftp_reply *reply, const char *path, char **ret, struct error *err)
{
	const char *target;
	size_t len;

	if (reply->type != SFTP_NAME || !sftp_packet_next_name(reply, &target, &len) ||
	    memchr(target, '\0', len) != NULL)
		return sftp_refused(reply, "read the link", path, err);
	return str_set_n(ret, target, len, err);
}

/* Each path is asked for three times: itself, its target, and what it leads to. */
enum { ITSELF, TARGET, BEYOND, QUESTIONS };

/* Answers come in any order: whether a target means something is seen when all are there. */
static bool keep_sight(struct sftp_sight *sight, unsigned question, struct sftp_reply *reply, struct error *err)
{
	struct sftp_entry *entry = question == ITSELF ? &sight->itself : &sight->beyond;
	const bool refused = reply->type == SFTP_STATUS && reply->status != SFTP_OK;

	if (question == TARGET)
		return refused || keep_target(reply, sight->path, &sight->target, err);
	if (sftp_is_absent(reply))
		*entry = (struct sftp_entry){.kind = SFTP_ABSENT};
	else if (reply->type == SFTP_ATTRS)
		*entry = sftp_entry_of(&reply->attrs);
	else if (question == BEYOND && refused)
		*entry = (struct sftp_entry){.kind = SFTP_OTHER};
	else
		return sftp_refused(reply, "look at", sight->path, err);
	return true;
}

static bool judge_target(struct sftp_sight *sight, struct error *err)
{
	if (sight->itself.kind != SFTP_LINK)
		free(STEAL(sight->target));
	else if (sight->target == NULL)
		return error_set(err, ERROR_REMOTE, NULL, "cannot read the link %s", sight->path);
	return true;
}

bool sftp_survey(struct sftp *sftp, struct sftp_sight *sights, size_t count, struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	static const enum sftp_type types[QUESTIONS] = {
		[ITSELF] = SFTP_LSTAT, [TARGET] = SFTP_READLINK, [BEYOND] = SFTP_STAT};
	bool ok = true;

	sftp_batch_begin(sftp);
	for (size_t i = 0; i < count * QUESTIONS; i++)
		sftp_add_path(sftp, types[i % QUESTIONS], sights[i / QUESTIONS].path);
	while (sftp_each_reply(sftp, &reply, &index, &ok, err))
		ok = keep_sight(&sights[index / QUESTIONS], index % QUESTIONS, &reply, err) && ok;
	for (size_t i = 0; i < count && ok; i++)
		ok = judge_target(&sights[i], err);
	return ok;
}

void sftp_sights_done(struct sftp_sight *sights, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(STEAL(sights[i].target));
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
	char *target = NULL;

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
	if (!keep_target(&reply, path, &target, err))
		return false;
	*ret = target;
	return true;
}

/* ---- names ---- */

/* The link is read back in the round trip that makes it. */
static bool make_link(struct sftp *sftp, const char *path, const char *target, bool renew, struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	char *read_back AUTO_FREE = NULL;
	const unsigned symlink = renew ? 1 : 0;
	bool ok = true, read = false;

	sftp_batch_begin(sftp);
	if (renew)
		sftp_add_path(sftp, SFTP_REMOVE, path);
	sftp_add_link(sftp, path, target);
	sftp_add_path(sftp, SFTP_READLINK, path);
	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
		bool done = reply.type == SFTP_STATUS && reply.status == SFTP_OK;
		if (index < symlink && !done && !sftp_is_absent(&reply))
			ok = sftp_refused(&reply, "remove", path, err);
		else if (index == symlink && !done)
			ok = sftp_refused(&reply, "create the link", path, err);
		else if (index > symlink && ok)
			read = keep_target(&reply, path, &read_back, err);
	}
	if (!ok || !read)
		return false;
	if (!str_equal(read_back, target))
		return error_set(err, ERROR_REMOTE, NULL, "the link %s does not lead where it was told to", path);
	return true;
}

bool sftp_create_link(struct sftp *sftp, const char *path, const char *target, struct error *err)
{
	return make_link(sftp, path, target, /* renew= */ false, err);
}

bool sftp_renew_link(struct sftp *sftp, const char *path, const char *target, struct error *err)
{
	return make_link(sftp, path, target, /* renew= */ true, err);
}

/* In the same round trip it is looked whether OLD is gone: a server's word is not taken for what everything rests on.
 */
bool sftp_replace(struct sftp *sftp, const char *old, const char *new, struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	bool ok = true, gone = false;

	sftp_batch_begin(sftp);
	sftp_add_rename(sftp, old, new);
	sftp_add_path(sftp, SFTP_LSTAT, old);
	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SFTP client. Everything is a batch: requests with consecutive numbers are sent together and their replies
 * collected in any order, each number exactly once; a lone request is a batch of one. The server works a file's
 * requests off in order, so that write, chown, chmod, fsync, read-back and close of a file cost one round trip.
 */
#include "transport/sftp.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/ssh.h"

#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 32 * 1024, /* every server takes writes and reads of this size; larger ones kill some */
	BATCH_MAX = 64,
	OPEN_READ = 1,
	OPEN_WRITE = 2,
	OPEN_CREATE = 8,
	OPEN_EXCLUSIVE = 0x20,
	MODE_TYPE = 0170000,
	MODE_DIRECTORY = 0040000,
	MODE_FILE = 0100000,
	MODE_LINK = 0120000,
	MODE_BITS = 07777,
	PRIVATE_MODE = 0600,
	DIRECTORY_MODE = 0755,
};

struct sftp {
	struct ssh_stream *stream;
	struct deadline deadline;
	unsigned extensions; /* set of enum sftp_extension */
	uint32_t next_id;
	bool broken;    /* requests and replies may be out of step */
	struct buf out; /* the batch being built */
	struct buf in;  /* the packet read last; replies borrow from it */
	/* The batch: its first number, and for each request what must come back. */
	uint32_t first;
	unsigned count;
	struct expectation {
		const char *data; /* DATA with exactly these bytes; NULL: STATUS */
		size_t len;
		bool optional; /* any STATUS will do */
		bool answered;
	} expected[BATCH_MAX];
};

struct handle {
	unsigned char bytes[256];
	size_t len;
};

/* ---- packets in and out ---- */

static bool receive_packet(struct sftp *sftp, struct error *err)
{
	unsigned char head[4];

	if (!ssh_stream_read(sftp->stream, head, sizeof(head), sftp->deadline, err))
		return false;
	size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	if (len == 0 || len > LIMIT_SFTP_PACKET)
		return error_set(err, ERROR_REMOTE, NULL, "the SFTP server announced a packet of %zu bytes", len);
	char chunk[4096];
	buf_reset(&sftp->in);
	while (sftp->in.len < len) {
		size_t part = len - sftp->in.len < sizeof(chunk) ? len - sftp->in.len : sizeof(chunk);
		if (!ssh_stream_read(sftp->stream, chunk, part, sftp->deadline, err))
			return false;
		buf_append(&sftp->in, chunk, part);
	}
	return buf_check(&sftp->in, "SFTP packet", err);
}

static bool receive(struct sftp *sftp, struct error *err)
{
	sftp->broken = !receive_packet(sftp, err);
	return !sftp->broken;
}

static bool send_batch(struct sftp *sftp, struct error *err)
{
	if (sftp->broken)
		return error_set(err, ERROR_NETWORK, NULL, "the SFTP session broke earlier");
	bool ok = buf_check(&sftp->out, "SFTP request", err) &&
		  ssh_stream_write(sftp->stream, sftp->out.data, sftp->out.len, sftp->deadline, err);
	buf_reset(&sftp->out);
	sftp->broken = !ok;
	return ok;
}

/* The next reply, which must answer a request of this batch that has not been answered. */
static bool next_reply(struct sftp *sftp, struct sftp_reply *ret, unsigned *ret_index, struct error *err)
{
	if (!receive(sftp, err))
		return false;
	sftp->broken = true;
	if (!sftp_packet_parse(sftp->in.data, sftp->in.len, ret, err))
		return error_attribute(err, ERROR_REMOTE, NULL);
	uint32_t index = ret->id - sftp->first;
	if (index >= sftp->count || sftp->expected[index].answered)
		return error_set(err, ERROR_REMOTE, NULL, "the SFTP server answered a request that was not made");
	sftp->broken = false;
	sftp->expected[index].answered = true;
	*ret_index = index;
	return true;
}

/* "cannot VERB PATH: reason", with the server's own words. */
static bool refused(const struct sftp_reply *reply, const char *verb, const char *path, struct error *err)
{
	char safe[512];

	escape_str(safe, sizeof(safe), path);
	if (reply->type != SFTP_STATUS || reply->status == SFTP_OK)
		return error_set(err, ERROR_REMOTE, NULL,
				 "cannot %s %s: the SFTP server gave a reply of the wrong kind", verb, safe);
	(void)error_set(err, ERROR_REMOTE, NULL, "cannot %s %s: %s", verb, safe, sftp_status_text(reply->status));
	if (reply->bytes != NULL)
		error_said(err, (const char *)reply->bytes, reply->len);
	if (reply->status == SFTP_PERMISSION_DENIED)
		error_hint(err, "the user this server is deployed as needs the right to %s %s", verb, safe);
	return false;
}

/* ---- building a batch ---- */

static void batch_begin(struct sftp *sftp)
{
	sftp->first = sftp->next_id;
	sftp->count = 0;
	buf_reset(&sftp->out);
}

/* A request of this batch: its fields are appended to sftp->out, then sftp_packet_end(). */
static size_t request(struct sftp *sftp, enum sftp_type type)
{
	sftp->expected[sftp->count++] = (struct expectation){0};
	return sftp_packet_begin(&sftp->out, type, sftp->next_id++);
}

static void add_path(struct sftp *sftp, enum sftp_type type, const char *path)
{
	size_t start = request(sftp, type);
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_end(&sftp->out, start);
}

static void add_handle(struct sftp *sftp, enum sftp_type type, const struct handle *handle)
{
	size_t start = request(sftp, type);
	buf_string(&sftp->out, handle->bytes, handle->len);
	sftp_packet_end(&sftp->out, start);
}

static void add_read(struct sftp *sftp, const struct handle *handle, size_t offset, size_t len)
{
	size_t start = request(sftp, SFTP_READ);
	buf_string(&sftp->out, handle->bytes, handle->len);
	buf_u64(&sftp->out, offset);
	buf_u32(&sftp->out, (uint32_t)len);
	sftp_packet_end(&sftp->out, start);
}

static void add_write(struct sftp *sftp, const struct handle *handle, size_t offset, const char *data, size_t len)
{
	size_t start = request(sftp, SFTP_WRITE);
	buf_string(&sftp->out, handle->bytes, handle->len);
	buf_u64(&sftp->out, offset);
	buf_string(&sftp->out, data, len);
	sftp_packet_end(&sftp->out, start);
}

static void add_attributes(struct sftp *sftp, const struct handle *handle, const struct sftp_attributes *attrs)
{
	size_t start = request(sftp, SFTP_FSETSTAT);
	buf_string(&sftp->out, handle->bytes, handle->len);
	sftp_packet_attributes(&sftp->out, attrs);
	sftp_packet_end(&sftp->out, start);
}

static void add_flush(struct sftp *sftp, const struct handle *handle)
{
	static const char name[] = "fsync@openssh.com";
	size_t start = request(sftp, SFTP_EXTENDED);
	buf_string(&sftp->out, name, sizeof(name) - 1);
	buf_string(&sftp->out, handle->bytes, handle->len);
	sftp_packet_end(&sftp->out, start);
}

/* Send the batch and collect all its replies; the first that is not as expected becomes the error. */
static bool batch_run(struct sftp *sftp, const char *verb, const char *path, struct error *err)
{
	bool ok = true;

	if (!send_batch(sftp, err))
		return false;
	for (unsigned i = 0; i < sftp->count; i++) {
		struct sftp_reply reply;
		unsigned index;
		if (!next_reply(sftp, &reply, &index, err))
			return false;
		const struct expectation *want = &sftp->expected[index];
		if (reply.type == SFTP_DATA && want->data != NULL) {
			if (reply.len == want->len && memcmp(reply.bytes, want->data, want->len) == 0)
				continue;
			ok = error_set(err, ERROR_REMOTE, NULL, "%s reads back differently from what was written",
				       path);
		} else if (reply.type != SFTP_STATUS || want->data != NULL ||
			   (reply.status != SFTP_OK && !want->optional)) {
			ok = refused(&reply, verb, path, err);
		}
	}
	return ok;
}

/* One request on its way, its one reply of whatever kind. */
static bool ask(struct sftp *sftp, struct sftp_reply *ret, struct error *err)
{
	unsigned index;
	return send_batch(sftp, err) && next_reply(sftp, ret, &index, err);
}

static bool is_absent(const struct sftp_reply *reply)
{
	return reply->type == SFTP_STATUS && reply->status == SFTP_NO_SUCH_FILE;
}

/* ---- session ---- */

struct sftp *sftp_start(struct ssh_link *link, struct deadline deadline, struct error *err)
{
	enum { VERSION = 3 };
	struct sftp *sftp = calloc(1, sizeof(*sftp));

	if (sftp == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	sftp->deadline = deadline;
	buf_init(&sftp->out, 2 * (size_t)LIMIT_REMOTE_FILE);
	buf_init(&sftp->in, LIMIT_SFTP_PACKET);
	sftp->stream = ssh_stream_sftp(link, deadline, err);
	if (sftp->stream == NULL)
		goto failed;
	sftp_packet_end(&sftp->out, sftp_packet_begin(&sftp->out, SFTP_INIT, VERSION));
	if (!send_batch(sftp, err) || !receive(sftp, err))
		goto failed;
	if (sftp_packet_parse_version(sftp->in.data, sftp->in.len, &sftp->extensions, err))
		return sftp;
	(void)error_attribute(err, ERROR_REMOTE, NULL);
	error_hint(err, "does the account's shell print something at login, or is SFTP not set up for it?");
failed:
	sftp_stop(sftp);
	return NULL;
}

void sftp_stop(struct sftp *sftp)
{
	if (sftp == NULL)
		return;
	buf_done(&sftp->out);
	buf_done(&sftp->in);
	free(sftp);
}

void sftp_set_deadline(struct sftp *sftp, struct deadline deadline)
{
	sftp->deadline = deadline;
}

bool sftp_usable(const struct sftp *sftp)
{
	return !sftp->broken;
}

bool sftp_offers(const struct sftp *sftp, enum sftp_extension extension)
{
	return (sftp->extensions & (unsigned)extension) != 0;
}

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

	batch_begin(sftp);
	add_path(sftp, follow ? SFTP_STAT : SFTP_LSTAT, path);
	if (!ask(sftp, &reply, err))
		return false;
	if (is_absent(&reply)) {
		*ret = (struct sftp_entry){.kind = SFTP_ABSENT};
		return true;
	}
	if (reply.type != SFTP_ATTRS)
		return refused(&reply, "look at", path, err);
	*ret = (struct sftp_entry){kind_of(&reply.attrs), reply.attrs.mode & MODE_BITS, reply.attrs.uid,
				   reply.attrs.gid};
	return true;
}

bool sftp_read_link(struct sftp *sftp, const char *path, char **ret, struct error *err)
{
	struct sftp_reply reply;
	struct sftp_entry entry;
	const char *target;
	size_t len;

	if (!sftp_look(sftp, path, false, &entry, err))
		return false;
	if (entry.kind != SFTP_LINK) {
		*ret = NULL;
		return true;
	}
	batch_begin(sftp);
	add_path(sftp, SFTP_READLINK, path);
	if (!ask(sftp, &reply, err))
		return false;
	if (reply.type != SFTP_NAME || !sftp_packet_next_name(&reply, &target, &len) ||
	    memchr(target, '\0', len) != NULL)
		return refused(&reply, "read the link", path, err);
	char *copy = NULL;
	if (!str_set_n(&copy, target, len, err))
		return false;
	*ret = copy;
	return true;
}

/* ---- handles ---- */

static bool keep_handle(const struct sftp_reply *reply, struct handle *ret)
{
	if (reply->type != SFTP_HANDLE || reply->len > sizeof(ret->bytes))
		return false;
	memcpy(ret->bytes, reply->bytes, reply->len);
	ret->len = reply->len;
	return true;
}

static void add_open(struct sftp *sftp, const char *path, uint32_t flags, const struct sftp_attributes *attrs)
{
	size_t start = request(sftp, SFTP_OPEN);
	buf_string(&sftp->out, path, strlen(path));
	buf_u32(&sftp->out, flags);
	sftp_packet_attributes(&sftp->out, attrs);
	sftp_packet_end(&sftp->out, start);
}

static bool close_handle(struct sftp *sftp, const struct handle *handle, const char *path, struct error *err)
{
	batch_begin(sftp);
	add_handle(sftp, SFTP_CLOSE, handle);
	return batch_run(sftp, "close", path, err);
}

/* Close after the operation ended as OK says; where the server itself refused it, the connection is still good. */
static bool finish_handle(struct sftp *sftp, const struct handle *handle, const char *path, bool ok, struct error *err)
{
	struct error ignored = {0};

	if (ok)
		return close_handle(sftp, handle, path, err);
	if (!sftp->broken && !close_handle(sftp, handle, path, &ignored))
		log_debug("%s: not closed: %s", path, ignored.message);
	return false;
}

/* ---- reading files ---- */

/* A read shorter than asked for is the end of the file: version 3 promises it of ordinary files. */
static bool read_all(struct sftp *sftp, const struct handle *handle, const char *path, struct buf *out,
		     struct error *err)
{
	for (size_t offset = 0;;) {
		struct sftp_reply reply;
		batch_begin(sftp);
		add_read(sftp, handle, offset, CHUNK);
		if (!ask(sftp, &reply, err))
			return false;
		if (reply.type == SFTP_STATUS && reply.status == SFTP_EOF)
			return true;
		if (reply.type != SFTP_DATA || reply.len > CHUNK)
			return refused(&reply, "read", path, err);
		buf_append(out, reply.bytes, reply.len);
		if (out->failed)
			return error_set(err, ERROR_REMOTE, NULL, "%s is larger than %zu bytes", path, out->max);
		if (reply.len < CHUNK)
			return true;
		offset += reply.len;
	}
}

bool sftp_read_file(struct sftp *sftp, const char *path, struct buf *out, bool *ret_found, struct error *err)
{
	static const struct sftp_attributes none = {0};
	struct sftp_reply reply;
	struct handle handle;

	batch_begin(sftp);
	add_open(sftp, path, OPEN_READ, &none);
	if (!ask(sftp, &reply, err))
		return false;
	if (is_absent(&reply)) {
		*ret_found = false;
		return true;
	}
	if (!keep_handle(&reply, &handle))
		return refused(&reply, "read", path, err);
	if (!finish_handle(sftp, &handle, path, read_all(sftp, &handle, path, out, err), err))
		return false;
	*ret_found = true;
	return true;
}

/* ---- writing files ---- */

/* Who owns the open file now, for the half of OWNER that was left open: version 3 only sets both. */
static bool complete_owner(struct sftp *sftp, const struct handle *handle, const char *path, struct sftp_owner owner,
			   struct sftp_attributes *ret, struct error *err)
{
	struct sftp_reply reply;

	batch_begin(sftp);
	add_handle(sftp, SFTP_FSTAT, handle);
	if (!ask(sftp, &reply, err))
		return false;
	if (reply.type != SFTP_ATTRS || (reply.attrs.flags & SFTP_ATTR_OWNER) == 0)
		return refused(&reply, "look at", path, err);
	*ret = (struct sftp_attributes){
		.flags = SFTP_ATTR_OWNER,
		.uid = owner.uid >= 0 ? (uint32_t)owner.uid : reply.attrs.uid,
		.gid = owner.gid >= 0 ? (uint32_t)owner.gid : reply.attrs.gid,
	};
	return true;
}

/* The owner before the mode: a group-readable key must not be readable by the wrong group even for an instant. */
static bool set_attributes(struct sftp *sftp, const struct handle *handle, const char *path, uint32_t mode,
			   struct sftp_owner owner, struct error *err)
{
	struct sftp_attributes attrs;

	if (owner.uid >= 0 || owner.gid >= 0) {
		if (!complete_owner(sftp, handle, path, owner, &attrs, err))
			return false;
		batch_begin(sftp);
		add_attributes(sftp, handle, &attrs);
		if (!batch_run(sftp, "change the owner of", path, err))
			return false;
	}
	batch_begin(sftp);
	attrs = (struct sftp_attributes){.flags = SFTP_ATTR_MODE, .mode = mode};
	add_attributes(sftp, handle, &attrs);
	return batch_run(sftp, "change the mode of", path, err);
}

/* Write, flush and read back in batches; each batch is written and read whole before the next. */
static bool write_content(struct sftp *sftp, const struct handle *handle, const char *path, const char *data,
			  size_t len, struct error *err)
{
	enum { CHUNKS = BATCH_MAX / 2 - 1 };
	size_t offset = 0;

	do {
		size_t end = len - offset > (size_t)CHUNKS * CHUNK ? offset + (size_t)CHUNKS * CHUNK : len;
		batch_begin(sftp);
		for (size_t at = offset; at < end; at += CHUNK)
			add_write(sftp, handle, at, data + at, end - at < CHUNK ? end - at : CHUNK);
		if (end == len && sftp_offers(sftp, SFTP_HAS_FSYNC))
			add_flush(sftp, handle);
		for (size_t at = offset; at < end; at += CHUNK) {
			size_t part = end - at < CHUNK ? end - at : CHUNK;
			add_read(sftp, handle, at, part);
			sftp->expected[sftp->count - 1].data = data + at;
			sftp->expected[sftp->count - 1].len = part;
		}
		if (!batch_run(sftp, "write", path, err))
			return false;
		offset = end;
	} while (offset < len);
	return true;
}

bool sftp_create_file(struct sftp *sftp, const char *path, const void *data, size_t len, uint32_t mode,
		      struct sftp_owner owner, struct error *err)
{
	static const struct sftp_attributes private = {.flags = SFTP_ATTR_MODE, .mode = PRIVATE_MODE};
	struct sftp_reply reply;
	struct handle handle;

	batch_begin(sftp);
	add_open(sftp, path, OPEN_READ | OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE, &private);
	if (!ask(sftp, &reply, err))
		return false;
	if (!keep_handle(&reply, &handle))
		return refused(&reply, "create", path, err);
	bool ok = write_content(sftp, &handle, path, data, len, err) &&
		  set_attributes(sftp, &handle, path, mode, owner, err);
	return finish_handle(sftp, &handle, path, ok, err);
}

/* ---- names ---- */

bool sftp_create_link(struct sftp *sftp, const char *path, const char *target, struct error *err)
{
	char *read_back AUTO_FREE = NULL;

	batch_begin(sftp);
	size_t start = request(sftp, SFTP_SYMLINK);
	/* OpenSSH, and with it everybody, has the target first, against the draft. */
	buf_string(&sftp->out, target, strlen(target));
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_end(&sftp->out, start);
	if (!batch_run(sftp, "create the link", path, err) || !sftp_read_link(sftp, path, &read_back, err))
		return false;
	if (!str_equal(read_back, target))
		return error_set(err, ERROR_REMOTE, NULL, "the link %s does not lead where it was told to", path);
	return true;
}

bool sftp_replace(struct sftp *sftp, const char *old, const char *new, struct error *err)
{
	static const char name[] = "posix-rename@openssh.com";

	batch_begin(sftp);
	size_t start = request(sftp, SFTP_EXTENDED);
	buf_string(&sftp->out, name, sizeof(name) - 1);
	buf_string(&sftp->out, old, strlen(old));
	buf_string(&sftp->out, new, strlen(new));
	sftp_packet_end(&sftp->out, start);
	return batch_run(sftp, "replace", new, err);
}

/* REMOVE or RMDIR, content with what is gone already. */
static bool remove_entry(struct sftp *sftp, enum sftp_type type, const char *path, struct error *err)
{
	struct sftp_reply reply;

	batch_begin(sftp);
	add_path(sftp, type, path);
	if (!ask(sftp, &reply, err))
		return false;
	if (is_absent(&reply) || (reply.type == SFTP_STATUS && reply.status == SFTP_OK))
		return true;
	return refused(&reply, "remove", path, err);
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

/* ---- directories ---- */

static bool create_directory(struct sftp *sftp, const char *path, struct sftp_reply *ret, struct error *err)
{
	static const struct sftp_attributes attrs = {.flags = SFTP_ATTR_MODE, .mode = DIRECTORY_MODE};

	batch_begin(sftp);
	size_t start = request(sftp, SFTP_MKDIR);
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_attributes(&sftp->out, &attrs);
	sftp_packet_end(&sftp->out, start);
	if (!ask(sftp, ret, err))
		return false;
	if (ret->type != SFTP_STATUS || ret->status != SFTP_OK)
		return true; /* the caller judges */
	batch_begin(sftp);   /* the server's umask may have taken bits away */
	start = request(sftp, SFTP_SETSTAT);
	buf_string(&sftp->out, path, strlen(path));
	sftp_packet_attributes(&sftp->out, &attrs);
	sftp_packet_end(&sftp->out, start);
	struct sftp_reply mode_reply;
	if (!ask(sftp, &mode_reply, err))
		return false;
	*ret = (struct sftp_reply){.type = SFTP_STATUS, .status = SFTP_OK};
	return true;
}

/* PATH up to its component that ends at LEN. */
static bool create_component(struct sftp *sftp, const char *path, size_t len, struct error *err)
{
	char *part AUTO_FREE = NULL;
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
	return reply.status == SFTP_OK || refused(&reply, "create the directory", part, err);
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
static bool list_all(struct sftp *sftp, const struct handle *handle, const char *path, struct str_list *ret,
		     struct error *err)
{
	struct sftp_reply reply;

	for (;;) {
		batch_begin(sftp);
		add_handle(sftp, SFTP_READDIR, handle);
		if (!ask(sftp, &reply, err))
			return false;
		if (reply.type == SFTP_STATUS && reply.status == SFTP_EOF)
			return true;
		if (reply.type != SFTP_NAME || deadline_left_ms(sftp->deadline) == 0)
			return refused(&reply, "list", path, err);
		if (!keep_names(&reply, path, ret, err))
			return false;
	}
}

bool sftp_list(struct sftp *sftp, const char *path, struct str_list *ret, struct error *err)
{
	struct str_list names CLEANUP(str_list_done) = {0};
	struct sftp_reply reply;
	struct handle handle;

	batch_begin(sftp);
	add_path(sftp, SFTP_OPENDIR, path);
	if (!ask(sftp, &reply, err))
		return false;
	if (!keep_handle(&reply, &handle))
		return refused(&reply, "list", path, err);
	if (!finish_handle(sftp, &handle, path, list_all(sftp, &handle, path, &names, err), err))
		return false;
	*ret = names;
	names = (struct str_list){0};
	return true;
}

bool sftp_flush_directory(struct sftp *sftp, const char *path, struct error *err)
{
	static const struct sftp_attributes none = {0};
	struct sftp_reply reply;
	struct handle handle;

	if (!sftp_offers(sftp, SFTP_HAS_FSYNC))
		return true;
	batch_begin(sftp);
	add_open(sftp, path, OPEN_READ, &none);
	if (!ask(sftp, &reply, err))
		return false;
	if (!keep_handle(&reply, &handle))
		return true;
	batch_begin(sftp);
	add_flush(sftp, &handle);
	add_handle(sftp, SFTP_CLOSE, &handle);
	sftp->expected[0].optional = sftp->expected[1].optional = true;
	return batch_run(sftp, "flush", path, err);
}

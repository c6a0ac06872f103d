/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files over SFTP. The server works a file's requests off in order, so that write, chown, chmod, fsync, read-back
 * and close of a file cost one round trip.
 */
#include "base/limits.h"
#include "transport/sftp_exchange.h"

#include <string.h>

enum {
	CHUNK = 32 * 1024, /* every server takes writes and reads of this size; larger ones kill some */
	OPEN_WRITE = 2,
	OPEN_CREATE = 8,
	OPEN_EXCLUSIVE = 0x20,
	PRIVATE_MODE = 0600,
};

static void add_read(struct sftp *sftp, const struct sftp_handle *handle, size_t offset, size_t len)
{
	size_t start = sftp_request(sftp, SFTP_READ);
	buf_string(&sftp->out, handle->bytes, handle->len);
	buf_u64(&sftp->out, offset);
	buf_u32(&sftp->out, (uint32_t)len);
	sftp_packet_end(&sftp->out, start);
}

static void add_write(struct sftp *sftp, const struct sftp_handle *handle, size_t offset, const char *data, size_t len)
{
	size_t start = sftp_request(sftp, SFTP_WRITE);
	buf_string(&sftp->out, handle->bytes, handle->len);
	buf_u64(&sftp->out, offset);
	buf_string(&sftp->out, data, len);
	sftp_packet_end(&sftp->out, start);
}

static void add_attributes(struct sftp *sftp, const struct sftp_handle *handle, const struct sftp_attributes *attrs)
{
	size_t start = sftp_request(sftp, SFTP_FSETSTAT);
	buf_string(&sftp->out, handle->bytes, handle->len);
	sftp_packet_attributes(&sftp->out, attrs);
	sftp_packet_end(&sftp->out, start);
}

/* ---- reading files ---- */

/* A read shorter than asked for is the end of the file: version 3 promises it of ordinary files. */
static bool read_all(struct sftp *sftp, const struct sftp_handle *handle, const char *path, struct buf *out,
		     struct error *err)
{
	for (size_t offset = 0;;) {
		struct sftp_reply reply;
		sftp_batch_begin(sftp);
		add_read(sftp, handle, offset, CHUNK);
		if (!sftp_ask(sftp, &reply, err))
			return false;
		if (reply.type == SFTP_STATUS && reply.status == SFTP_EOF)
			return true;
		if (reply.type != SFTP_DATA || reply.len > CHUNK)
			return sftp_refused(&reply, "read", path, err);
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
	struct sftp_handle handle;

	sftp_batch_begin(sftp);
	sftp_add_open(sftp, path, SFTP_OPEN_READ, &none);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (sftp_is_absent(&reply)) {
		*ret_found = false;
		return true;
	}
	if (!sftp_keep_handle(&reply, &handle))
		return sftp_refused(&reply, "read", path, err);
	if (!sftp_finish_handle(sftp, &handle, path, read_all(sftp, &handle, path, out, err), err))
		return false;
	*ret_found = true;
	return true;
}

/* ---- writing files ---- */

/* Who owns the open file now, for the half of OWNER that was left open: version 3 only sets both. */
static bool complete_owner(struct sftp *sftp, const struct sftp_handle *handle, const char *path,
			   struct sftp_owner owner, struct sftp_attributes *ret, struct error *err)
{
	struct sftp_reply reply;

	sftp_batch_begin(sftp);
	sftp_add_handle(sftp, SFTP_FSTAT, handle);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (reply.type != SFTP_ATTRS || (reply.attrs.flags & SFTP_ATTR_OWNER) == 0)
		return sftp_refused(&reply, "look at", path, err);
	*ret = (struct sftp_attributes){
		.flags = SFTP_ATTR_OWNER,
		.uid = owner.uid >= 0 ? (uint32_t)owner.uid : reply.attrs.uid,
		.gid = owner.gid >= 0 ? (uint32_t)owner.gid : reply.attrs.gid,
	};
	return true;
}

static bool change_owner(struct sftp *sftp, const struct sftp_handle *handle, const char *path,
			 const struct sftp_attributes *attrs, struct error *err)
{
	struct sftp_reply reply;

	sftp_batch_begin(sftp);
	add_attributes(sftp, handle, attrs);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (reply.type == SFTP_STATUS && reply.status == SFTP_OK)
		return true;
	if (reply.type == SFTP_STATUS && reply.status == SFTP_PERMISSION_DENIED)
		error_hint(err, "only root gives files to another user, and others to no group but their own: use "
				"`sudo: true`, or leave out `owner` and `group`");
	return sftp_refused(&reply, "change the owner of", path, err);
}

/* The owner before the mode: a group-readable key must not be readable by the wrong group even for an instant. */
static bool set_attributes(struct sftp *sftp, const struct sftp_handle *handle, const char *path, uint32_t mode,
			   struct sftp_owner owner, struct error *err)
{
	struct sftp_attributes attrs;

	if (owner.uid >= 0 || owner.gid >= 0) {
		if (!complete_owner(sftp, handle, path, owner, &attrs, err) ||
		    !change_owner(sftp, handle, path, &attrs, err))
			return false;
	}
	sftp_batch_begin(sftp);
	attrs = (struct sftp_attributes){.flags = SFTP_ATTR_MODE, .mode = mode};
	add_attributes(sftp, handle, &attrs);
	return sftp_batch_run(sftp, "change the mode of", path, err);
}

/* Write, flush and read back in batches; each batch is written and read whole before the next. */
static bool write_content(struct sftp *sftp, const struct sftp_handle *handle, const char *path, const char *data,
			  size_t len, struct error *err)
{
	enum { CHUNKS = SFTP_BATCH_MAX / 2 - 1 };
	size_t offset = 0;

	do {
		size_t end = len - offset > (size_t)CHUNKS * CHUNK ? offset + (size_t)CHUNKS * CHUNK : len;
		sftp_batch_begin(sftp);
		for (size_t at = offset; at < end; at += CHUNK)
			add_write(sftp, handle, at, data + at, end - at < CHUNK ? end - at : CHUNK);
		if (end == len && sftp_offers(sftp, SFTP_HAS_FSYNC))
			sftp_add_flush(sftp, handle);
		for (size_t at = offset; at < end; at += CHUNK) {
			size_t part = end - at < CHUNK ? end - at : CHUNK;
			add_read(sftp, handle, at, part);
			sftp->expected[sftp->count - 1].data = data + at;
			sftp->expected[sftp->count - 1].len = part;
		}
		if (!sftp_batch_run(sftp, "write", path, err))
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
	struct sftp_handle handle;

	sftp_batch_begin(sftp);
	sftp_add_open(sftp, path, SFTP_OPEN_READ | OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE, &private);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (!sftp_keep_handle(&reply, &handle))
		return sftp_refused(&reply, "create", path, err);
	bool ok = write_content(sftp, &handle, path, data, len, err) &&
		  set_attributes(sftp, &handle, path, mode, owner, err);
	return sftp_finish_handle(sftp, &handle, path, ok, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files over SFTP. The server works a file's requests off in order, so that write, read-back, fsync, chmod and
 * close of several files together cost one round trip behind the one that opens them.
 */
#include "base/limits.h"
#include "base/log.h"
#include "transport/sftp_exchange.h"

#include <string.h>

enum {
	CHUNK = 32 * 1024, /* every server takes writes and reads of this size; larger ones kill some */
	OPEN_WRITE = 2,
	OPEN_CREATE = 8,
	OPEN_EXCLUSIVE = 0x20,
	PRIVATE_MODE = 0600,
	/* Requests in a batch before it is run, with room behind for a flush, a mode and a close of each file. */
	PIPELINED = SFTP_BATCH_MAX - 4 * SFTP_FILES_MAX,
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

static void add_file_attributes(struct sftp *sftp, const struct sftp_handle *handle,
				const struct sftp_attributes *attrs)
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

/* What the open file is. */
static bool describe(struct sftp *sftp, const struct sftp_handle *handle, const char *path, struct sftp_entry *ret,
		     struct error *err)
{
	struct sftp_reply reply;

	sftp_batch_begin(sftp);
	sftp_add_handle(sftp, SFTP_FSTAT, handle);
	if (!sftp_ask(sftp, &reply, err))
		return false;
	if (reply.type != SFTP_ATTRS)
		return sftp_refused(&reply, "look at", path, err);
	*ret = sftp_entry_of(&reply.attrs);
	return ret->kind == SFTP_FILE || error_set(err, ERROR_REMOTE, NULL, "%s is there and is no file", path);
}

/* ENTRY may be NULL. */
static bool read_file(struct sftp *sftp, const char *path, struct buf *out, struct sftp_entry *entry, bool *ret_found,
		      struct error *err)
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
	bool ok =
		(entry == NULL || describe(sftp, &handle, path, entry, err)) && read_all(sftp, &handle, path, out, err);
	if (!sftp_finish_handle(sftp, &handle, path, ok, err))
		return false;
	*ret_found = true;
	return true;
}

bool sftp_read_file(struct sftp *sftp, const char *path, struct buf *out, bool *ret_found, struct error *err)
{
	return read_file(sftp, path, out, /* entry= */ NULL, ret_found, err);
}

bool sftp_read_described(struct sftp *sftp, const char *path, struct buf *out, struct sftp_entry *ret_entry,
			 bool *ret_found, struct error *err)
{
	return read_file(sftp, path, out, ret_entry, ret_found, err);
}

/* ---- several files ---- */

/* One of several that are open at once. */
struct open_file {
	const struct sftp_file *file;
	struct sftp_handle handle;
	bool open;
	struct sftp_attributes owner;
};

/*
 * Open FILES, all in one round trip. *RET_ABSENT, where it is asked for: one of them is not there, which then is no
 * failure.
 */
static bool open_all(struct sftp *sftp, const struct sftp_file *files, size_t count, const char *verb, uint32_t flags,
		     const struct sftp_attributes *attrs, struct open_file *ret, bool *ret_absent, struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	bool ok = true;

	sftp_batch_begin(sftp);
	for (size_t i = 0; i < count; i++) {
		ret[i] = (struct open_file){.file = &files[i]};
		sftp_add_open(sftp, files[i].path, flags, attrs);
	}
	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
		ret[index].open = sftp_keep_handle(&reply, &ret[index].handle);
		if (ret_absent != NULL && sftp_is_absent(&reply))
			*ret_absent = true;
		else if (!ret[index].open)
			ok = sftp_refused(&reply, verb, files[index].path, err);
	}
	return ok;
}

/* The end of each goes into the batch. */
static void add_closes(struct sftp *sftp, struct open_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!files[i].open)
			continue;
		sftp_add_handle(sftp, SFTP_CLOSE, &files[i].handle);
		sftp_expect(sftp, "close", files[i].file->path);
		files[i].open = false;
	}
}

/* After a failure, where the connection is still good. */
static void close_all(struct sftp *sftp, struct open_file *files, size_t count)
{
	struct error ignored = {0};

	if (!sftp_usable(sftp))
		return;
	sftp_batch_begin(sftp);
	add_closes(sftp, files, count);
	if (sftp->count > 0 && !sftp_batch_run(sftp, "close", "", &ignored))
		log_debug("not closed: %s", ignored.message);
}

static void add_expected_read(struct sftp *sftp, const struct open_file *file, size_t offset, size_t len, size_t more)
{
	add_read(sftp, &file->handle, offset, len + more);
	sftp_expect(sftp, "read", file->file->path);
	sftp->expected[sftp->count - 1].data = (const char *)file->file->data + offset;
	sftp->expected[sftp->count - 1].len = len;
	sftp->awaited += len + more;
}

/* ---- comparing files ---- */

static bool same_content(const struct sftp_reply *reply, const struct sftp_expectation *want)
{
	if (want->len == 0)
		return reply->type == SFTP_STATUS;
	return reply->type == SFTP_DATA && reply->len == want->len && memcmp(reply->bytes, want->data, want->len) == 0;
}

/* Run the batch of reads and closes; *SAME becomes false where one brings something else. */
static bool compare_batch(struct sftp *sftp, bool *same, struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	bool ok = true;

	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
		const struct sftp_expectation *want = &sftp->expected[index];
		bool refused = reply.type == SFTP_STATUS && reply.status != SFTP_OK && reply.status != SFTP_EOF;
		if (refused || (reply.type != SFTP_STATUS && reply.type != SFTP_DATA))
			ok = sftp_refused(&reply, want->verb, want->path, err);
		else if (want->data != NULL)
			*same = *same && same_content(&reply, want);
	}
	sftp_batch_begin(sftp);
	return ok;
}

/* One byte more is asked for than there should be, to see whether the file goes on. */
static bool compare_all(struct sftp *sftp, struct open_file *files, size_t count, bool *same, struct error *err)
{
	sftp_batch_begin(sftp);
	for (size_t i = 0; i < count; i++) {
		size_t offset = 0, len = files[i].file->len;
		for (; len - offset >= CHUNK; offset += CHUNK) {
			if ((sftp->count >= PIPELINED || sftp->awaited >= LIMIT_REMOTE_FILE) &&
			    !compare_batch(sftp, same, err))
				return false;
			add_expected_read(sftp, &files[i], offset, CHUNK, 0);
		}
		add_expected_read(sftp, &files[i], offset, len - offset, 1);
	}
	add_closes(sftp, files, count);
	return compare_batch(sftp, same, err);
}

bool sftp_files_hold(struct sftp *sftp, const struct sftp_file *files, size_t count, bool *ret, struct error *err)
{
	static const struct sftp_attributes none = {0};
	struct open_file open[SFTP_FILES_MAX] = {0};
	bool absent = false, same = true;

	if (!open_all(sftp, files, count, "read", SFTP_OPEN_READ, &none, open, &absent, err) ||
	    (!absent && !compare_all(sftp, open, count, &same, err))) {
		close_all(sftp, open, count);
		return false;
	}
	close_all(sftp, open, count);
	*ret = !absent && same;
	return true;
}

/* ---- writing files ---- */

/* Write and read back; where the batch is full it is run, else it stays to be gone on with. */
static bool add_content(struct sftp *sftp, const struct open_file *file, struct error *err)
{
	const char *data = file->file->data;
	const size_t len = file->file->len;

	for (size_t at = 0; at < len; at += CHUNK) {
		size_t part = len - at < CHUNK ? len - at : CHUNK;
		if (sftp->count >= PIPELINED || sftp->awaited + part > LIMIT_REMOTE_FILE) {
			if (!sftp_batch_run(sftp, "write", file->file->path, err))
				return false;
			sftp_batch_begin(sftp);
		}
		add_write(sftp, &file->handle, at, data + at, part);
		sftp_expect(sftp, "write", file->file->path);
		add_expected_read(sftp, file, at, part, 0);
	}
	if (sftp_offers(sftp, SFTP_HAS_FSYNC)) {
		sftp_add_flush(sftp, &file->handle);
		sftp_expect(sftp, "write", file->file->path);
	}
	return true;
}

/* Who owns each file now, for the half of OWNER that was left open: version 3 only sets both. */
static bool complete_owners(struct sftp *sftp, struct open_file *files, size_t count, struct sftp_owner owner,
			    struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	bool ok = true;

	sftp_batch_begin(sftp);
	for (size_t i = 0; i < count; i++)
		sftp_add_handle(sftp, SFTP_FSTAT, &files[i].handle);
	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
		if (reply.type != SFTP_ATTRS || (reply.attrs.flags & SFTP_ATTR_OWNER) == 0)
			ok = sftp_refused(&reply, "look at", files[index].file->path, err);
		files[index].owner = (struct sftp_attributes){
			.flags = SFTP_ATTR_OWNER,
			.uid = owner.uid >= 0 ? (uint32_t)owner.uid : reply.attrs.uid,
			.gid = owner.gid >= 0 ? (uint32_t)owner.gid : reply.attrs.gid,
		};
	}
	return ok;
}

static bool change_owners(struct sftp *sftp, const struct open_file *files, size_t count, struct error *err)
{
	struct sftp_reply reply;
	unsigned index;
	bool ok = true;

	sftp_batch_begin(sftp);
	for (size_t i = 0; i < count; i++)
		add_file_attributes(sftp, &files[i].handle, &files[i].owner);
	while (sftp_each_reply(sftp, &reply, &index, &ok, err)) {
		if (reply.type == SFTP_STATUS && reply.status == SFTP_OK)
			continue;
		if (reply.type == SFTP_STATUS && reply.status == SFTP_PERMISSION_DENIED)
			error_hint(err, "only root gives files to another user, and others to no group but their own: "
					"use `sudo: true`, or leave out `owner` and `group`");
		ok = sftp_refused(&reply, "change the owner of", files[index].file->path, err);
	}
	return ok;
}

/* The owner before the mode: a group-readable key must not be readable by the wrong group even for an instant. */
static bool write_all(struct sftp *sftp, struct open_file *files, size_t count, struct sftp_owner owner,
		      struct error *err)
{
	sftp_batch_begin(sftp);
	for (size_t i = 0; i < count; i++)
		if (!add_content(sftp, &files[i], err))
			return false;
	if (owner.uid >= 0 || owner.gid >= 0) {
		if (!sftp_batch_run(sftp, "write", "", err) || !complete_owners(sftp, files, count, owner, err) ||
		    !change_owners(sftp, files, count, err))
			return false;
		sftp_batch_begin(sftp);
	}
	for (size_t i = 0; i < count; i++) {
		const struct sftp_attributes attrs = {.flags = SFTP_ATTR_MODE, .mode = files[i].file->mode};
		add_file_attributes(sftp, &files[i].handle, &attrs);
		sftp_expect(sftp, "change the mode of", files[i].file->path);
	}
	add_closes(sftp, files, count);
	return sftp_batch_run(sftp, "write", "", err);
}

bool sftp_create_files(struct sftp *sftp, const struct sftp_file *files, size_t count, struct sftp_owner owner,
		       struct error *err)
{
	static const struct sftp_attributes private = {.flags = SFTP_ATTR_MODE, .mode = PRIVATE_MODE};
	struct open_file open[SFTP_FILES_MAX] = {0};

	if (open_all(sftp, files, count, "create", SFTP_OPEN_READ | OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE, &private,
		     open, /* ret_absent= */ NULL, err) &&
	    write_all(sftp, open, count, owner, err))
		return true;
	close_all(sftp, open, count);
	return false;
}

bool sftp_create_file(struct sftp *sftp, const char *path, const void *data, size_t len, uint32_t mode,
		      struct sftp_owner owner, struct error *err)
{
	const struct sftp_file file = {path, data, len, mode};
	return sftp_create_files(sftp, &file, 1, owner, err);
}

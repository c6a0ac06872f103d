/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the SFTP client's files share: one connection's state, and batches of requests with their replies. Errors as
 * sftp.h describes them. Only for sftp*.c.
 */
#ifndef TRANSPORT_SFTP_EXCHANGE_H
#define TRANSPORT_SFTP_EXCHANGE_H

#include "base/buf.h"
#include "transport/sftp.h"

enum { SFTP_BATCH_MAX = 64, SFTP_OPEN_READ = 1 };

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
	unsigned count, answered;
	bool sent;
	size_t awaited; /* bytes of files that its replies will bring */
	struct sftp_expectation {
		const char *verb, *path; /* for its error; NULL: the batch's */
		const char *data;        /* DATA with exactly these bytes; NULL: STATUS */
		size_t len;
		bool optional; /* any STATUS will do */
		bool answered;
	} expected[SFTP_BATCH_MAX];
};

struct sftp_handle {
	unsigned char bytes[256];
	size_t len;
};

/* Start a batch, and put a request into it: its fields are appended to sftp->out, then sftp_packet_end(). */
void sftp_batch_begin(struct sftp *sftp);
size_t sftp_request(struct sftp *sftp, enum sftp_type type);

/* Requests that have a path, or a handle, and nothing else; MKDIR and SETSTAT; OPEN; SYMLINK; a rename that replaces.
 */
void sftp_add_path(struct sftp *sftp, enum sftp_type type, const char *path);
void sftp_add_handle(struct sftp *sftp, enum sftp_type type, const struct sftp_handle *handle);
void sftp_add_open(struct sftp *sftp, const char *path, uint32_t flags, const struct sftp_attributes *attrs);
void sftp_add_attributes(struct sftp *sftp, enum sftp_type type, const char *path, const struct sftp_attributes *attrs);
void sftp_add_link(struct sftp *sftp, const char *path, const char *target);
void sftp_add_rename(struct sftp *sftp, const char *old, const char *new); /* posix-rename@openssh.com */
void sftp_add_flush(struct sftp *sftp, const struct sftp_handle *handle);  /* fsync@openssh.com */

/* The request added last is to VERB PATH, both borrowed until the batch was run. */
void sftp_expect(struct sftp *sftp, const char *verb, const char *path);

/* Send the batch and collect all its replies; the first that is not as expected becomes the error. */
MUST_CHECK bool sftp_batch_run(struct sftp *sftp, const char *verb, const char *path, struct error *err);

/* Send the batch, a lone request, and give its one reply of whatever kind. */
MUST_CHECK bool sftp_ask(struct sftp *sftp, struct sftp_reply *ret, struct error *err);

/*
 * For batches whose replies are looked at one by one, in a loop: the first call sends the batch. *RET borrows until the
 * next call; *RET_INDEX is the request's number in the batch. False when all were seen, or with *OK false and ERR when
 * the session broke.
 */
MUST_CHECK bool sftp_each_reply(struct sftp *sftp, struct sftp_reply *ret, unsigned *ret_index, bool *ok,
				struct error *err);

bool sftp_is_absent(const struct sftp_reply *reply);

/* What a reply of the type SFTP_ATTRS describes. */
struct sftp_entry sftp_entry_of(const struct sftp_attributes *attrs);

/* REPLY refuses: "cannot VERB PATH", with the server's words. Returns false. */
bool sftp_refused(const struct sftp_reply *reply, const char *verb, const char *path, struct error *err);

/* The handle in REPLY; false where there is none. */
bool sftp_keep_handle(const struct sftp_reply *reply, struct sftp_handle *ret);

/* Close after the operation ended as OK says; where the server itself refused it, the connection is still good. */
MUST_CHECK bool sftp_finish_handle(struct sftp *sftp, const struct sftp_handle *handle, const char *path, bool ok,
				   struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SFTP version 3 on the wire (draft-ietf-secsh-filexfer-02, with OpenSSH's extensions as in its PROTOCOL file, section
 * 4): requests as bytes, replies from bytes. Pure; the replies come from a server that may be hostile.
 */
#ifndef TRANSPORT_SFTP_PACKET_H
#define TRANSPORT_SFTP_PACKET_H

#include "base/buf.h"
#include "base/error.h"
#include "base/reader.h"

enum sftp_type {
	SFTP_INIT = 1,
	SFTP_VERSION = 2,
	SFTP_OPEN = 3,
	SFTP_CLOSE = 4,
	SFTP_READ = 5,
	SFTP_WRITE = 6,
	SFTP_LSTAT = 7,
	SFTP_FSTAT = 8,
	SFTP_SETSTAT = 9,
	SFTP_FSETSTAT = 10,
	SFTP_OPENDIR = 11,
	SFTP_READDIR = 12,
	SFTP_REMOVE = 13,
	SFTP_MKDIR = 14,
	SFTP_RMDIR = 15,
	SFTP_STAT = 17,
	SFTP_READLINK = 19,
	SFTP_SYMLINK = 20,
	SFTP_STATUS = 101,
	SFTP_HANDLE = 102,
	SFTP_DATA = 103,
	SFTP_NAME = 104,
	SFTP_ATTRS = 105,
	SFTP_EXTENDED = 200,
	SFTP_EXTENDED_REPLY = 201,
};

enum sftp_status {
	SFTP_OK = 0,
	SFTP_EOF = 1,
	SFTP_NO_SUCH_FILE = 2,
	SFTP_PERMISSION_DENIED = 3,
	SFTP_FAILURE = 4,
};

/* What a server offers beyond version 3. */
enum sftp_extension { SFTP_HAS_POSIX_RENAME = 1, SFTP_HAS_FSYNC = 2, SFTP_HAS_STATVFS = 4 };

/* Which fields of struct sftp_attributes are meant; the wire's values. */
enum { SFTP_ATTR_SIZE = 1, SFTP_ATTR_OWNER = 2, SFTP_ATTR_MODE = 4, SFTP_ATTR_TIMES = 8 };

struct sftp_attributes {
	uint32_t flags;
	uint64_t size;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;     /* st_mode: file type and permissions */
	uint32_t modified; /* seconds since 1970, by the server's clock */
};

/* A reply; its pointers borrow from the packet. Which fields mean something follows from TYPE. */
struct sftp_reply {
	uint8_t type;
	uint32_t id;
	uint32_t status;              /* STATUS */
	const unsigned char *bytes;   /* HANDLE, DATA, EXTENDED_REPLY: it; STATUS: the server's message, maybe none */
	size_t len;                   /* of bytes */
	struct sftp_attributes attrs; /* ATTRS */
	uint32_t name_count;          /* NAME: how many follow in `names` */
	struct reader names;
};

/* Append the head of a request to OUT; its fields follow with buf_u32(), buf_string() …. Returns where it starts. */
size_t sftp_packet_begin(struct buf *out, enum sftp_type type, uint32_t id);

/* The request that began at START is complete: fill in its length. */
void sftp_packet_end(struct buf *out, size_t start);

/* Append the ATTRS structure of a request: owner and mode as ATTRS->flags says; nothing else is ever sent. */
void sftp_packet_attributes(struct buf *out, const struct sftp_attributes *attrs);

/* LEN bytes behind a packet's length field as a reply. ERROR_DATA when malformed in any way. */
MUST_CHECK bool sftp_packet_parse(const void *packet, size_t len, struct sftp_reply *ret, struct error *err);

/* The same for the answer to INIT: version 3, and a set of enum sftp_extension. */
MUST_CHECK bool sftp_packet_parse_version(const void *packet, size_t len, unsigned *ret_extensions, struct error *err);

/* The next name of a NAME reply, borrowed; false when there are no more. */
bool sftp_packet_next_name(struct sftp_reply *reply, const char **ret_name, size_t *ret_len);

/* What the file system behind a path has left, by statvfs@openssh.com. */
struct sftp_space {
	uint64_t bytes;   /* that users may take */
	uint64_t entries; /* new files; UINT64_MAX where that file system knows no such limit */
	bool read_only;
};

/* The body of the answer to statvfs@openssh.com. ERROR_DATA when malformed. */
MUST_CHECK bool sftp_packet_parse_space(const void *data, size_t len, struct sftp_space *ret, struct error *err);

/* "permission denied", … */
const char *sftp_status_text(uint32_t status);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SFTP packets. A reply is checked to its last byte before any of it is used: NAME lists are walked once for validity,
 * so that the walk for their content cannot fail half-way.
 */
#include "transport/sftp_packet.h"

#include "base/limits.h"

#include <string.h>

enum { PACKET_LENGTH_SIZE = 4, PACKET_VERSION = 3 };

static const uint32_t known_attributes = SFTP_ATTR_SIZE | SFTP_ATTR_OWNER | SFTP_ATTR_MODE | SFTP_ATTR_TIMES;
static const uint32_t attributes_extended = 0x80000000U;

static const struct {
	enum sftp_extension extension;
	const char *name;
	unsigned char version;
} extensions[] = {
	{SFTP_HAS_POSIX_RENAME, "posix-rename@openssh.com", '1'},
	{SFTP_HAS_FSYNC, "fsync@openssh.com", '1'},
	{SFTP_HAS_STATVFS, "statvfs@openssh.com", '2'},
};

static const char *const status_texts[] = {
	"done",
	"end of file",
	"no such file",
	"permission denied",
	"the operation failed", /* all that OpenSSH tells of EEXIST, ENOSPC, ENOTDIR, … */
	"bad message",
	"no connection",
	"connection lost",
	"operation unsupported",
};

const char *sftp_status_text(uint32_t status)
{
	return status < ARRAY_LEN(status_texts) ? status_texts[status] : "unknown status";
}

size_t sftp_packet_begin(struct buf *out, enum sftp_type type, uint32_t id)
{
	size_t start = out->len;
	buf_u32(out, 0);
	buf_u8(out, (uint8_t)type);
	buf_u32(out, id);
	return start;
}

void sftp_packet_end(struct buf *out, size_t start)
{
	if (out->failed)
		return;
	size_t len = out->len - start - PACKET_LENGTH_SIZE;
	unsigned char *at = (unsigned char *)out->data + start;
	at[0] = (unsigned char)(len >> 24);
	at[1] = (unsigned char)(len >> 16);
	at[2] = (unsigned char)(len >> 8);
	at[3] = (unsigned char)len;
}

void sftp_packet_attributes(struct buf *out, const struct sftp_attributes *attrs)
{
	buf_u32(out, attrs->flags & (SFTP_ATTR_OWNER | SFTP_ATTR_MODE));
	if (attrs->flags & SFTP_ATTR_OWNER) {
		buf_u32(out, attrs->uid);
		buf_u32(out, attrs->gid);
	}
	if (attrs->flags & SFTP_ATTR_MODE)
		buf_u32(out, attrs->mode);
}

static void read_attributes(struct reader *reader, struct sftp_attributes *ret)
{
	size_t ignored;

	*ret = (struct sftp_attributes){.flags = reader_u32(reader)};
	if (ret->flags & ~(known_attributes | attributes_extended))
		reader->failed = true;
	if (ret->flags & SFTP_ATTR_SIZE)
		ret->size = reader_u64(reader);
	if (ret->flags & SFTP_ATTR_OWNER) {
		ret->uid = reader_u32(reader);
		ret->gid = reader_u32(reader);
	}
	if (ret->flags & SFTP_ATTR_MODE)
		ret->mode = reader_u32(reader);
	if (ret->flags & SFTP_ATTR_TIMES) {
		(void)reader_u32(reader); /* the last access */
		ret->modified = reader_u32(reader);
	}
	if (ret->flags & attributes_extended) {
		uint32_t count = reader_u32(reader);
		for (uint32_t i = 0; i < count && !reader->failed; i++) {
			(void)reader_string(reader, LIMIT_SFTP_PACKET, &ignored);
			(void)reader_string(reader, LIMIT_SFTP_PACKET, &ignored);
		}
	}
}

/* One entry of a NAME reply: file name, its `ls -l` line, attributes. */
static const unsigned char *read_name(struct reader *reader, size_t *ret_len)
{
	struct sftp_attributes attrs;
	size_t ignored;
	const unsigned char *name = reader_string(reader, LIMIT_PATH, ret_len);

	(void)reader_string(reader, LIMIT_SFTP_PACKET, &ignored);
	read_attributes(reader, &attrs);
	return name;
}

static void read_names(struct reader *reader, struct sftp_reply *ret)
{
	size_t ignored;

	ret->name_count = reader_u32(reader);
	ret->names = *reader;
	for (uint32_t i = 0; i < ret->name_count && !reader->failed; i++)
		(void)read_name(reader, &ignored);
}

bool sftp_packet_next_name(struct sftp_reply *reply, const char **ret_name, size_t *ret_len)
{
	if (reply->name_count == 0)
		return false;
	reply->name_count--;
	*ret_name = (const char *)read_name(&reply->names, ret_len);
	return !reply->names.failed;
}

/* Message and language tag came with version 3; some servers leave them out. */
static void read_status(struct reader *reader, struct sftp_reply *ret)
{
	size_t ignored;

	ret->status = reader_u32(reader);
	if (reader_left(reader) == 0)
		return;
	ret->bytes = reader_string(reader, LIMIT_SFTP_PACKET, &ret->len);
	if (reader_left(reader) != 0)
		(void)reader_string(reader, LIMIT_SFTP_PACKET, &ignored);
}

bool sftp_packet_parse(const void *packet, size_t len, struct sftp_reply *ret, struct error *err)
{
	enum { HANDLE_MAX = 256 }; /* the draft's own limit */
	struct reader reader;
	struct sftp_reply reply = {0};

	reader_init(&reader, packet, len);
	reply.type = reader_u8(&reader);
	reply.id = reader_u32(&reader);
	if (reader.failed)
		return error_set(err, ERROR_DATA, NULL, "the SFTP server sent a truncated packet");
	switch (reply.type) {
	case SFTP_STATUS:
		read_status(&reader, &reply);
		break;
	case SFTP_HANDLE:
		reply.bytes = reader_string(&reader, HANDLE_MAX, &reply.len);
		break;
	case SFTP_DATA:
		reply.bytes = reader_string(&reader, LIMIT_SFTP_PACKET, &reply.len);
		break;
	case SFTP_NAME:
		read_names(&reader, &reply);
		break;
	case SFTP_ATTRS:
		read_attributes(&reader, &reply.attrs);
		break;
	case SFTP_EXTENDED_REPLY: /* what is in it depends on the request */
		reply.len = reader_left(&reader);
		reply.bytes = reader_bytes(&reader, reply.len);
		break;
	default:
		return error_set(err, ERROR_DATA, NULL, "the SFTP server sent a packet of type %u, which is no reply",
				 (unsigned)reply.type);
	}
	if (!reader_finished(&reader))
		return error_set(err, ERROR_DATA, NULL, "the SFTP server sent a malformed reply of type %u",
				 (unsigned)reply.type);
	*ret = reply;
	return true;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	uint64_t product = 0;
	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

bool sftp_packet_parse_space(const void *data, size_t len, struct sftp_space *ret, struct error *err)
{
	enum { READ_ONLY = 1 };
	struct reader reader;

	reader_init(&reader, data, len);
	(void)reader_u64(&reader); /* f_bsize */
	uint64_t unit = reader_u64(&reader);
	(void)reader_u64(&reader); /* f_blocks */
	(void)reader_u64(&reader); /* f_bfree */
	uint64_t available = reader_u64(&reader);
	uint64_t files = reader_u64(&reader);
	(void)reader_u64(&reader); /* f_ffree */
	uint64_t files_available = reader_u64(&reader);
	(void)reader_u64(&reader); /* f_fsid */
	uint64_t flags = reader_u64(&reader);
	(void)reader_u64(&reader); /* f_namemax */
	if (!reader_finished(&reader))
		return error_set(err, ERROR_DATA, NULL, "the SFTP server sent malformed numbers about its file system");
	*ret = (struct sftp_space){
		.bytes = multiply(unit, available),
		.entries = files != 0 ? files_available : UINT64_MAX,
		.read_only = (flags & READ_ONLY) != 0,
	};
	return true;
}

static unsigned extension_named(const unsigned char *name, size_t len, unsigned char version)
{
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
		if (name != NULL && len == strlen(extensions[i].name) && memcmp(name, extensions[i].name, len) == 0 &&
		    version == extensions[i].version)
			return (unsigned)extensions[i].extension;
	return 0;
}

bool sftp_packet_parse_version(const void *packet, size_t len, unsigned *ret_extensions, struct error *err)
{
	struct reader reader;
	unsigned found = 0;

	reader_init(&reader, packet, len);
	unsigned type = reader_u8(&reader);
	unsigned version = reader_u32(&reader);
	if (reader.failed || type != SFTP_VERSION)
		return error_set(err, ERROR_DATA, NULL, "the server's SFTP subsystem does not speak SFTP");
	if (version != PACKET_VERSION)
		return error_set(err, ERROR_DATA, NULL, "the server speaks SFTP version %u, not 3", version);
	while (reader_left(&reader) != 0 && !reader.failed) {
		size_t name_len, data_len;
		const unsigned char *name = reader_string(&reader, LIMIT_SFTP_PACKET, &name_len);
		const unsigned char *data = reader_string(&reader, LIMIT_SFTP_PACKET, &data_len);
		if (data != NULL && data_len == 1)
			found |= extension_named(name, name_len, data[0]);
	}
	if (reader.failed)
		return error_set(err, ERROR_DATA, NULL, "the SFTP server sent a malformed list of extensions");
	*ret_extensions = found;
	return true;
}

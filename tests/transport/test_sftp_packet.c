/* SPDX-License-Identifier: Apache-2.0 */
/* SFTP replies as a server sends them, and as a hostile one does. */
#include "tests/support/test.h"
#include "transport/sftp_packet.h"

#include <string.h>

#define PARSE(bytes, reply, err) sftp_packet_parse(bytes, sizeof(bytes) - 1, reply, err)

TEST(status_with_message)
{
	struct error err = {0};
	struct sftp_reply reply;
	CHECK_OK(PARSE("\x65\0\0\0\x07\0\0\0\x03\0\0\0\x06"
		       "denied\0\0\0\x02"
		       "en",
		       &reply, &err),
		 err);
	CHECK_INT(reply.id, 7);
	CHECK_INT(reply.status, SFTP_PERMISSION_DENIED);
	CHECK_MEM(reply.bytes, reply.len, "denied", 6);
	CHECK_STR(sftp_status_text(reply.status), "permission denied");
	CHECK_STR(sftp_status_text(4000000000U), "unknown status");
}

TEST(status_of_an_old_server_has_no_message)
{
	struct error err = {0};
	struct sftp_reply reply;
	CHECK_OK(PARSE("\x65\0\0\0\x01\0\0\0\0", &reply, &err), err);
	CHECK(reply.bytes == NULL);
}

TEST(attributes_with_every_field)
{
	struct error err = {0};
	struct sftp_reply reply;
	CHECK_OK(PARSE("\x69\0\0\0\x02\x80\0\0\x0f"
		       "\0\0\0\0\0\0\0\x09"
		       "\0\0\x03\xe8\0\0\0\x2a"
		       "\0\0\x81\x80"
		       "\0\0\0\x01\0\0\0\x02"
		       "\0\0\0\x01\0\0\0\x01x\0\0\0\x01y",
		       &reply, &err),
		 err);
	CHECK_INT(reply.attrs.size, 9);
	CHECK_INT(reply.attrs.uid, 1000);
	CHECK_INT(reply.attrs.gid, 42);
	CHECK_INT(reply.attrs.mode, 0100600);
}

TEST(names_are_walked)
{
	struct error err = {0};
	struct sftp_reply reply;
	const char *name;
	size_t len;
	CHECK_OK(PARSE("\x68\0\0\0\x03\0\0\0\x02"
		       "\0\0\0\x01.\0\0\0\0\0\0\0\0"
		       "\0\0\0\x03"
		       "foo\0\0\0\x02ls\0\0\0\x04\0\0\x41\xed",
		       &reply, &err),
		 err);
	CHECK(sftp_packet_next_name(&reply, &name, &len));
	CHECK_MEM(name, len, ".", 1);
	CHECK(sftp_packet_next_name(&reply, &name, &len));
	CHECK_MEM(name, len, "foo", 3);
	CHECK(!sftp_packet_next_name(&reply, &name, &len));
}

TEST(hostile_replies_are_refused)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{"", 0},
		{"\x65\0\0\0", 4},                              /* cut in the number */
		{"\x65\0\0\0\1\0\0\0", 8},                      /* cut in the status */
		{"\x66\0\0\0\1\xff\xff\xff\xff", 9},            /* handle longer than the packet */
		{"\x68\0\0\0\1\xff\xff\xff\xff", 9},            /* four billion names, none there */
		{"\x69\0\0\0\1\x80\0\0\0\xff\xff\xff\xff", 13}, /* four billion extended attributes */
		{"\x69\0\0\0\1\0\0\1\0", 9},                    /* unknown attribute flag */
		{"\x65\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0x", 18},  /* bytes left over */
		{"\x06\0\0\0\1", 5},                            /* a request */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		struct sftp_reply reply;
		CHECK(!sftp_packet_parse(cases[i].bytes, cases[i].len, &reply, &err));
		CHECK_INT(err.category, ERROR_DATA);
	}
}

TEST(version_and_extensions)
{
	static const char hello[] = "\x02\0\0\0\x03"
				    "\0\0\0\x18posix-rename@openssh.com\0\0\0\x01"
				    "1"
				    "\0\0\0\x11"
				    "fsync@openssh.com\0\0\0\x01"
				    "2";
	struct error err = {0};
	unsigned extensions;
	CHECK_OK(sftp_packet_parse_version(hello, sizeof(hello) - 1, &extensions, &err), err);
	CHECK_INT(extensions, SFTP_HAS_POSIX_RENAME); /* fsync at a version that is not ours */
	CHECK(!sftp_packet_parse_version(hello, sizeof(hello) - 3, &extensions, &err));
	error_clear(&err);
	CHECK(!sftp_packet_parse_version("Welcome to this host!", 21, &extensions, &err));
	CHECK_CONTAINS(err.message, "does not speak SFTP");
}

TEST(requests_carry_their_length)
{
	struct buf out;
	static const struct sftp_attributes attrs = {.flags = SFTP_ATTR_MODE | SFTP_ATTR_SIZE, .mode = 0600};
	buf_init(&out, 100);
	size_t start = sftp_packet_begin(&out, SFTP_MKDIR, 5);
	buf_string(&out, "/a", 2);
	sftp_packet_attributes(&out, &attrs);
	sftp_packet_end(&out, start);
	CHECK_MEM(out.data, out.len, "\0\0\0\x13\x0e\0\0\0\x05\0\0\0\x02/a\0\0\0\x04\0\0\x01\x80", 23);
	buf_done(&out);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* A rehearsal's messages, and the two ways to learn what an account may do without doing it. */
#include "base/buf.h"
#include "base/limits.h"
#include "tests/support/test.h"
#include "tests/transport/support_sshd.h"
#include "transport/courier_internal.h"
#include "transport/courier_message.h"
#include "transport/remote_accounts.h"
#include "transport/sftp_packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set(char **ret, const char *text)
{
	struct error err = {0};
	CHECK_OK(str_set(ret, text, &err), err);
}

static void make_job(struct rehearsal_job *job)
{
	struct error err = {0};
	*job = (struct rehearsal_job){
		.push = {.target.port = 22, .key_mode = 0600, .verify_port = 443, .verify = true}};
	set(&job->push.target.server, "web-1");
	set(&job->push.target.host, "192.0.2.1");
	set(&job->push.target.user, "deploy");
	test_set_only(&job->push.target.known_hosts, "/etc/kh");
	set(&job->push.dir, "/live");
	set(&job->push.holder, "here:1");
	set(&job->push.verify_address, "192.0.2.1");
	job->certificates = calloc(1, sizeof(*job->certificates));
	CHECK(job->certificates != NULL);
	job->certificate_count = 1;
	set(&job->certificates[0].name, "example.com");
	set(&job->certificates[0].server_name, "www.example.com");
	set(&job->certificates[0].webroot, "/var/www");
	CHECK_OK(str_list_add(&job->certificates[0].copies, "/etc/haproxy/x.pem", &err), err);
}

static bool travel(struct rehearsal_job *job, struct rehearsal_job *ret, struct error *err)
{
	struct buf text CLEANUP(buf_done);
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_rehearsal(job, &text);
	rehearsal_job_done(job);
	return courier_decode_rehearsal(text.data, text.len, ret, err);
}

TEST(a_rehearsal_arrives_as_it_was)
{
	struct rehearsal_job job, got CLEANUP(rehearsal_job_done) = {0};
	struct error err = {0};
	make_job(&job);
	CHECK_OK(travel(&job, &got, &err), err);
	CHECK_STR(got.push.dir, "/live");
	CHECK_INT(got.certificate_count, 1);
	CHECK_STR(got.certificates[0].server_name, "www.example.com");
	CHECK_STR(got.certificates[0].fingerprint_sha256, "");
	CHECK_STR(got.certificates[0].copies.items[0], "/etc/haproxy/x.pem");
	CHECK_STR(got.certificates[0].webroot, "/var/www");
}

TEST(no_key_travels_with_it)
{
	struct rehearsal_job job, got = {0};
	struct error err = {0};
	make_job(&job);
	struct push_certificate *certificate = calloc(1, sizeof(*certificate));
	CHECK(certificate != NULL);
	job.push.certificates = certificate;
	job.push.certificate_count = 1;
	set(&certificate->name, "example.com");
	set(&certificate->cert, "");
	set(&certificate->chain, "");
	set(&certificate->fullchain, "");
	set(&certificate->server_name, "example.com");
	memset(certificate->fingerprint_sha256, 'a', 64);
	CHECK_OK(secret_set(&certificate->privkey, "key", 3, &err), err);
	CHECK(!travel(&job, &got, &err));
	CHECK_CONTAINS(err.message, "certificates to deploy");
}

TEST(rehearsals_that_must_not_run)
{
	struct rehearsal_job job, got = {0};
	struct error err = {0};
	make_job(&job);
	job.certificates[0].name[0] = '/';
	CHECK(!travel(&job, &got, &err));
	CHECK_INT(err.category, ERROR_DATA);
	error_clear(&err);
	make_job(&job);
	job.certificates[0].copies.items[0][0] = 'x';
	CHECK(!travel(&job, &got, &err));
	error_clear(&err);
	make_job(&job);
	job.push.verify_port = 0;
	CHECK(!travel(&job, &got, &err));
	CHECK_CONTAINS(err.message, "no address to verify");
}

TEST(a_finding_arrives_safe)
{
	struct rehearsal_finding finding = {.step = "directory", .result = REHEARSAL_OK, .ms = 7}, got;
	struct buf text CLEANUP(buf_done);
	struct error err = {0};
	buf_init(&text, LIMIT_IPC_FRAME);
	(void)snprintf(finding.detail, sizeof(finding.detail), "\x1b[2J is there");
	courier_encode_finding(&finding, &text);
	CHECK_OK(courier_decode_finding(text.data, text.len, &got, &err), err);
	CHECK_STR(got.step, "directory");
	CHECK_INT(got.ms, 7);
	CHECK_STR(got.detail, "\\x1b[2J is there");

	/* A failure without a cause, or a success with one: neither is believed. */
	finding.result = REHEARSAL_FAILED;
	buf_reset(&text);
	courier_encode_finding(&finding, &text);
	CHECK(!courier_decode_finding(text.data, text.len, &got, &err));
	CHECK_INT(err.category, ERROR_DATA);
}

TEST(a_courier_that_does_not_answer)
{
	static const struct rehearsal_watch nobody = {0};
	struct rehearsal_job job CLEANUP(rehearsal_job_done) = {0};
	struct error err = {0};
	make_job(&job);
	CHECK(!courier_rehearse_with("/bin/true", &job, &nobody, deadline_in(5000, NULL), &err));
	CHECK_STR(err.server, "web-1");
	error_clear(&err);
	CHECK(!courier_rehearse_with("/no/such/program", &job, &nobody, deadline_in(5000, NULL), &err));
	CHECK_CONTAINS(err.message, "cannot start a courier");
}

TEST(free_space)
{
	static const char bytes[] = "\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x02\0" /* f_bsize, f_frsize 512 */
				    "\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x08" /* f_blocks, f_bfree */
				    "\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\0"   /* f_bavail 4, f_files 0 */
				    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"     /* f_ffree, f_favail */
				    "\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x01" /* f_fsid, f_flag */
				    "\0\0\0\0\0\0\0\xff";
	struct sftp_space space;
	struct error err = {0};
	CHECK_OK(sftp_packet_parse_space(bytes, sizeof(bytes) - 1, &space, &err), err);
	CHECK_INT(space.bytes, 2048);
	CHECK(space.entries == UINT64_MAX && space.read_only);
	for (size_t len = 0; len < sizeof(bytes) - 1; len++) {
		struct error cut = {0};
		CHECK(!sftp_packet_parse_space(bytes, len, &space, &cut));
		CHECK_INT(cut.category, ERROR_DATA);
	}
}

TEST(users_and_their_groups)
{
	static const char passwd[] = "root:x:0:0::/root:/bin/sh\ndeploy:x:1001:1002::/:/bin/sh\nodd:x:7:y::/:\n";
	static const char group[] = "root:x:0:\nssl-cert:x:112:other,deploy\nadm:x:4:deploy2,xdeploy\nwww:x:33:deploy\n"
				    "max:x:4294967295:deploy";
	const char *text = group;
	size_t len = sizeof(group) - 1;
	uint32_t uid = 0, gid = 0;
	CHECK(remote_accounts_user(passwd, sizeof(passwd) - 1, "deploy", &uid, &gid));
	CHECK_INT(uid, 1001);
	CHECK_INT(gid, 1002);
	CHECK(!remote_accounts_user(passwd, sizeof(passwd) - 1, "nobody", &uid, &gid));
	CHECK(!remote_accounts_user(passwd, sizeof(passwd) - 1, "odd", &uid, &gid));
	CHECK(remote_accounts_next_group(&text, &len, "deploy", &gid));
	CHECK_INT(gid, 112);
	CHECK(remote_accounts_next_group(&text, &len, "deploy", &gid));
	CHECK_INT(gid, 33);
	CHECK(!remote_accounts_next_group(&text, &len, "deploy", &gid));
	CHECK_INT(len, 0);
}

TEST_MAIN()

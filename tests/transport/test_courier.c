/* SPDX-License-Identifier: Apache-2.0 */
/* The courier's messages: whole trips, limits, and what a hostile peer may send; and a courier that is none. */
#include "base/buf.h"
#include "base/limits.h"
#include "tests/support/test.h"
#include "transport/courier_internal.h"
#include "transport/courier_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char *dup_text(const char *text)
{
	char *copy = strdup(text);
	CHECK(copy != NULL);
	return copy;
}

static void make_job(struct push_job *job, const char *name, size_t chain_len)
{
	struct error err = {0};
	*job = (struct push_job){
		.target.port = 22, .key_mode = 0640, .transfer_ms = 1, .command_ms = 2, .verify_ms = 3, .force = true};
	job->target.server = dup_text("web-1");
	job->target.host = dup_text("web-1.example.com");
	CHECK_OK(str_list_add(&job->target.addresses, "2001:db8::10", &err), err);
	CHECK_OK(str_list_add(&job->target.addresses, "192.0.2.10", &err), err);
	CHECK_OK(str_list_add(&job->verify_addresses, "192.0.2.11", &err), err);
	job->target.user = dup_text("deploy");
	CHECK_OK(str_list_add(&job->target.known_hosts, "/etc/kh", &err), err);
	CHECK_OK(str_list_add(&job->target.known_hosts, "/etc/ssh/kh", &err), err);
	CHECK_OK(secret_set(ssh_target_next_identity(&job->target), "key", 3, &err), err);
	CHECK_OK(secret_set(ssh_target_next_identity(&job->target), "key 2", 5, &err), err);
	CHECK_OK(str_list_add(&job->target.certificates, "ssh-ed25519-cert-v01@openssh.com AAAA", &err), err);
	job->verify_starttls = STARTTLS_IMAP;
	job->dir = dup_text("/live");
	job->holder = dup_text("host:/state:web-1");
	job->test_command = dup_text("nginx -t");
	job->certificates = calloc(1, sizeof(job->certificates[0]));
	job->certificate_count = 1;
	struct push_certificate *c = job->certificates;
	c->name = dup_text(name);
	c->generation = 1ULL << 40;
	c->cert = dup_text("cert");
	c->chain = malloc(chain_len + 1);
	CHECK(c->chain != NULL);
	memset(c->chain, 'x', chain_len);
	c->chain[chain_len] = '\0';
	c->fullchain = dup_text("");
	CHECK_OK(secret_set(&c->privkey, "key", 3, &err), err);
	CHECK_OK(secret_set(&c->pkcs12, "p\0c", 3, &err), err);
	memset(c->fingerprint_sha256, 'a', 64);
	c->copies = calloc(1, sizeof(c->copies[0]));
	c->copy_count = 1;
	c->copies[0] = (struct push_copy){PUSH_FILE_COMBINED, dup_text("/etc/haproxy/x.pem")};
}

TEST(a_job_arrives_as_it_was)
{
	struct push_job job, got;
	struct error err = {0};
	struct buf text;
	make_job(&job, "example.com", 10);
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_job(&job, &text);
	CHECK_OK(courier_decode_job(text.data, text.len, &got, &err), err);
	CHECK_STR(got.target.host, "web-1.example.com");
	CHECK_INT(got.target.addresses.len, 2);
	CHECK_STR(got.target.addresses.items[0], "2001:db8::10");
	CHECK_STR(got.target.addresses.items[1], "192.0.2.10");
	CHECK_INT(got.target.known_hosts.len, 2);
	CHECK_STR(got.target.known_hosts.items[1], "/etc/ssh/kh");
	CHECK_INT(got.target.identity_count, 2);
	CHECK_STR(got.target.identities[1].data, "key 2");
	CHECK_STR(got.target.certificates.items[0], "ssh-ed25519-cert-v01@openssh.com AAAA");
	CHECK_INT(got.verify_addresses.len, 1);
	CHECK_STR(got.verify_addresses.items[0], "192.0.2.11");
	CHECK_INT(got.key_mode, 0640);
	CHECK_INT(got.verify_starttls, STARTTLS_IMAP);
	CHECK(got.force && !got.verify && got.target.agent == NULL && got.reload_command == NULL);
	CHECK_STR(got.certificates[0].name, "example.com");
	CHECK(got.certificates[0].generation == 1ULL << 40);
	CHECK_STR(got.certificates[0].privkey.data, "key");
	CHECK(got.certificates[0].pkcs12.len == 3 && memcmp(got.certificates[0].pkcs12.data, "p\0c", 3) == 0);
	CHECK_INT(got.certificates[0].copies[0].file, PUSH_FILE_COMBINED);
	push_job_done(&got);
	for (size_t len = 0; len < text.len; len++) { /* cut anywhere, it is refused */
		struct error cut = {0};
		CHECK(!courier_decode_job(text.data, len, &got, &cut));
		CHECK_INT(cut.category, ERROR_DATA);
	}
	buf_done(&text);
	push_job_done(&job);
}

static void check_refused(struct push_job *job, const char *why)
{
	struct push_job got;
	struct error err = {0};
	struct buf text;
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_job(job, &text);
	if (courier_decode_job(text.data, text.len, &got, &err))
		test_fail(__FILE__, __LINE__, "accepted: %s", why);
	CHECK_INT(err.category, ERROR_DATA);
	buf_done(&text);
	push_job_done(job);
}

TEST(jobs_that_must_not_run)
{
	struct push_job job;
	make_job(&job, "../../etc", 1);
	check_refused(&job, "a name that climbs");
	make_job(&job, "example.com", 1);
	job.target.host[0] = '-';
	check_refused(&job, "a host that is an option");
	make_job(&job, "example.com", 1);
	job.target.addresses.items[1][0] = 'x';
	check_refused(&job, "an address that is none");
	make_job(&job, "example.com", 1);
	job.key_mode = 04755;
	check_refused(&job, "a mode that is none of a file's");
	make_job(&job, "example.com", 1);
	job.verify_starttls = (enum starttls_protocol)99;
	check_refused(&job, "a protocol that nobody speaks");
	make_job(&job, "example.com", 1);
	job.verify = true;
	check_refused(&job, "a verification without address");
	make_job(&job, "example.com", 1);
	job.certificates[0].copies[0].path[0] = 'x';
	check_refused(&job, "a relative path");
	make_job(&job, "example.com", 1);
	job.certificates[0].copies[0].file = PUSH_FILE_PKCS12;
	secret_done(&job.certificates[0].pkcs12);
	check_refused(&job, "a copy of a PKCS #12 file that is not there");
	make_job(&job, "example.com", LIMIT_CHAIN_BODY + 1);
	check_refused(&job, "a chain above the limit");
}

TEST(a_report_arrives_as_it_was)
{
	struct push_outcome outcomes[2] = {{.result = PUSH_UNCHANGED}, {.result = PUSH_ROLLED_BACK}}, got[2];
	struct error err = {0}, failure = {0}, got_failure;
	struct buf text;
	(void)error_set(&failure, ERROR_REMOTE, "test", "it failed");
	error_said(&failure, "two\nlines", 9);
	outcomes[1].error = failure;
	error_context(&outcomes[1].error, NULL, "example.com", "web-1");
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_report(outcomes, 2, &failure, &text);
	CHECK_OK(courier_decode_report(text.data, text.len, got, 2, &got_failure, &err), err);
	CHECK_INT(got[0].result, PUSH_UNCHANGED);
	CHECK_STR(got[1].error.step, "test");
	CHECK_STR(got[1].error.certificate, "example.com");
	CHECK_STR(got[1].error.said, "two\nlines");
	CHECK_STR(got_failure.message, "it failed");
	CHECK(!courier_decode_report(text.data, text.len, got, 1, &got_failure, &err)); /* not what was asked for */
	buf_done(&text);
}

TEST(a_courier_gone_bad)
{
	struct push_outcome outcome = {.result = PUSH_FAILED}, got;
	struct error err = {0}, none = {0}, got_failure = {0};
	struct buf text;
	buf_init(&text, LIMIT_COURIER_JOB);
	/* "failed", and nothing was wrong: refused, or a failure would pass for success */
	courier_encode_report(&outcome, 1, &none, &text);
	CHECK(!courier_decode_report(text.data, text.len, &got, 1, &got_failure, &err));
	buf_reset(&text);
	error_clear(&err);
	(void)error_set(&outcome.error, ERROR_REMOTE, "test", "x");
	courier_encode_report(&outcome, 1, &none, &text);
	CHECK(!courier_decode_report(text.data, text.len, &got, 1, &got_failure, &err));
	buf_reset(&text);
	error_clear(&err);
	outcome.error.step = "rm -rf";
	(void)snprintf(outcome.error.message, sizeof(outcome.error.message), "\x1b[2Jgone");
	courier_encode_report(&outcome, 1, &outcome.error, &text);
	CHECK_OK(courier_decode_report(text.data, text.len, &got, 1, &got_failure, &err), err);
	CHECK_STR(got_failure.message, "\\x1b[2Jgone");
	CHECK(got_failure.step == NULL);
	CHECK(courier_decode_step("compare", 7) != NULL);
	CHECK(courier_decode_step("compare\0", 8) == NULL);
	buf_done(&text);
}

TEST(frames)
{
	static char payload[LIMIT_IPC_FRAME + 1];
	struct courier_frame frame;
	struct error err = {0};
	struct buf text;
	buf_init(&text, LIMIT_IPC_FRAME + 100);
	courier_encode_frame(COURIER_STEP, true, payload, LIMIT_IPC_FRAME, &text);
	CHECK_OK(courier_decode_frame(text.data, text.len, &frame, &err), err);
	CHECK(frame.type == COURIER_STEP && frame.more && frame.len == LIMIT_IPC_FRAME);
	CHECK(!courier_decode_frame(text.data, text.len - 1, &frame, &err));
	buf_reset(&text);
	courier_encode_frame(COURIER_STEP, false, payload, LIMIT_IPC_FRAME + 1, &text);
	CHECK(!courier_decode_frame(text.data, text.len, &frame, &err));
	CHECK(!courier_decode_frame("\0\1\0\x3f\0\0\0\0", 8, &frame, &err)); /* no such type */
	CHECK(!courier_decode_frame("\0\2\0\1\0\0\0\0", 8, &frame, &err));   /* another version */
	buf_done(&text);
}

static bool run(const char *program, struct push_outcome *outcome, struct error *err)
{
	struct push_job job;
	error_clear(err);
	make_job(&job, "example.com", LIMIT_CHAIN_BODY); /* several frames */
	bool ok = courier_run_with(program, &job, NULL, deadline_in(5000, NULL), outcome, err);
	push_job_done(&job);
	return ok;
}

TEST(a_courier_that_dies_or_does_not_start)
{
	struct push_outcome outcome;
	struct error err;
	CHECK(!run("/bin/true", &outcome, &err));
	CHECK_INT(outcome.result, PUSH_FAILED);
	CHECK_STR(outcome.error.certificate, "example.com");
	CHECK_STR(outcome.error.server, "web-1");
	CHECK(!run("/no/such/program", &outcome, &err));
	CHECK_CONTAINS(err.message, "cannot start a courier");
	CHECK(!run("/proc/self/exe", &outcome, &err)); /* takes the job and says things of its own */
	CHECK_CONTAINS(err.message, "malformed frame");
}

int main(int argc, char **argv)
{
	if (strcmp(argv[0], COURIER_ROLE) == 0) {
		char received[LIMIT_IPC_FRAME + COURIER_FRAME_HEADER];
		size_t total = 0;
		while (total < LIMIT_CHAIN_BODY) {
			ssize_t got = recv(COURIER_FD, received, sizeof(received), 0);
			if (got <= 0)
				return 1;
			total += (size_t)got;
		}
		(void)!send(COURIER_FD, "nonsense", 8, 0);
		return pause();
	}
	return test_run_all(argc, argv);
}

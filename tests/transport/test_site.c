/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/site.h"

#include "base/buf.h"
#include "base/limits.h"
#include "tests/support/test.h"
#include "tests/transport/support_sshd.h"
#include "transport/courier_message.h"

#include <stdio.h>
#include <string.h>

static void set(char **member, const char *text)
{
	struct error err = {0};
	CHECK_OK(str_set(member, text, &err), err);
}

static struct site_job full_job(void)
{
	struct error err = {0};
	struct site_job job = {.place_count = 2,
			       .force = true,
			       .undo = true,
			       .verify_port = 443,
			       .transfer_ms = 1,
			       .command_ms = 2,
			       .verify_ms = 3};
	job.places = calloc(job.place_count, sizeof(job.places[0]));
	CHECK(job.places != NULL);
	set(&job.places[0].file, "/etc/nginx/sites-available/example.com");
	set(&job.places[0].link, "/etc/nginx/sites-enabled/example.com");
	set(&job.places[1].file, "/etc/nginx/conf.d/example.com.conf");
	job.target.port = 22;
	set(&job.target.server, "web-1");
	set(&job.target.host, "192.0.2.1");
	set(&job.target.user, "root");
	test_set_only(&job.target.known_hosts, "/root/.ssh/known_hosts");
	CHECK_OK(secret_set(ssh_target_next_identity(&job.target), "key", 3, &err), err);
	set(&job.text, "server {}\n");
	set(&job.holder, "here:/var/lib/certferry:web-1");
	job.dialect = SITE_APACHE;
	job.http_port = 80;
	CHECK_OK(str_list_add(&job.names, "example.com", &err), err);
	set(&job.test_command, "nginx -t");
	set(&job.reload_command, "systemctl reload nginx");
	set(&job.verify_address, "192.0.2.1");
	set(&job.server_name, "example.com");
	memset(job.fingerprint_sha256, 'f', sizeof(job.fingerprint_sha256) - 1);
	return job;
}

TEST(a_job_comes_out_of_its_message_as_it_went_in)
{
	CLEANUP(site_job_done) struct site_job job = full_job();
	CLEANUP(site_job_done) struct site_job back = {0};
	CLEANUP(buf_done) struct buf text;
	struct error err = {0};
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_site(&job, &text);
	CHECK_OK(courier_decode_site(text.data, text.len, &back, &err), err);
	CHECK_INT(back.place_count, 2);
	CHECK_STR(back.places[0].link, job.places[0].link);
	CHECK_STR(back.places[1].file, job.places[1].file);
	CHECK(back.places[1].link == NULL && back.force && back.undo);
	CHECK_STR(back.text, job.text);
	CHECK_STR(back.holder, job.holder);
	CHECK(back.dialect == SITE_APACHE && back.http_port == 80 && str_list_has(&back.names, "example.com"));
	CHECK_STR(back.reload_command, job.reload_command);
	CHECK_STR(back.fingerprint_sha256, job.fingerprint_sha256);
	CHECK_INT(back.verify_ms, 3);
}

TEST(a_job_that_could_do_harm_is_refused)
{
	static const char *const paths[] = {"", "etc/nginx/x", "/etc/nginx/a b", "/etc/nginx/$(x)", "/etc/\n"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		CLEANUP(site_job_done) struct site_job job = full_job();
		CLEANUP(site_job_done) struct site_job back = {0};
		CLEANUP(buf_done) struct buf text;
		struct error err = {0};
		set(&job.places[i % 2].file, paths[i]);
		buf_init(&text, LIMIT_COURIER_JOB);
		courier_encode_site(&job, &text);
		CHECK(!courier_decode_site(text.data, text.len, &back, &err));
		CHECK_INT(err.category, ERROR_DATA);
	}
}

TEST(a_handshake_needs_to_know_what_it_is_to_see)
{
	CLEANUP(site_job_done) struct site_job job = full_job();
	CLEANUP(site_job_done) struct site_job back = {0};
	CLEANUP(buf_done) struct buf text;
	struct error err = {0};
	job.fingerprint_sha256[0] = '\0';
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_site(&job, &text);
	CHECK(!courier_decode_site(text.data, text.len, &back, &err));
}

TEST(a_report_comes_back_and_one_that_contradicts_itself_does_not)
{
	static const struct {
		enum push_result result;
		bool failed, accepted;
	} cases[] = {{PUSH_DEPLOYED, false, true}, {PUSH_UNCHANGED, false, true},    {PUSH_ROLLED_BACK, true, true},
		     {PUSH_FAILED, true, true},    {PUSH_ROLLED_BACK, false, false}, {PUSH_DEPLOYED, true, false}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct site_outcome outcome = {.result = cases[i].result, .place = 1, .healed = i % 2 == 0}, back = {0};
		CLEANUP(buf_done) struct buf text;
		struct error err = {0};
		if (cases[i].failed)
			(void)error_set(&outcome.error, ERROR_REMOTE, "test", "no");
		buf_init(&text, LIMIT_COURIER_JOB);
		courier_encode_site_report(&outcome, &text);
		CHECK(courier_decode_site_report(text.data, text.len, &back, &err) == cases[i].accepted);
		if (!cases[i].accepted)
			continue;
		CHECK(back.result == cases[i].result && back.place == 1 && back.healed == outcome.healed);
		CHECK(!cases[i].failed || str_equal(back.error.step, "test"));
	}
}

TEST_MAIN()

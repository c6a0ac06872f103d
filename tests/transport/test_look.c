/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/look.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"
#include "tests/support/test.h"
#include "transport/courier_message.h"

#include <stdlib.h>
#include <string.h>

static void set(char **member, const char *text)
{
	struct error err = {0};
	CHECK_OK(str_set(member, text, &err), err);
}

static void describe(struct ssh_target *target, const char *name)
{
	struct error err = {0};
	target->port = 22;
	set(&target->server, name);
	set(&target->host, "192.0.2.1");
	set(&target->user, "root");
	CHECK_OK(str_list_add(&target->known_hosts, "/root/.ssh/known_hosts", &err), err);
}

static struct look_job full_job(size_t hops)
{
	struct look_job job = {.place_count = 1, .login_ms = 3000, .look_ms = 2000};
	describe(&job.target, "web-1");
	job.target.hops = calloc(hops + 1, sizeof(job.target.hops[0]));
	CHECK(job.target.hops != NULL);
	for (; job.target.hop_count < hops; job.target.hop_count++)
		describe(&job.target.hops[job.target.hop_count], "bastion");
	job.places = calloc(job.place_count, sizeof(job.places[0]));
	CHECK(job.places != NULL);
	set(&job.places[0].address, "mail.internal");
	set(&job.places[0].server_name, "mail.example.com");
	job.places[0].port = 25;
	job.places[0].starttls = STARTTLS_SMTP;
	return job;
}

TEST(a_job_comes_out_of_its_message_as_it_went_in)
{
	CLEANUP(look_job_done) struct look_job job = full_job(1);
	CLEANUP(look_job_done) struct look_job back = {0};
	CLEANUP(buf_done) struct buf text;
	struct error err = {0};
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_look(&job, &text);
	CHECK_OK(courier_decode_look(text.data, text.len, &back, &err), err);
	CHECK_INT(back.place_count, 1);
	CHECK_STR(back.places[0].address, "mail.internal");
	CHECK_STR(back.places[0].server_name, "mail.example.com");
	CHECK_INT(back.places[0].port, 25);
	CHECK_INT(back.places[0].starttls, STARTTLS_SMTP);
	CHECK_INT(look_longest_ms(&back), 5000);
	CHECK(!courier_decode_look(text.data, text.len - 1, &back, &err));
}

TEST(without_a_jump_host_there_is_nothing_to_look_through)
{
	CLEANUP(look_job_done) struct look_job job = full_job(0);
	CLEANUP(look_job_done) struct look_job back = {0};
	CLEANUP(buf_done) struct buf text;
	struct error err = {0};
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_look(&job, &text);
	CHECK(!courier_decode_look(text.data, text.len, &back, &err));
	CHECK_CONTAINS(err.message, "there is no jump host");
}

TEST(a_report_says_of_each_place_what_was_seen_or_why_nothing)
{
	struct look_sight sights[2] = {{.seen = {.not_after = 1800000000}}}, back[2];
	CLEANUP(buf_done) struct buf text;
	struct error none = {0}, failure = {0}, err = {0};
	memset(sights[0].seen.fingerprint_sha256, 'a', 64);
	(void)error_set(&sights[1].error, ERROR_NETWORK, NULL, "nobody is there");
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_sights(sights, 2, &none, &text);
	CHECK_OK(courier_decode_sights(text.data, text.len, back, 2, &failure, &err), err);
	CHECK(!error_is_set(&failure));
	CHECK_STR(back[0].seen.fingerprint_sha256, sights[0].seen.fingerprint_sha256);
	CHECK_INT(back[0].seen.not_after, 1800000000);
	CHECK_STR(back[1].error.message, "nobody is there");

	/* Neither seen nor told why not. */
	error_clear(&sights[1].error);
	buf_reset(&text);
	courier_encode_sights(sights, 2, &none, &text);
	CHECK(!courier_decode_sights(text.data, text.len, back, 2, &failure, &err));
}

TEST_MAIN()

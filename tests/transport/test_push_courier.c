/* SPDX-License-Identifier: Apache-2.0 */
/* The same deployments through a courier: killed, cancelled, cut off, or not allowed to go on. */
#include "push_fixture.h"
#include "transport/courier.h"

static bool run_courier(struct push_job *job, int64_t ms, struct cancel *cancel, struct push_outcome *outcome,
			struct error *err)
{
	error_clear(err);
	steps[0] = '\0';
	return courier_run(job, &watch, deadline_in(ms, cancel), outcome, err);
}

TEST(the_courier_does_the_same)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("courier");
	make_job(&job, &sshd, 1);
	CHECK_OK(run_courier(&job, 20000, NULL, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "deployed");
	CHECK_STR(steps, "connect compare may-change upload switch test reload verify ");
	check_live(1);
	push_job_done(&job);
	make_job(&job, &sshd, 2);
	set_text(&job.test_command, "echo no; exit 9");
	CHECK(!run_courier(&job, 20000, NULL, &outcome, &err));
	CHECK_STR(push_result_name(outcome.result), "rolled_back");
	CHECK_STR(err.step, "test");
	CHECK_STR(outcome.error.said, "no");
	push_job_done(&job);
}

/* Cut off in the test command, however long a busy machine takes to get there. */
static void run_until_test(struct push_job *job, struct push_outcome *outcome, struct error *err)
{
	for (int64_t ms = 1500;; ms *= 2) {
		CHECK(!run_courier(job, ms, NULL, outcome, err));
		if (strcmp(err->step, "test") == 0 || ms > 15000)
			return;
	}
}

TEST(a_courier_that_may_not_change_anything_changes_nothing)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("courier-denied");
	make_job(&job, &sshd, 1);
	denied = true;
	CHECK(!run_courier(&job, 20000, NULL, &outcome, &err));
	CHECK_STR(steps, "connect compare may-change ");
	CHECK_STR(push_result_name(outcome.result), "failed");
	CHECK_STR(outcome.error.step, "rollout");
	CHECK_STR(outcome.error.message, "not now");
	CHECK_STR(outcome.error.hint, "");
	CHECK(!exists(in_root("example.com")));
	denied = false;
	CHECK_OK(run_courier(&job, 20000, NULL, &outcome, &err), err);
	denied = true; /* what does not differ asks nobody */
	CHECK_OK(run_courier(&job, 20000, NULL, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "unchanged");
	denied = false;
	push_job_done(&job);
}

TEST(the_courier_is_killed_at_its_deadline)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("courier-late");
	make_job(&job, &sshd, 1);
	set_text(&job.test_command, "sleep 20");
	job.command_ms = 20000;
	run_until_test(&job, &outcome, &err);
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK_STR(err.step, "test");
	CHECK_STR(err.server, "web-1");
	CHECK_STR(push_result_name(outcome.result), "failed");
	push_job_done(&job);
}

TEST(a_cancelled_courier_leaves_nothing)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err = {0};
	struct cancel cancel;
	CHECK_OK(cancel_init(&cancel, &err), err);
	cancel_request(&cancel);
	fresh_root("courier-cancelled");
	make_job(&job, &sshd, 1);
	CHECK(!run_courier(&job, 20000, &cancel, &outcome, &err));
	CHECK_INT(err.category, ERROR_CANCELLED);
	CHECK(!exists(in_root("example.com")));
	push_job_done(&job);
	cancel_done(&cancel);
}

/* Key and certificate of the same generation, or nothing at all. */
static void check_matching(void)
{
	const char *key = test_read_file(file("privkey.pem"));
	const char *cert = test_read_file(file("cert.pem"));
	if (key[0] == '\0' && cert[0] == '\0')
		return;
	CHECK_STR(strchr(key, ' '), strchr(cert, ' '));
}

TEST(killed_at_any_moment_key_and_certificate_match)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	unsigned killed = 0;
	fresh_root("killed");
	CHECK_INT(mkdir(in_root("example.com"), 0755), 0);
	test_write_file(file("cert.pem"), "cert 0\n", 0644);
	test_write_file(file("privkey.pem"), "key 0\n", 0600);
	for (unsigned i = 1; i <= 60; i++) {
		make_job(&job, &sshd, i);
		/* Ever later, a few milliseconds at a time: through every step of the transaction. */
		if (!run_courier(&job, 5 + 4 * (int64_t)(i % 40), NULL, &outcome, &err))
			killed++;
		push_job_done(&job);
		check_matching();
	}
	CHECK(killed > 5);
	deploy(100);
	check_live(100);
	CHECK(!exists(file(".certferry-previous")));
}

TEST(a_transaction_cut_off_is_taken_up_again)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("cut-off");
	deploy(1);
	make_job(&job, &sshd, 2);
	set_text(&job.test_command, "sleep 20");
	job.command_ms = 20000;
	run_until_test(&job, &outcome, &err);
	check_live(2); /* new and matching, but never tested */
	set_text(&job.test_command, "false");
	CHECK(!push(&job, &outcome, &err));
	CHECK_STR(push_result_name(outcome.result), "rolled_back");
	check_live(1); /* what was good before the one that was cut off */
	push_job_done(&job);
}

int main(int argc, char **argv)
{
	if (strcmp(argv[0], COURIER_ROLE) == 0)
		return courier_main(COURIER_FD);
	if (!test_sshd_available())
		return 0;
	test_sshd_start(&sshd, "sshd", NULL);
	int failed = test_run_all(argc, argv);
	test_sshd_stop(&sshd);
	return failed;
}

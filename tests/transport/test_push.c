/* SPDX-License-Identifier: Apache-2.0 */
/* Deployment to a real sshd on loopback: what a reader of the files sees before, during and after, whatever fails. */
#include "base/clock.h"
#include "push_fixture.h"

#include <signal.h>
#include <sys/wait.h>

TEST(first_deployment_and_nothing_the_second_time)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("fresh");
	make_job(&job, &sshd, 7);
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "deployed");
	CHECK_STR(steps, "connect compare may-change upload switch test reload verify ");
	check_live(7);
	CHECK_INT(mode_of(file("privkey.pem")), 0600);
	CHECK_INT(mode_of(file("cert.pem")), 0644);
	CHECK_STR(test_read_file(in_root("reloads")), "reload\n");
	CHECK(!exists(file(".certferry-previous")));
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "unchanged");
	CHECK_STR(steps, "connect compare ");
	CHECK_STR(test_read_file(in_root("reloads")), "reload\n");
	job.force = true;
	int free_before = dup(0);
	(void)close(free_before);
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "deployed");
	check_live(7);
	int free_after = dup(0);
	(void)close(free_after);
	CHECK_INT(free_after, free_before); /* no descriptor is left open */
	job.force = false;
	job.key_mode = 0640;
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "deployed");
	CHECK_INT(mode_of(file("privkey.pem")), 0640);
	job.combined = true;
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(test_read_file(file("combined.pem")), "fullchain 7\nkey 7\n");
	CHECK_INT(mode_of(file("combined.pem")), 0640);
	push_job_done(&job);
}

TEST(old_generations_are_pruned)
{
	struct stat info;
	fresh_root("prune");
	for (unsigned i = 1; i <= 5; i++)
		deploy(i);
	CHECK(stat(file("generations/2-00000000"), &info) != 0);
	CHECK_INT(stat(file("generations/3-00000000"), &info), 0);
	CHECK_INT(stat(file("generations/5-00000000"), &info), 0);
	check_live(5);
}

TEST(plain_files_are_taken_over)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("plain");
	CHECK_INT(mkdir(in_root("example.com"), 0755), 0);
	test_write_file(file("fullchain.pem"), "fullchain 1\n", 0644);
	test_write_file(file("privkey.pem"), "key 1\n", 0640);
	make_job(&job, &sshd, 2);
	set_text(&job.test_command, "exit 3");
	CHECK(!push(&job, &outcome, &err));
	CHECK_STR(push_result_name(outcome.result), "rolled_back");
	CHECK_STR(test_read_file(file("fullchain.pem")), "fullchain 1\n");
	CHECK_STR(test_read_file(file("privkey.pem")), "key 1\n");
	CHECK_INT(mode_of(file("privkey.pem")), 0640);
	CHECK(!exists(file("cert.pem"))); /* was not there, and leads nowhere now */
	set_text(&job.test_command, "true");
	CHECK_OK(push(&job, &outcome, &err), err);
	check_live(2);
	push_job_done(&job);
}

TEST(certbots_links_are_taken_over)
{
	static const char *const names[] = {"cert", "chain", "fullchain", "privkey"};
	fresh_root("certbot");
	CHECK_INT(mkdir(in_root("archive"), 0755), 0);
	CHECK_INT(mkdir(in_root("example.com"), 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char name[64], target[128], text[64];
		(void)snprintf(name, sizeof(name), "archive/%s1.pem", names[i]);
		(void)snprintf(text, sizeof(text), "old %s\n", names[i]);
		test_write_file(in_root(name), text, 0600);
		(void)snprintf(target, sizeof(target), "../archive/%s1.pem", names[i]);
		(void)snprintf(name, sizeof(name), "%s.pem", names[i]);
		CHECK_INT(symlink(target, file(name)), 0);
	}
	deploy(2);
	check_live(2);
	CHECK_STR(test_read_file(file("generations/0/privkey.pem")), "old privkey\n");
	CHECK_STR(test_read_file(in_root("archive/privkey1.pem")), "old privkey\n");
}

TEST(a_failing_test_command_changes_nothing)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("test-fails");
	deploy(1);
	make_job(&job, &sshd, 2);
	set_text(&job.test_command, "echo 'bad \033[31mconfig'; echo line two >&2; exit 4");
	CHECK(!push(&job, &outcome, &err));
	CHECK_STR(push_result_name(outcome.result), "rolled_back");
	CHECK_STR(outcome.error.step, "test");
	CHECK_STR(outcome.error.server, "web-1");
	CHECK_STR(outcome.error.certificate, "example.com");
	CHECK_CONTAINS(outcome.error.message, "exited with status 4");
	CHECK_CONTAINS(outcome.error.said, "bad \\x1b[31mconfig");
	CHECK_CONTAINS(outcome.error.said, "line two");
	check_live(1);
	CHECK_STR(test_read_file(in_root("reloads")), "reload\n"); /* of the first deployment alone */
	CHECK(!exists(file("generations/2-00000000")));
	CHECK(!exists(file(".certferry-previous")));
	push_job_done(&job);
}

TEST(a_first_deployment_that_fails_leaves_nothing)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("first-fails");
	make_job(&job, &sshd, 1);
	add_copy(&job, PUSH_FILE_COMBINED, in_root("combined.pem"));
	set_text(&job.test_command, "kill -TERM $$");
	CHECK(!push(&job, &outcome, &err));
	CHECK_CONTAINS(err.message, "signal TERM");
	CHECK_STR(push_result_name(outcome.result), "rolled_back");
	CHECK(!exists(in_root("example.com")));
	CHECK(!exists(in_root("combined.pem")));
	CHECK(!exists(in_root(".combined.pem.certferry-previous")));
	push_job_done(&job);
}

TEST(a_failing_reload_is_rolled_back_and_reloaded)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	char command[600];
	fresh_root("reload-fails");
	deploy(1);
	make_job(&job, &sshd, 2);
	(void)snprintf(command, sizeof(command), "cat %s; ! grep -q 2 %s", file("cert.pem"), file("cert.pem"));
	set_text(&job.reload_command, command);
	CHECK(!push(&job, &outcome, &err));
	CHECK_STR(push_result_name(outcome.result), "rolled_back");
	CHECK_STR(err.step, "reload");
	CHECK_CONTAINS(err.said, "cert 2");
	CHECK_STR(steps, "connect compare may-change upload switch test reload roll-back ");
	check_live(1);
	set_text(&job.reload_command, "false");
	CHECK(!push(&job, &outcome, &err));
	CHECK_STR(push_result_name(outcome.result), "rolled_back");
	CHECK_CONTAINS(err.message, "previous files are back, but reloading them failed too");
	check_live(1);
	set_text(&job.reload_command, "sleep 30");
	job.command_ms = 1000;
	CHECK(!push(&job, &outcome, &err));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK_CONTAINS(err.message, "did not end within 1 s");
	check_live(1);
	push_job_done(&job);
}

TEST(a_reload_that_leaves_a_child_behind_does_not_hang)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("child");
	make_job(&job, &sshd, 1);
	set_text(&job.reload_command, "sleep 30 & echo started");
	int64_t before = clock_monotonic_ms();
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK(clock_monotonic_ms() - before < 15000);
	push_job_done(&job);
}

TEST(a_connection_cut_after_the_switch_is_rolled_back_over_a_new_one)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("cut");
	deploy(1);
	make_job(&job, &sshd, 2);
	set_text(&job.test_command, "kill -9 $PPID; sleep 1"); /* sshd's process of this session */
	CHECK(!push(&job, &outcome, &err));
	CHECK_STR(err.step, "test");
	CHECK_STR(push_result_name(outcome.result), "rolled_back");
	check_live(1);
	CHECK(!exists(file(".certferry-previous")));
	push_job_done(&job);
}

TEST(copies_are_replaced_and_put_back)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("copies");
	test_write_file(in_root("haproxy.pem"), "old combined\n", 0640);
	make_job(&job, &sshd, 1);
	add_copy(&job, PUSH_FILE_COMBINED, in_root("haproxy.pem"));
	set_text(&job.test_command, "false");
	CHECK(!push(&job, &outcome, &err));
	CHECK_STR(test_read_file(in_root("haproxy.pem")), "old combined\n");
	CHECK_INT(mode_of(in_root("haproxy.pem")), 0640);
	set_text(&job.test_command, "true");
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(test_read_file(in_root("haproxy.pem")), "fullchain 1\nkey 1\n");
	CHECK_INT(mode_of(in_root("haproxy.pem")), 0600);
	CHECK(!exists(in_root(".haproxy.pem.certferry-previous")));
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "unchanged");
	test_write_file(in_root("haproxy.pem"), "tampered\n", 0600);
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "deployed");
	CHECK_STR(test_read_file(in_root("haproxy.pem")), "fullchain 1\nkey 1\n");
	push_job_done(&job);
}

TEST(several_certificates_are_one_transaction)
{
	struct push_job job;
	struct push_outcome outcomes[2];
	struct error err;
	fresh_root("several");
	deploy(1);
	make_job(&job, &sshd, 2);
	add_certificate(&job, "other.example", 9);
	set_text(&job.test_command, "false");
	CHECK(!push(&job, outcomes, &err));
	CHECK_STR(push_result_name(outcomes[0].result), "rolled_back");
	CHECK_STR(push_result_name(outcomes[1].result), "rolled_back");
	check_live(1);
	CHECK(!exists(in_root("other.example")));
	set_text(&job.test_command, "true");
	CHECK_OK(push(&job, outcomes, &err), err);
	CHECK_STR(test_read_file(in_root("reloads")), "reload\nreload\n");
	CHECK_STR(test_read_file(in_root("other.example/privkey.pem")), "key 9\n");
	check_live(2);
	push_job_done(&job);
}

TEST(host_keys)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	char text[1024], line[1024];
	fresh_root("host-keys");
	make_job(&job, &sshd, 1);
	test_set_only(&job.target.known_hosts, in_root("known_hosts")); /* not there */
	CHECK(!push(&job, &outcome, &err));
	CHECK_STR(err.step, "connect");
	CHECK_CONTAINS(err.message, "is not known: ssh-ed25519 SHA256:");
	(void)snprintf(line, sizeof(line), "%s", test_read_file(sshd.known_hosts));
	line[strcspn(line, "=\n")] = '\0';
	*strrchr(line, ' ') = '\0'; /* the comment */
	CHECK_CONTAINS(err.hint, line);
	(void)snprintf(text, sizeof(text), "@revoked * %s\n%s", strchr(line, ' ') + 1,
		       test_read_file(sshd.known_hosts));
	test_write_file(in_root("known_hosts"), text, 0644);
	CHECK(!push(&job, &outcome, &err));
	CHECK_CONTAINS(err.message, "is revoked");
	(void)snprintf(
		text, sizeof(text),
		"[127.0.0.1]:%u ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFgADXmXK2t+OkySvI9Im3G7vAKocEE8DmEHTAfVranb\n",
		(unsigned)sshd.port);
	test_write_file(in_root("known_hosts"), text, 0644);
	CHECK(!push(&job, &outcome, &err));
	CHECK_CONTAINS(err.message, "HAS CHANGED");
	CHECK_STR(push_result_name(outcome.result), "failed");
	CHECK(!exists(in_root("example.com")));
	push_job_done(&job);
}

TEST(logging_in_is_refused)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	char path[512];
	fresh_root("auth");
	make_job(&job, &sshd, 1);
	(void)snprintf(path, sizeof(path), "%s/host", sshd.dir); /* a key, but not one that is authorized */
	CHECK_OK(secret_read_file(&job.target.identities[0], path, LIMIT_KEY_FILE, true, &err), err);
	CHECK(!push(&job, &outcome, &err));
	CHECK_INT(err.category, ERROR_REMOTE);
	CHECK_CONTAINS(err.message, "does not let user");
	CHECK_CONTAINS(err.hint, "authorized_keys");
	(void)snprintf(path, sizeof(path), "%s/locked", root);
	test_run_program(
		(const char *const[]){"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", path, NULL});
	CHECK_OK(secret_read_file(&job.target.identities[0], path, LIMIT_KEY_FILE, true, &err), err);
	CHECK(!push(&job, &outcome, &err));
	CHECK_CONTAINS(err.message, "passphrase");
	test_forget_identities(&job.target);
	CHECK(!push(&job, &outcome, &err));
	CHECK_CONTAINS(err.message, "neither an SSH identity nor an agent");
	push_job_done(&job);
}

TEST(an_agent_logs_in)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	char command[1000];
	fresh_root("agent");
	pid_t agent = test_start_program((const char *const[]){"/usr/bin/ssh-agent", "-D", "-a", in_root("a"), NULL});
	(void)snprintf(command, sizeof(command),
		       "until test -S %s/a; do sleep 0.02; done; SSH_AUTH_SOCK=%s/a ssh-add -q %s/id", root, root,
		       sshd.dir);
	test_run_program((const char *const[]){"/bin/sh", "-c", command, NULL});
	make_job(&job, &sshd, 1);
	test_forget_identities(&job.target);
	set_text(&job.target.agent, in_root("a"));
	CHECK_OK(push(&job, &outcome, &err), err);
	check_live(1);
	(void)kill(agent, SIGTERM);
	(void)waitpid(agent, NULL, 0);
	CHECK(!push(&job, &outcome, &err));
	CHECK_CONTAINS(err.message, "cannot be reached: No such file");
	push_job_done(&job);
}

TEST(nobody_listens)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("nobody");
	make_job(&job, &sshd, 1);
	job.target.port = test_free_port();
	CHECK(!push(&job, &outcome, &err));
	CHECK_INT(err.category, ERROR_NETWORK);
	CHECK(err.transient);
	push_job_done(&job);
}

TEST(owners)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("owners");
	make_job(&job, &sshd, 1);
	set_text(&job.owner, "no-such-user-here");
	CHECK(!push(&job, &outcome, &err));
	CHECK_STR(err.step, "compare");
	CHECK_CONTAINS(err.message, "no user called \"no-such-user-here\"");
	CHECK(!exists(in_root("example.com")));
	if (getuid() == 0) {
		struct stat info;
		set_text(&job.owner, "daemon");
		set_text(&job.group, "12");
		CHECK_OK(push(&job, &outcome, &err), err);
		CHECK_INT(stat(file("privkey.pem"), &info), 0);
		CHECK_INT(info.st_uid, 1);
		CHECK_INT(info.st_gid, 12);
		CHECK_OK(push(&job, &outcome, &err), err);
		CHECK_STR(push_result_name(outcome.result), "unchanged");
	}
	push_job_done(&job);
}

TEST(a_stalled_server_ends_at_its_deadline)
{
	struct test_sshd stalled;
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("stalled");
	test_sshd_start(&stalled, "stalled-sshd", "ForceCommand sleep 20\n");
	make_job(&job, &stalled, 1);
	job.transfer_ms = 700;
	int64_t before = clock_monotonic_ms();
	CHECK(!push(&job, &outcome, &err));
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK_STR(err.step, "connect");
	push_job_done(&job);
	test_sshd_stop(&stalled);
}

TEST(a_server_that_speaks_no_sftp)
{
	struct test_sshd chatty;
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("chatty");
	test_sshd_start(&chatty, "chatty-sshd", "ForceCommand echo Welcome to this host, dear user\n");
	make_job(&job, &chatty, 1);
	CHECK(!push(&job, &outcome, &err));
	CHECK_INT(err.category, ERROR_REMOTE);
	CHECK_STR(push_result_name(outcome.result), "failed");
	push_job_done(&job);
	test_sshd_stop(&chatty);
}

TEST(a_certificate_that_is_not_served_is_rolled_back)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	fresh_root("verify");
	deploy(1);
	make_job(&job, &sshd, 2);
	job.verify = true;
	job.verify_port = test_free_port();
	set_text(&job.verify_address, "127.0.0.1");
	job.verify_ms = 300;
	CHECK(!push(&job, &outcome, &err)); /* nobody listens there */
	CHECK_STR(err.step, "verify");
	CHECK_STR(push_result_name(outcome.result), "rolled_back");
	pid_t server = test_tls_server_start(root, job.verify_port);
	job.verify_ms = 2000;
	bool ok = push(&job, &outcome, &err);
	char seen[65];
	(void)snprintf(seen, sizeof(seen), "%s", outcome.served_sha256);
	CHECK(!ok);
	CHECK_CONTAINS(err.message, "still serves the certificate with SHA-256 fingerprint");
	CHECK_INT(strlen(seen), 64);
	check_live(1);
	(void)snprintf(job.certificates[0].fingerprint_sha256, 65, "%s", seen); /* what is served is the new one now */
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "deployed");
	check_live(2);
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "unchanged");
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	push_job_done(&job);
}

int main(int argc, char **argv)
{
	if (!test_sshd_available())
		return 0;
	test_sshd_start(&sshd, "sshd", NULL);
	int failed = test_run_all(argc, argv);
	test_sshd_stop(&sshd);
	return failed;
}

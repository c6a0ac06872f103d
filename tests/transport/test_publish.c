/* SPDX-License-Identifier: Apache-2.0 */
/* Publications on a real sshd, each by a courier of its own. */
#include "base/buf.h"
#include "base/limits.h"
#include "support_sshd.h"
#include "tests/support/test.h"
#include "transport/courier.h"
#include "transport/courier_message.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test_sshd sshd;
static char root[300];

static char *dup_text(const char *text)
{
	char *copy = strdup(text);
	CHECK(copy != NULL);
	return copy;
}

static void add_file(struct publish_job *job, const char *name, const char *content)
{
	job->files = realloc(job->files, (job->file_count + 1) * sizeof(job->files[0]));
	CHECK(job->files != NULL);
	job->files[job->file_count++] = (struct publish_file){dup_text(name), dup_text(content)};
}

/* A webroot of its own for each test. */
static void make_job(struct publish_job *job, const char *name)
{
	struct error err = {0};
	char id[512];
	(void)snprintf(root, sizeof(root), "%s/%s", test_temp_dir(), name);
	CHECK_INT(mkdir(root, 0755), 0);
	(void)snprintf(id, sizeof(id), "%s/id", sshd.dir);
	*job = (struct publish_job){.target.port = sshd.port, .transfer_ms = 10000, .hold_ms = 60000};
	job->target.server = dup_text("web-1");
	job->target.host = dup_text("127.0.0.1");
	job->target.user = dup_text(getpwuid(getuid())->pw_name);
	test_set_only(&job->target.known_hosts, sshd.known_hosts);
	CHECK_OK(secret_read_file(ssh_target_next_identity(&job->target), id, LIMIT_KEY_FILE, true, &err), err);
	job->folder = dup_text(root);
	add_file(job, "token-1", "token-1.thumbprint");
	add_file(job, "token_2", "token_2.thumbprint");
}

static const char *published(const char *name)
{
	static char path[600];
	(void)snprintf(path, sizeof(path), "%s/.well-known/acme-challenge/%s", root, name);
	return path;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Up to ten seconds: the courier works on its own. */
static bool is_gone(const char *path)
{
	for (int i = 0; i < 1000 && exists(path); i++)
		(void)usleep(10000);
	return !exists(path);
}

static struct courier_publication *publish(struct publish_job *job, struct error *err)
{
	return courier_publish(job, deadline_in(20000, NULL), err);
}

TEST(published_for_all_to_read_and_withdrawn)
{
	struct publish_job job;
	struct error err = {0};
	struct stat facts;
	make_job(&job, "both");
	struct courier_publication *publication = publish(&job, &err);
	CHECK_OK(publication != NULL, err);
	CHECK_STR(test_read_file(published("token-1")), "token-1.thumbprint");
	CHECK_STR(test_read_file(published("token_2")), "token_2.thumbprint");
	CHECK_INT(stat(published("token-1"), &facts), 0);
	CHECK_INT(facts.st_mode & 07777, 0644);
	CHECK_OK(courier_withdraw(publication, &err), err);
	CHECK(!exists(published("token-1")) && !exists(published("token_2")));
	CHECK(exists(published(""))); /* another certificate may be using the folder */
	publish_job_done(&job);
}

TEST(what_an_earlier_run_left_is_replaced_and_other_files_stay)
{
	struct publish_job job;
	struct error err = {0};
	make_job(&job, "earlier");
	CHECK_OK(courier_withdraw(publish(&job, &err), &err), err);
	test_write_file(published("token-1"), "stale", 0600);
	test_write_file(published("foreign"), "x", 0644);
	struct courier_publication *publication = publish(&job, &err);
	CHECK_OK(publication != NULL, err);
	CHECK_STR(test_read_file(published("token-1")), "token-1.thumbprint");
	CHECK_OK(courier_withdraw(publication, &err), err);
	CHECK(!exists(published("token-1")) && exists(published("foreign")));
	publish_job_done(&job);
}

TEST(a_webroot_that_is_not_there_is_said_and_not_made)
{
	struct publish_job job;
	struct error err = {0};
	make_job(&job, "missing");
	CHECK_INT(rmdir(root), 0);
	CHECK(publish(&job, &err) == NULL);
	CHECK_CONTAINS(err.message, root);
	CHECK_STR(err.step, "publish");
	CHECK_STR(err.server, "web-1");
	CHECK(!exists(root));
	publish_job_done(&job);
}

TEST(what_was_written_before_a_failure_is_removed)
{
	struct publish_job job;
	struct error err = {0};
	make_job(&job, "half");
	CHECK_OK(courier_withdraw(publish(&job, &err), &err), err);
	CHECK_INT(mkdir(published("token_2"), 0755), 0); /* no file can be put there */
	CHECK(publish(&job, &err) == NULL);
	CHECK(is_gone(published("token-1")));
	publish_job_done(&job);
}

TEST(a_server_that_is_down)
{
	struct publish_job job;
	struct error err = {0};
	make_job(&job, "down");
	job.target.port = test_free_port();
	CHECK(publish(&job, &err) == NULL);
	CHECK(err.transient);
	CHECK_STR(err.server, "web-1");
	publish_job_done(&job);
}

TEST(killed_with_files_published_they_are_withdrawn_all_the_same)
{
	struct publish_job job;
	struct error err = {0};
	make_job(&job, "killed");
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct courier_publication *publication = publish(&job, &err);
		_exit(publication != NULL ? 0 : 1); /* as dead as by SIGKILL: nothing is withdrawn */
	}
	int status = 0;
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
	CHECK(is_gone(published("token-1")) && is_gone(published("token_2")));
	publish_job_done(&job);
}

TEST(not_held_for_ever)
{
	struct publish_job job;
	struct error err = {0};
	make_job(&job, "held");
	job.hold_ms = 200;
	struct courier_publication *publication = publish(&job, &err);
	CHECK_OK(publication != NULL, err);
	CHECK(is_gone(published("token-1")));
	CHECK_OK(courier_withdraw(publication, &err) || error_is_set(&err), err);
	publish_job_done(&job);
}

static void check_refused(struct publish_job *job, const char *why)
{
	struct publish_job got;
	struct error err = {0};
	struct buf text;
	buf_init(&text, LIMIT_COURIER_JOB);
	courier_encode_publish(job, &text);
	if (courier_decode_publish(text.data, text.len, &got, &err))
		test_fail(__FILE__, __LINE__, "accepted: %s", why);
	CHECK_INT(err.category, ERROR_DATA);
	buf_done(&text);
	publish_job_done(job);
}

TEST(publications_that_must_not_be)
{
	struct publish_job job;
	make_job(&job, "refused-climbs");
	add_file(&job, "../../../etc/cron.d/x", "x");
	check_refused(&job, "a name that climbs");
	make_job(&job, "refused-empty");
	add_file(&job, "", "x");
	check_refused(&job, "an empty name");
	make_job(&job, "refused-relative");
	job.folder[0] = '.';
	check_refused(&job, "a relative folder");
	make_job(&job, "refused-host");
	job.target.host[0] = '-';
	check_refused(&job, "a host that is an option");
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

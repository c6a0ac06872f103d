/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of deployments to a real sshd share. The "certificates" are texts with a number, so that a key and a
 * certificate of different generations show.
 */
#ifndef TESTS_TRANSPORT_PUSH_FIXTURE_H
#define TESTS_TRANSPORT_PUSH_FIXTURE_H

#include "base/limits.h"
#include "support_sshd.h"
#include "tests/support/test.h"
#include "transport/push.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct test_sshd sshd;
static char root[300]; /* the server's "live" folder of the current test */
static char steps[256];
static bool denied;

static inline char *dup_text(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;
	CHECK(text == NULL || copy != NULL);
	return copy;
}

static inline const char *file(const char *name)
{
	static char paths[8][512];
	static size_t next;
	char *path = paths[next++ % ARRAY_LEN(paths)];
	(void)snprintf(path, sizeof(paths[0]), "%s/example.com/%s", root, name);
	return path;
}

static inline const char *in_root(const char *name)
{
	static char paths[4][512];
	static size_t next;
	char *path = paths[next++ % ARRAY_LEN(paths)];
	(void)snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

static inline char *numbered(const char *what, unsigned number)
{
	char text[64];
	(void)snprintf(text, sizeof(text), "%s %u\n", what, number);
	return dup_text(text);
}

/* A job for certificate NAME in its generation NUMBER. */
static inline void add_certificate(struct push_job *job, const char *name, unsigned number)
{
	struct error err = {0};
	char key[64];
	job->certificates = realloc(job->certificates, (job->certificate_count + 1) * sizeof(job->certificates[0]));
	struct push_certificate *c = &job->certificates[job->certificate_count++];
	*c = (struct push_certificate){.name = dup_text(name), .generation = number};
	c->cert = numbered("cert", number);
	c->chain = numbered("chain", number);
	c->fullchain = numbered("fullchain", number);
	(void)snprintf(key, sizeof(key), "key %u\n", number);
	CHECK_OK(secret_set(&c->privkey, key, strlen(key), &err), err);
	(void)snprintf(c->fingerprint_sha256, sizeof(c->fingerprint_sha256), "%064x", number);
	c->server_name = dup_text(name);
}

static inline void add_copy(struct push_job *job, enum push_file which, const char *path)
{
	struct push_certificate *c = &job->certificates[job->certificate_count - 1];
	c->copies = realloc(c->copies, (c->copy_count + 1) * sizeof(c->copies[0]));
	c->copies[c->copy_count++] = (struct push_copy){which, dup_text(path)};
}

static inline void make_job(struct push_job *job, const struct test_sshd *server, unsigned number)
{
	struct error err = {0};
	char id[512];
	(void)snprintf(id, sizeof(id), "%s/id", server->dir);
	*job = (struct push_job){.target.port = server->port,
				 .key_mode = 0600,
				 .transfer_ms = 10000,
				 .command_ms = 10000,
				 .verify_ms = 1000};
	job->target.server = dup_text("web-1");
	job->target.host = dup_text("127.0.0.1");
	job->target.user = dup_text(getpwuid(getuid())->pw_name);
	test_set_only(&job->target.known_hosts, server->known_hosts);
	job->dir = dup_text(root);
	job->holder = dup_text("tests");
	job->test_command = dup_text("true");
	CHECK_OK(secret_read_file(ssh_target_next_identity(&job->target), id, LIMIT_KEY_FILE, true, &err), err);
	(void)snprintf(id, sizeof(id), "echo reload >> %s/reloads", root);
	job->reload_command = dup_text(id);
	add_certificate(job, "example.com", number);
}

static inline void set_text(char **field, const char *text)
{
	free(*field);
	*field = dup_text(text);
}

static inline void note_step(void *ctx, const char *step)
{
	(void)ctx;
	(void)strncat(steps, step, sizeof(steps) - strlen(steps) - 1);
	(void)strncat(steps, " ", sizeof(steps) - strlen(steps) - 1);
}

static inline bool may_change(void *ctx, struct error *err)
{
	(void)ctx;
	note_step(NULL, "may-change");
	return !denied || error_set(err, ERROR_REMOTE, "rollout", "not now");
}

static const struct push_watch watch = {note_step, may_change, NULL};

static inline bool push(struct push_job *job, struct push_outcome *outcomes, struct error *err)
{
	error_clear(err);
	steps[0] = '\0';
	return push_run(job, /* cancel= */ NULL, &watch, outcomes, err);
}

/* A server folder of its own for each test. */
static inline void fresh_root(const char *name)
{
	(void)snprintf(root, sizeof(root), "%s/%s", test_temp_dir(), name);
	CHECK_INT(mkdir(root, 0755), 0);
}

static inline void check_live(unsigned number)
{
	char want[64];
	(void)snprintf(want, sizeof(want), "key %u\n", number);
	CHECK_STR(test_read_file(file("privkey.pem")), want);
	(void)snprintf(want, sizeof(want), "fullchain %u\n", number);
	CHECK_STR(test_read_file(file("fullchain.pem")), want);
	(void)snprintf(want, sizeof(want), "cert %u\n", number);
	CHECK_STR(test_read_file(file("cert.pem")), want);
	(void)snprintf(want, sizeof(want), "chain %u\n", number);
	CHECK_STR(test_read_file(file("chain.pem")), want);
}

static inline unsigned mode_of(const char *path)
{
	struct stat info = {0};
	(void)stat(path, &info);
	return info.st_mode & 07777;
}

static inline bool exists(const char *path)
{
	struct stat info;
	return lstat(path, &info) == 0;
}

static inline void deploy(unsigned number)
{
	struct push_job job;
	struct push_outcome outcome;
	struct error err;
	make_job(&job, &sshd, number);
	CHECK_OK(push(&job, &outcome, &err), err);
	CHECK_STR(push_result_name(outcome.result), "deployed");
	push_job_done(&job);
}

#endif

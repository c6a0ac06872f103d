/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions against a real sshd: what is learned of a host's key before anybody logs in. */
#include "tests/support/test.h"
#include "tests/transport/support_sshd.h"
#include "transport/ssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test_sshd sshd;

static struct deadline soon(void)
{
	return deadline_in(20 * 1000, /* cancel= */ NULL);
}

/* SSHD as a target whose host keys are in KNOWN_HOSTS. There is neither identity nor agent. */
static void describe(struct ssh_target *ret, const char *known_hosts)
{
	struct error err = {0};
	*ret = (struct ssh_target){.port = sshd.port};
	CHECK_OK(str_set(&ret->server, "web-1", &err) && str_set(&ret->host, "127.0.0.1", &err) &&
			 str_set(&ret->user, "nobody", &err) && str_set(&ret->known_hosts, known_hosts, &err),
		 err);
}

static enum known_hosts_verdict look(const char *known_hosts, struct ssh_host_key *ret)
{
	CLEANUP(ssh_target_done) struct ssh_target target;
	struct error err = {0};
	describe(&target, known_hosts);
	CHECK_OK(ssh_host_key_look(&target, soon(), ret, &err), err);
	return ret->verdict;
}

TEST(a_host_s_key_is_looked_at_without_logging_in)
{
	CLEANUP(ssh_host_key_done) struct ssh_host_key unknown = {0};
	CLEANUP(ssh_host_key_done) struct ssh_host_key known = {0};
	CLEANUP(ssh_host_key_done) struct ssh_host_key changed = {0};
	CLEANUP(ssh_host_key_done) struct ssh_host_key revoked = {0};
	char path[300], text[2048];

	if (!test_sshd_available())
		return;
	test_sshd_start(&sshd, "look", NULL);
	(void)snprintf(path, sizeof(path), "%s/mine", sshd.dir);
	CHECK_INT(look(path, &unknown), KNOWN_HOSTS_UNKNOWN);
	CHECK_STR(unknown.type, "ssh-ed25519");
	CHECK(strncmp(unknown.fingerprint, "SHA256:", 7) == 0);
	(void)snprintf(text, sizeof(text), "%s\n", unknown.line_to_add);
	test_write_file(path, text, 0600);
	CHECK_INT(look(path, &known), KNOWN_HOSTS_OK);
	CHECK_INT(known.line, 1);

	(void)snprintf(text, sizeof(text), "# mine\n[127.0.0.1]:%u ssh-ed25519 %s\n", (unsigned)sshd.port,
		       "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	test_write_file(path, text, 0600);
	CHECK_INT(look(path, &changed), KNOWN_HOSTS_OTHER_KEY);
	(void)snprintf(text, sizeof(text), "%s\n@revoked * ssh-ed25519 %s\n", known.line_to_add, known.base64);
	test_write_file(path, text, 0600);
	CHECK_INT(look(path, &revoked), KNOWN_HOSTS_REVOKED);
	CHECK_INT(revoked.line, 2);
	test_sshd_stop(&sshd);
}

TEST(no_server_is_no_verdict)
{
	CLEANUP(ssh_target_done) struct ssh_target target;
	CLEANUP(ssh_host_key_done) struct ssh_host_key key = {0};
	struct error err = {0};

	sshd.port = test_free_port();
	describe(&target, "/nowhere");
	CHECK(!ssh_host_key_look(&target, soon(), &key, &err));
	CHECK_CONTAINS(err.message, "cannot connect to 127.0.0.1");
	CHECK(key.base64 == NULL);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions against a real sshd: what is learned of a host's key before anybody logs in. */
#include "base/limits.h"
#include "tests/support/test.h"
#include "tests/transport/support_sshd.h"
#include "transport/ssh.h"
#include "transport/ssh_tunnel.h"

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
			 str_set(&ret->user, "nobody", &err) && str_list_add(&ret->known_hosts, known_hosts, &err),
		 err);
}

static enum known_hosts_verdict look(const char *known_hosts, struct ssh_host_key *ret)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
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

/* SERVER as a target that the test's user may log in to. */
static void describe_login(struct ssh_target *ret, const struct test_sshd *server, const char *name)
{
	struct error err = {0};
	char path[300];
	sshd = *server;
	describe(ret, server->known_hosts);
	(void)snprintf(path, sizeof(path), "%s/id", server->dir);
	CHECK_OK(str_set(&ret->server, name, &err) && str_set(&ret->user, getpwuid(getuid())->pw_name, &err) &&
			 secret_read_file(ssh_target_next_identity(ret), path, LIMIT_KEY_FILE, true, &err),
		 err);
}

/* FAR behind the hops NEAR and MIDDLE. */
static void describe_way(struct ssh_target *ret, const struct test_sshd *near, const struct test_sshd *middle,
			 const struct test_sshd *far)
{
	describe_login(ret, far, "far");
	ret->hops = calloc(2, sizeof(ret->hops[0]));
	CHECK(ret->hops != NULL);
	describe_login(&ret->hops[ret->hop_count++], near, "near");
	describe_login(&ret->hops[ret->hop_count++], middle, "middle");
}

TEST(jump_hosts_are_gone_through_one_after_the_other)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	CLEANUP(excerpt_done) struct excerpt output = {0};
	struct test_sshd near, middle, far;
	struct ssh_exit ended = {0};
	struct error err = {0};
	char want[64];

	if (!test_sshd_available())
		return;
	test_sshd_start(&near, "near", NULL);
	test_sshd_start(&middle, "middle", NULL);
	test_sshd_start(&far, "far", NULL);
	describe_way(&target, &near, &middle, &far);
	struct ssh_link *link = ssh_link_open(&target, soon(), &err);
	CHECK_OK(link != NULL, err);
	/* More than all buffers on the way hold together, then who was asked. */
	excerpt_init(&output, 4 * 1024 * 1024);
	CHECK_OK(ssh_link_run(link, "head -c 2000000 /dev/zero; echo $SSH_CONNECTION", soon(), &output, &ended, &err),
		 err);
	CHECK_INT(ended.status, 0);
	CHECK(output.kept.len > 2000000);
	(void)snprintf(want, sizeof(want), " 127.0.0.1 %u\n", (unsigned)far.port);
	CHECK_CONTAINS(output.kept.data + 2000000, want);

	/* The first one goes away, and nothing hangs. */
	test_sshd_stop(&near);
	ssh_link_close(link);
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	CHECK_CONTAINS(err.message, ") on the way there: cannot connect to");
	test_sshd_stop(&middle);
	test_sshd_stop(&far);
}

TEST(what_goes_wrong_at_a_jump_host_is_told_with_its_name)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	struct test_sshd near, middle, far;
	struct error err = {0};

	if (!test_sshd_available())
		return;
	test_sshd_start(&near, "near-2", NULL);
	test_sshd_start(&middle, "middle-2", "AllowTcpForwarding no\n");
	test_sshd_start(&far, "far-2", NULL);
	describe_way(&target, &near, &middle, &far);
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	CHECK_CONTAINS(err.message, "the jump host middle (127.0.0.1 port ");
	CHECK_CONTAINS(err.message, " does not let us connect to 127.0.0.1 port ");
	CHECK_CONTAINS(err.hint, "AllowTcpForwarding");

	error_clear(&err);
	test_set_only(&target.hops[1].known_hosts, "/nowhere");
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	CHECK_CONTAINS(err.message, ") on the way there: the host key of 127.0.0.1");
	test_sshd_stop(&near);
	test_sshd_stop(&middle);
	test_sshd_stop(&far);
}

/* The banner of whoever is at the other end of FD, which is closed. */
static void check_banner(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char text[8] = "";
	CHECK(poll(&ready, 1, 10000) == 1);
	CHECK_INT(read(fd, text, 4), 4);
	CHECK_STR(text, "SSH-");
	CHECK(close(fd) == 0);
}

TEST(one_login_to_the_jump_hosts_carries_several_connections)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	struct test_sshd near, middle, far;
	struct error err = {0};
	int first = -1, second = -1, none = -1;

	if (!test_sshd_available())
		return;
	test_sshd_start(&near, "near-3", NULL);
	test_sshd_start(&middle, "middle-3", NULL);
	test_sshd_start(&far, "far-3", NULL);
	describe_way(&target, &near, &middle, &far);
	struct ssh_tunnel *tunnel = ssh_tunnel_to(&target, soon(), &err);
	CHECK_OK(tunnel != NULL, err);
	CHECK_OK(ssh_tunnel_dial(tunnel, "127.0.0.1", (uint16_t)far.port, soon(), &first, &err), err);
	CHECK_OK(ssh_tunnel_dial(tunnel, "127.0.0.1", (uint16_t)near.port, soon(), &second, &err), err);

	/* What comes to nothing, or is not waited for, is no harm to the others. */
	CHECK(!ssh_tunnel_dial(tunnel, "127.0.0.1", 1, soon(), &none, &err));
	CHECK_CONTAINS(err.message, "the jump host middle (127.0.0.1 port ");
	CHECK_CONTAINS(err.message, ") cannot connect to 127.0.0.1 port 1");
	/* On a machine where others are at work the answer may be there before we look. */
	bool late = false;
	for (int i = 0; i < 20 && !late; i++) {
		error_clear(&err);
		late = !ssh_tunnel_dial(tunnel, "127.0.0.1", (uint16_t)far.port, deadline_in(0, NULL), &none, &err);
		if (!late)
			(void)close(none);
	}
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK_CONTAINS(err.message, "did not answer in time while it connected to 127.0.0.1 port ");
	check_banner(second);
	check_banner(first);
	error_clear(&err);
	CHECK_OK(ssh_tunnel_dial(tunnel, "127.0.0.1", (uint16_t)far.port, soon(), &first, &err), err);
	check_banner(first);

	ssh_tunnel_close(tunnel);
	test_sshd_stop(&near);
	test_sshd_stop(&middle);
	test_sshd_stop(&far);
}

/* One that lets in whoever has a certificate of the test's own CA, and nobody else. */
static void start_certified(struct test_sshd *server, const char *name)
{
	char extra[700], ca[300], keys[300];
	(void)snprintf(ca, sizeof(ca), "%s/%s/ca", test_temp_dir(), name);
	(void)snprintf(extra, sizeof(extra), "TrustedUserCAKeys %s.pub\n", ca);
	test_sshd_start(server, name, extra);
	test_run_program((const char *const[]){"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ca, NULL});
	(void)snprintf(keys, sizeof(keys), "%s/authorized_keys", server->dir);
	test_write_file(keys, "", 0600);
}

/* A certificate of the test's own CA for SERVER's identity, with OPTIONS of ssh-keygen, as TARGET's. */
static void certify(struct ssh_target *target, const struct test_sshd *server, const char *validity)
{
	char ca[300], id[300], cert[320];
	(void)snprintf(ca, sizeof(ca), "%s/ca", server->dir);
	(void)snprintf(id, sizeof(id), "%s/id.pub", server->dir);
	(void)snprintf(cert, sizeof(cert), "%s/id-cert.pub", server->dir);
	test_run_program((const char *const[]){"/usr/bin/ssh-keygen", "-q", "-s", ca, "-I", "test", "-n", target->user,
					       "-V", validity, id, NULL});
	test_set_only(&target->certificates, test_read_file(cert));
}

TEST(a_certificate_of_the_user_lets_in_while_it_is_valid)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	struct test_sshd server;
	struct error err = {0};

	if (!test_sshd_available())
		return;
	start_certified(&server, "certified");
	describe_login(&target, &server, "certified");
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	CHECK_CONTAINS(err.hint, "authorized_keys");

	error_clear(&err);
	certify(&target, &server, "-1h:+1h");
	struct ssh_link *link = ssh_link_open(&target, soon(), &err);
	CHECK_OK(link != NULL, err);
	ssh_link_close(link);

	certify(&target, &server, "-2h:-1h");
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	CHECK_CONTAINS(err.message, "this identity and its certificate");
	CHECK_CONTAINS(err.hint, "until when the certificate is valid");

	error_clear(&err);
	test_set_only(&target.certificates, "ssh-ed25519-cert-v01@openssh.com AAAA");
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	CHECK_CONTAINS(err.message, "cannot be read, or is for another key");
	test_sshd_stop(&server);
}

TEST(a_key_under_a_passphrase_is_left_to_the_agent)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	struct test_sshd server;
	struct error err = {0};
	char id[300], socket[300];

	if (!test_sshd_available() || access("/usr/bin/ssh-agent", X_OK) != 0) {
		printf("skipped: sshd or ssh-agent is not installed\n");
		return;
	}
	test_sshd_start(&server, "agent", NULL);
	(void)snprintf(id, sizeof(id), "%s/id", server.dir);
	(void)snprintf(socket, sizeof(socket), "%s/agent", server.dir);
	pid_t agent = test_start_program((const char *const[]){"/usr/bin/ssh-agent", "-D", "-a", socket, NULL});
	for (int i = 0; i < 200 && access(socket, F_OK) != 0; i++)
		(void)usleep(10000);
	CHECK_INT(setenv("SSH_AUTH_SOCK", socket, 1), 0);
	test_run_program((const char *const[]){"/usr/bin/ssh-add", "-q", id, NULL});
	test_run_program(
		(const char *const[]){"/usr/bin/ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", id, NULL});

	describe_login(&target, &server, "agent");
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	CHECK_CONTAINS(err.message, "protected by a passphrase");
	error_clear(&err);
	CHECK_OK(str_set(&target.agent, socket, &err), err);
	struct ssh_link *link = ssh_link_open(&target, soon(), &err);
	CHECK_OK(link != NULL, err);
	ssh_link_close(link);
	(void)kill(agent, SIGTERM);
	(void)waitpid(agent, NULL, 0);
	test_sshd_stop(&server);
}

/* The keys of a login, in order: server's own ones and others that it does not know. */
static void add_identity(struct ssh_target *target, const char *dir, const char *name, bool make)
{
	struct error err = {0};
	char path[400];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (make)
		test_run_program((const char *const[]){"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
						       path, NULL});
	CHECK_OK(secret_read_file(ssh_target_next_identity(target), path, LIMIT_KEY_FILE, true, &err), err);
}

/* SERVER as the user of this machine, with no key yet. */
static void describe_stranger(struct ssh_target *target, const struct test_sshd *server)
{
	struct error err = {0};
	sshd = *server;
	describe(target, server->known_hosts);
	CHECK_OK(str_set(&target->user, getpwuid(getuid())->pw_name, &err), err);
}

TEST(identities_are_tried_in_order_and_what_cannot_be_used_is_passed_over)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	struct test_sshd server;
	struct error err = {0};

	if (!test_sshd_available())
		return;
	test_sshd_start(&server, "several", "MaxAuthTries 3\n");
	describe_stranger(&target, &server);
	add_identity(&target, server.dir, "stranger", true);
	CHECK_OK(secret_set(ssh_target_next_identity(&target), "no key at all", 13, &err), err);
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	CHECK_CONTAINS(err.message, "does not let user");
	error_clear(&err);
	add_identity(&target, server.dir, "id", false);
	struct ssh_link *link = ssh_link_open(&target, soon(), &err);
	CHECK_OK(link != NULL, err);
	ssh_link_close(link);
	test_sshd_stop(&server);
}

TEST(a_server_that_cuts_off_after_some_tries_is_told_so)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	struct test_sshd server;
	struct error err = {0};

	if (!test_sshd_available())
		return;
	test_sshd_start(&server, "impatient", "MaxAuthTries 2\n");
	describe_stranger(&target, &server);
	add_identity(&target, server.dir, "stranger-1", true);
	add_identity(&target, server.dir, "stranger-2", true);
	add_identity(&target, server.dir, "id", false);
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	CHECK_CONTAINS(err.hint, "MaxAuthTries");
	test_sshd_stop(&server);
}

TEST(two_keys_are_given_where_two_are_asked_for)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	struct test_sshd server;
	struct error err = {0};
	char path[400], keys[2048];

	if (!test_sshd_available())
		return;
	test_sshd_start(&server, "two-keys", "AuthenticationMethods publickey,publickey\n");
	describe_login(&target, &server, "two-keys");
	CHECK(ssh_link_open(&target, soon(), &err) == NULL);
	error_clear(&err);
	add_identity(&target, server.dir, "second", true);
	(void)snprintf(path, sizeof(path), "%s/id.pub", server.dir);
	(void)snprintf(keys, sizeof(keys), "%s", test_read_file(path));
	(void)snprintf(path, sizeof(path), "%s/second.pub", server.dir);
	(void)snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s", test_read_file(path));
	(void)snprintf(path, sizeof(path), "%s/authorized_keys", server.dir);
	test_write_file(path, keys, 0644);
	struct ssh_link *link = ssh_link_open(&target, soon(), &err);
	CHECK_OK(link != NULL, err);
	ssh_link_close(link);
	test_sshd_stop(&server);
}

TEST(a_certificate_finds_its_key_among_several)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	struct test_sshd server;
	struct error err = {0};

	if (!test_sshd_available())
		return;
	start_certified(&server, "among");
	describe_stranger(&target, &server);
	add_identity(&target, server.dir, "stranger", true);
	add_identity(&target, server.dir, "id", false);
	certify(&target, &server, "-1h:+1h");
	struct ssh_link *link = ssh_link_open(&target, soon(), &err);
	CHECK_OK(link != NULL, err);
	ssh_link_close(link);
	test_sshd_stop(&server);
}

/* FIRST and SECOND as the files that TARGET's host is looked up in. */
static enum known_hosts_verdict look_in(const char *first, const char *second, struct ssh_host_key *ret)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	struct error err = {0};
	char path[2][300];
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path[i], sizeof(path[i]), "%s/hosts-%d", sshd.dir, i);
		test_write_file(path[i], i == 0 ? first : second, 0600);
	}
	describe(&target, path[0]);
	CHECK_OK(str_list_add(&target.known_hosts, path[1], &err) &&
			 str_list_add(&target.known_hosts, "/nowhere/hosts", &err),
		 err);
	ssh_host_key_done(ret);
	CHECK_OK(ssh_host_key_look(&target, soon(), ret, &err), err);
	return ret->verdict;
}

TEST(several_files_are_as_one)
{
	CLEANUP(ssh_host_key_done) struct ssh_host_key key = {0};
	char known[600], revoked[600], other[300];

	if (!test_sshd_available())
		return;
	test_sshd_start(&sshd, "files", NULL);
	CHECK_INT(look_in("", "", &key), KNOWN_HOSTS_UNKNOWN);
	CHECK(str_ends(key.file, "hosts-0"));
	(void)snprintf(known, sizeof(known), "%s\n", key.line_to_add);
	(void)snprintf(revoked, sizeof(revoked), "# x\n@revoked * ssh-ed25519 %s\n", key.base64);
	(void)snprintf(other, sizeof(other), "[127.0.0.1]:%u ssh-ed25519 %s\n", (unsigned)sshd.port,
		       "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	CHECK_INT(look_in("", known, &key), KNOWN_HOSTS_OK);
	CHECK(str_ends(key.file, "hosts-1") && key.line == 1);
	CHECK_INT(look_in(known, revoked, &key), KNOWN_HOSTS_REVOKED);
	CHECK(str_ends(key.file, "hosts-1") && key.line == 2);
	CHECK_INT(look_in(revoked, known, &key), KNOWN_HOSTS_REVOKED);
	CHECK(str_ends(key.file, "hosts-0"));
	CHECK_INT(look_in("", other, &key), KNOWN_HOSTS_OTHER_KEY);
	CHECK(str_ends(key.file, "hosts-1"));
	CHECK_INT(look_in(other, known, &key), KNOWN_HOSTS_OK);
	test_sshd_stop(&sshd);
}

/* A server with several keys shows the one that is known, in whichever file. */
TEST(a_known_type_of_key_is_asked_for)
{
	CLEANUP(ssh_host_key_done) struct ssh_host_key key = {0};
	char extra[400], rsa[300], line[4096];

	if (!test_sshd_available())
		return;
	(void)snprintf(rsa, sizeof(rsa), "%s/types-rsa", test_temp_dir());
	(void)snprintf(extra, sizeof(extra), "HostKey %s\n", rsa);
	test_run_program((const char *const[]){"/usr/bin/ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f",
					       rsa, NULL});
	test_sshd_start(&sshd, "types", extra);
	CHECK_INT(look_in("", "", &key), KNOWN_HOSTS_UNKNOWN);
	CHECK_STR(key.type, "ssh-ed25519");
	(void)snprintf(rsa + strlen(rsa), sizeof(rsa) - strlen(rsa), ".pub");
	(void)snprintf(line, sizeof(line), "[127.0.0.1]:%u %s", (unsigned)sshd.port, test_read_file(rsa));
	CHECK_INT(look_in("", line, &key), KNOWN_HOSTS_OK);
	CHECK_STR(key.type, "ssh-rsa");
	test_sshd_stop(&sshd);
}

TEST(no_server_is_no_verdict)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	CLEANUP(ssh_host_key_done) struct ssh_host_key key = {0};
	struct error err = {0};

	sshd.port = test_free_port();
	describe(&target, "/nowhere");
	CHECK(!ssh_host_key_look(&target, soon(), &key, &err));
	CHECK_CONTAINS(err.message, "cannot connect to 127.0.0.1");
	CHECK(key.base64 == NULL);
}

TEST_MAIN()

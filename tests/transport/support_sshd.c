/* SPDX-License-Identifier: Apache-2.0 */
/* A real sshd for the tests: own host key and client key, loopback, a port of its own, ended with the test. */
#include "support_sshd.h"

#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char sshd_path[] = "/usr/sbin/sshd";

bool test_sshd_available(void)
{
	if (access(sshd_path, X_OK) == 0)
		return true;
	fprintf(stderr, "skipped: %s is not installed\n", sshd_path);
	return false;
}

uint16_t test_free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
	      getsockname(fd, (struct sockaddr *)&address, &len) == 0);
	close(fd);
	return ntohs(address.sin_port);
}

pid_t test_start_program(const char *const *arguments)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		char *copy[24] = {0};
		for (size_t i = 0; arguments[i] != NULL && i < ARRAY_LEN(copy) - 1; i++)
			copy[i] = strdup(arguments[i]);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		int null = open("/dev/null", O_RDWR);
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		(void)dup2(null, 2);
		execv(copy[0], copy);
		_exit(127);
	}
	return pid;
}

void test_forget_identities(struct ssh_target *target)
{
	for (size_t i = 0; i < target->identity_count; i++)
		secret_done(&target->identities[i]);
	target->identity_count = 0;
}

void test_set_only(struct str_list *list, const char *text)
{
	struct error err = {0};
	str_list_done(list);
	CHECK_OK(str_list_add(list, text, &err), err);
}

void test_run_program(const char *const *arguments)
{
	int status = 0;
	pid_t pid = test_start_program(arguments);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		test_fail(__FILE__, __LINE__, "%s failed", arguments[0]);
}

pid_t test_tls_server_start(const char *dir, uint16_t port)
{
	char number[16], key[400], cert[400];
	(void)snprintf(number, sizeof(number), "%u", (unsigned)port);
	(void)snprintf(key, sizeof(key), "%s/tls.key", dir);
	(void)snprintf(cert, sizeof(cert), "%s/tls.pem", dir);
	test_run_program((const char *const[]){"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
					       "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-keyout", key,
					       "-out", cert, NULL});
	pid_t server = test_start_program((const char *const[]){"/usr/bin/openssl", "s_server", "-accept", number,
								"-key", key, "-cert", cert, "-quiet", NULL});
	test_await_port(port);
	return server;
}

void test_write_file(const char *path, const char *text, unsigned mode)
{
	FILE *file = fopen(path, "w");
	CHECK(file != NULL);
	fputs(text, file);
	CHECK_INT(fclose(file), 0);
	CHECK_INT(chmod(path, mode), 0);
}

const char *test_read_file(const char *path)
{
	static char texts[8][8192];
	static size_t next;
	char *text = texts[next++ % ARRAY_LEN(texts)];
	FILE *file = fopen(path, "r");
	text[0] = '\0';
	if (file == NULL)
		return text;
	text[fread(text, 1, sizeof(texts[0]) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void make_key(const char *dir, const char *name)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	test_run_program(
		(const char *const[]){"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, NULL});
}

void test_await_port(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (int i = 0; i < 500; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
		close(fd);
		if (rc == 0)
			return;
		(void)nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	test_fail(__FILE__, __LINE__, "sshd did not start on port %u", (unsigned)port);
}

void test_sshd_start(struct test_sshd *sshd, const char *name, const char *extra)
{
	char path[512], text[4096];

	(void)snprintf(sshd->dir, sizeof(sshd->dir), "%s/%s", test_temp_dir(), name);
	CHECK_INT(mkdir(sshd->dir, 0755), 0);
	if (getuid() == 0)
		(void)mkdir("/run/sshd", 0755);
	make_key(sshd->dir, "host");
	make_key(sshd->dir, "id");
	sshd->port = test_free_port();
	(void)snprintf(path, sizeof(path), "%s/id.pub", sshd->dir);
	(void)snprintf(text, sizeof(text), "%s", test_read_file(path));
	(void)snprintf(path, sizeof(path), "%s/authorized_keys", sshd->dir);
	test_write_file(path, text, 0644);
	(void)snprintf(path, sizeof(path), "%s/host.pub", sshd->dir);
	(void)snprintf(text, sizeof(text), "[127.0.0.1]:%u %s", (unsigned)sshd->port, test_read_file(path));
	(void)snprintf(sshd->known_hosts, sizeof(sshd->known_hosts), "%s/known_hosts", sshd->dir);
	test_write_file(sshd->known_hosts, text, 0644);
	(void)snprintf(text, sizeof(text),
		       "ListenAddress 127.0.0.1:%u\nHostKey %s/host\nAuthorizedKeysFile %s/authorized_keys\n"
		       "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nMaxStartups 100\n"
		       "Subsystem sftp internal-sftp\n%s",
		       (unsigned)sshd->port, sshd->dir, sshd->dir, extra != NULL ? extra : "");
	(void)snprintf(path, sizeof(path), "%s/config", sshd->dir);
	test_write_file(path, text, 0644);
	sshd->pid = test_start_program((const char *const[]){sshd_path, "-D", "-f", path, NULL});
	test_await_port(sshd->port);
}

void test_sshd_stop(struct test_sshd *sshd)
{
	(void)kill(sshd->pid, SIGTERM);
	(void)waitpid(sshd->pid, NULL, 0);
}

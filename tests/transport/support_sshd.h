/* SPDX-License-Identifier: Apache-2.0 */
/* A real sshd on loopback for the tests of deployment: throwaway keys, a high port, the current user. */
#ifndef TESTS_TRANSPORT_SUPPORT_SSHD_H
#define TESTS_TRANSPORT_SUPPORT_SSHD_H

#include "base/str.h"
#include "transport/ssh_target.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct test_sshd {
	pid_t pid;
	uint16_t port;
	char dir[256];         /* its keys and config: host, host.pub, id, id.pub, authorized_keys, known_hosts */
	char known_hosts[300]; /* knows its key */
};

/* Whether sshd is installed; prints a reason otherwise. */
bool test_sshd_available(void);

/* Start one in a new folder NAME of the test's temporary folder, with EXTRA lines of config (or NULL). Fails the test.
 */
void test_sshd_start(struct test_sshd *sshd, const char *name, const char *extra);
void test_sshd_stop(struct test_sshd *sshd);

/* A TCP port of loopback that nobody listens on. */
uint16_t test_free_port(void);

/* Until somebody listens on PORT of loopback. */
void test_await_port(uint16_t port);

/* Nothing is left to log in with but an agent. */
void test_forget_identities(struct ssh_target *target);

/* TEXT as the only one of LIST. */
void test_set_only(struct str_list *list, const char *text);

/* Run a program from /usr/bin and wait; its exit status must be 0. ARGUMENTS end with NULL. */
void test_run_program(const char *const *arguments);

/* Start a program with its output thrown away. */
pid_t test_start_program(const char *const *arguments);

/* A TLS server with a certificate of its own on PORT of loopback; its files go into DIR. To be killed by the caller. */
pid_t test_tls_server_start(const char *dir, uint16_t port);

void test_write_file(const char *path, const char *text, unsigned mode);

/* The content of a file, in one of a few static buffers; "" when it is not there. */
const char *test_read_file(const char *path);

#endif

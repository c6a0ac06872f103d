/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines through sudo: what is passed on as it is, what needs a shell, and the sudoers lines that allow them. */
#include "tests/support/test.h"
#include "transport/sudo.h"

#include <stdlib.h>
#include <string.h>

static void check_command(const char *command, const char *want)
{
	struct error err = {0};
	char *line = sudo_command(command, &err);
	CHECK_OK(line != NULL, err);
	CHECK_STR(line, want);
	free(line);
}

static void check_rule(const char *program, const char *command, const char *want)
{
	struct error err = {0};
	char *rule = NULL;
	CHECK_OK(sudo_rule("deploy", program, command, &rule, &err), err);
	CHECK_STR(rule, want);
	free(rule);
}

static void check_program(const char *command, const char *want)
{
	struct error err = {0};
	char *program = sudo_program(command, &err);
	CHECK_OK(program != NULL, err);
	CHECK_STR(program, want);
	free(program);
}

TEST(plain_words_stay_as_they_are)
{
	check_command("nginx -t", "sudo -n -- nginx -t");
	check_command("/usr/sbin/haproxy -c -f /etc/haproxy/haproxy.cfg",
		      "sudo -n -- /usr/sbin/haproxy -c -f /etc/haproxy/haproxy.cfg");
	check_command("systemctl reload php8.2-fpm@a,b:c=d+e%f", "sudo -n -- systemctl reload php8.2-fpm@a,b:c=d+e%f");
	check_program("nginx -t", "nginx");
}

TEST(the_rest_goes_through_a_shell)
{
	check_command("nginx -t && true", "sudo -n -- sh -c 'nginx -t && true'");
	check_command("echo 'a b'", "sudo -n -- sh -c 'echo '\\''a b'\\'''");
	check_command("ls *", "sudo -n -- sh -c 'ls *'");
	check_command("cat ~/x", "sudo -n -- sh -c 'cat ~/x'");
	/* To sudo these would be a setting and an option of its own. */
	check_command("LC_ALL=C nginx -t", "sudo -n -- sh -c 'LC_ALL=C nginx -t'");
	check_command("-u nobody id", "sudo -n -- sh -c '-u nobody id'");
	check_command(" ", "sudo -n -- sh -c ' '");
	check_program("nginx -t && true", "sh");
}

TEST(a_command_that_is_too_long)
{
	struct error err = {0};
	char long_command[8192];
	memset(long_command, '\'', sizeof(long_command) - 1);
	long_command[sizeof(long_command) - 1] = '\0';
	CHECK(sudo_command(long_command, &err) == NULL);
	CHECK(error_is_set(&err));
}

TEST(rules_name_exactly_one_command)
{
	check_rule("/usr/sbin/nginx", "nginx -t", "deploy ALL=(root) NOPASSWD: /usr/sbin/nginx -t");
	check_rule("/usr/lib/openssh/sftp-server", "/usr/lib/openssh/sftp-server",
		   "deploy ALL=(root) NOPASSWD: /usr/lib/openssh/sftp-server \"\"");
	check_rule("/bin/x", "x a=b,c:d", "deploy ALL=(root) NOPASSWD: /bin/x a\\=b\\,c\\:d");
	check_rule("/usr/bin/sh", "nginx -t && ls [a-b]*",
		   "deploy ALL=(root) NOPASSWD: /usr/bin/sh -c nginx -t && ls \\[a-b\\]\\*");
	check_rule("/usr/bin/sh", "echo 'a'", "");
}

TEST(sudos_own_words_are_known)
{
	CHECK(sudo_refused("sudo: a password is required\n"));
	CHECK(sudo_refused("\nsudo: Ein Passwort ist notwendig\n"));
	CHECK(sudo_refused(
		"sudo: unable to resolve host web-1: Name or service not known\nsudo: a password is required\n"));
	CHECK(sudo_refused("Sorry, user deploy is not allowed to execute '/usr/sbin/nginx -t' as root on web-1.\n"));
	CHECK(!sudo_refused("sudo: unable to resolve host web-1: Name or service not known\nnginx: [emerg] no\n"));
	CHECK(!sudo_refused("nginx: [emerg] sudo: no\n"));
	CHECK(!sudo_refused(""));
}

TEST_MAIN()

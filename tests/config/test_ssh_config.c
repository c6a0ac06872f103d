/* SPDX-License-Identifier: Apache-2.0 */
/* ssh_config(5) as it is read here, and as ssh itself reads it: `ssh -G` on the same file has the last word. */
#include "config/ssh_config.h"

#include "base/error.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool no_include(void *ctx, const char *pattern, struct error *err)
{
	(void)ctx;
	(void)pattern;
	(void)err;
	return true;
}

static struct ssh_config_host read_text(const char *alias, const char *text)
{
	struct ssh_config_host host = {.alias = alias, .local_user = "somebody"};
	struct error err = {0};
	CHECK_OK(ssh_config_read(&host, text, strlen(text), "f", no_include, NULL, &err), err);
	return host;
}

static void check_refused(const char *text, const char *why)
{
	CLEANUP(ssh_config_host_done) struct ssh_config_host host = {.alias = "web-1", .local_user = "somebody"};
	struct error err = {0};
	CHECK(!ssh_config_read(&host, text, strlen(text), "f", no_include, NULL, &err));
	CHECK_CONTAINS(err.message, why);
}

TEST(the_first_value_wins_and_lists_grow)
{
	CLEANUP(ssh_config_host_done)
	struct ssh_config_host host = read_text("web-1", "IdentityFile ~/.ssh/all\n"
							 "Host web-*\n"
							 "  HostName = %h.example.com # inside\n"
							 "  user deploy\n"
							 "  PORT=2222\n"
							 "  IdentityFile \"/etc/my keys/web\"\n"
							 "Host web-1 db\r\n"
							 "  User root\r\n"
							 "  ProxyJump bastion,inner:22\n"
							 "Host other\n"
							 "  HostKeyAlias wrong\n"
							 "Host *\n"
							 "  Port 1\n"
							 "  ForwardAgent yes\n"
							 "  UserKnownHostsFile /a /b\n");
	CHECK(host.named);
	CHECK_STR(host.host_name, "%h.example.com");
	CHECK_STR(host.user, "deploy");
	CHECK_INT(host.port, 2222);
	CHECK_INT(host.identity_files.texts.len, 2);
	CHECK_STR(host.identity_files.texts.items[1], "/etc/my keys/web");
	CHECK_STR(host.proxy_jump.texts.items[0], "bastion,inner:22");
	CHECK(host.host_key_alias == NULL);
	CHECK_INT(host.known_hosts.texts.len, 2);
}

TEST(patterns_and_what_they_exclude)
{
	static const struct {
		const char *patterns;
		bool fits;
	} cases[] = {{"web-?", true},     {"web-??", false},        {"*", true},
		     {"!web-1 *", false}, {"* !web-1", false},      {"!web-2 web-*", true},
		     {"!web-2", false},   {"*-1 !*.example", true}, {"WEB-1", false},
		     {"w*b*1", true},     {"web-1.example", false}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[128];
		(void)snprintf(text, sizeof(text), "Host %s\nUser x\n", cases[i].patterns);
		CLEANUP(ssh_config_host_done) struct ssh_config_host host = read_text("web-1", text);
		CHECK((host.user != NULL) == cases[i].fits);
	}
}

TEST(match_by_names_and_users)
{
	static const struct {
		const char *criteria;
		bool fits;
	} cases[] = {{"all", true},
		     {"host 10.0.0.*", true},
		     {"host web-1", false},
		     {"originalhost web-1,web-2", true},
		     {"originalhost web-1 user root", false},
		     {"originalhost web-1 user somebody", true},
		     {"!originalhost web-2", true},
		     {"localuser nobody", false},
		     {"final all", false},
		     {"originalhost other exec \"rm -rf /\"", false}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), "HostName 10.0.0.1\nMatch %s\nPort 99\n", cases[i].criteria);
		CLEANUP(ssh_config_host_done) struct ssh_config_host host = read_text("web-1", text);
		CHECK((host.port == 99) == cases[i].fits);
	}
	check_refused("Match originalhost web-1 exec \"rm -rf /\"\n", "f:1: Match exec runs a program");
	check_refused("\nMatch tagged x\n", "f:2: a criterion of Match that is not understood");
	check_refused("Match host\n", "lacks its patterns");
}

TEST(the_first_of_jump_and_command_decides)
{
	CLEANUP(ssh_config_host_done)
	struct ssh_config_host jump = read_text("a", "ProxyJump b\nProxyCommand nc %h %p\n");
	CHECK(jump.refused == NULL);
	CHECK_STR(jump.proxy_jump.texts.items[0], "b");
	CLEANUP(ssh_config_host_done)
	struct ssh_config_host command = read_text("a", "ProxyCommand nc %h %p\nProxyJump b\n");
	CHECK_CONTAINS(command.refused, "f:1: it is reached by a ProxyCommand");
	CHECK(command.proxy_jump.texts.len == 0);
	CLEANUP(ssh_config_host_done)
	struct ssh_config_host none = read_text("a", "ProxyJump none\nHost *\nProxyCommand nc\n");
	CHECK(none.refused == NULL && none.proxy_jump.texts.len == 0 && !none.named);
}

TEST(malformed_lines_are_told)
{
	check_refused("Port 0\n", "f:1: a port is a number");
	check_refused("\n\nUser \"x\n", "f:3: a quote has no end");
	check_refused("User\n", "without its value");
	struct ssh_config_host host = {.alias = "a", .local_user = ""};
	struct error err = {0};
	CHECK(!ssh_config_read(&host, "User\0x", 6, "f", no_include, NULL, &err));
}

/* The value of KEY in `ssh -G`'s answer for ALIAS, in a static buffer; "" where it says none. */
static const char *ssh_says(const char *file, const char *alias, const char *key)
{
	static char value[256];
	char command[600], line[512];
	(void)snprintf(command, sizeof(command), "ssh -G -F %s %s 2>/dev/null", file, alias);
	FILE *pipe = popen(command, "r");
	value[0] = '\0';
	CHECK(pipe != NULL);
	while (fgets(line, sizeof(line), pipe) != NULL) {
		size_t len = strlen(key);
		if (strncmp(line, key, len) == 0 && line[len] == ' ' && value[0] == '\0')
			(void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(line + len + 1, "\n"),
				       line + len + 1);
	}
	CHECK(pclose(pipe) == 0);
	return value;
}

TEST(ssh_reads_the_same_file_in_the_same_way)
{
	static const char text[] = "Host !web-3 web-*\n\tHostname 10.0.0.1\n\tUser=deploy\n"
				   "Match originalhost web-2,web-4 user deploy\n  Port 2200\n"
				   "Match host 10.0.0.1\nHostKeyAlias \"shared key\"\n"
				   "Host web-4\nProxyJump me@bastion:2222\nUser root\n"
				   "Host *\nPort 2022\nProxyJump none\n";
	static const char *const aliases[] = {"web-1", "web-2", "web-3", "web-4", "db"};
	char path[300];

	if (access("/usr/bin/ssh", X_OK) != 0) {
		printf("skipped: ssh is not installed\n");
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/config", test_temp_dir());
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		CLEANUP(ssh_config_host_done) struct ssh_config_host host = read_text(aliases[i], text);
		char port[8];
		(void)snprintf(port, sizeof(port), "%u", (unsigned)host.port);
		CHECK_STR(host.host_name != NULL ? host.host_name : aliases[i], ssh_says(path, aliases[i], "hostname"));
		if (host.user != NULL)
			CHECK_STR(host.user, ssh_says(path, aliases[i], "user"));
		CHECK_STR(port, ssh_says(path, aliases[i], "port"));
		CHECK_STR(host.host_key_alias != NULL ? host.host_key_alias : "",
			  ssh_says(path, aliases[i], "hostkeyalias"));
		CHECK_STR(host.proxy_jump.texts.len > 0 ? host.proxy_jump.texts.items[0] : "",
			  ssh_says(path, aliases[i], "proxyjump"));
	}
}

TEST_MAIN()

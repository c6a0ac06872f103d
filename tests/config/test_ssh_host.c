/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that only the SSH config describes, from its files to the config's servers: many small files, each as ssh
 * itself reads it (`ssh -G` has the last word), and what is refused or told where ssh would go its own way.
 */
#include "config/config.h"

#include "base/buf.h"
#include "base/error.h"
#include "tests/support/test.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[300];

static void write_file(const char *name, const char *text)
{
	char path[600];
	(void)snprintf(path, sizeof(path), "%s/.ssh/%s", home, name);
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, 0600) == 0);
}

/* TEXT with each "&" as the folder of the SSH config. Valid until the next call. */
static const char *in_home(const char *text)
{
	static char out[4096];
	size_t len = 0;
	for (; *text != '\0'; text++)
		len += (size_t)snprintf(out + len, sizeof(out) - len, *text == '&' ? "%s/.ssh" : "%.1s",
					*text == '&' ? home : text);
	return out;
}

static void make_home(void)
{
	char path[600];
	(void)snprintf(home, sizeof(home), "%s/home", test_temp_dir());
	(void)snprintf(path, sizeof(path), "%s/.ssh", home);
	if (access(path, F_OK) == 0)
		return;
	CHECK(mkdir(home, 0700) == 0 && mkdir(path, 0700) == 0);
	CHECK(setenv("HOME", home, 1) == 0 && setenv("KEYS", path, 1) == 0 && unsetenv("SSH_AUTH_SOCK") == 0);
	write_file("a.conf", "User from-a\n");
	write_file("b.conf", "User from-b\nPort 77\nHost web-2\nHostKeyAlias included\n");
	write_file("key-1", "x");
	write_file("key-2", "x");
	write_file("key-web-1", "x");
}

/* What certferry makes of an SSH config TEXT for ALIAS; NULL where it is refused, with the reasons in REASONS. */
static struct config *read_host(const char *text, const char *alias, struct buf *reasons)
{
	struct config_report report CLEANUP(config_report_done) = {0};
	struct error err = {0};
	char yaml[300];
	make_home();
	write_file("config", in_home(text));
	(void)snprintf(yaml, sizeof(yaml), "domains: [{name: a.example, webroot: /w, servers: [%s]}]\n", alias);
	struct config *config = config_parse(yaml, strlen(yaml), "/etc/c.yaml", &report, &err);
	for (size_t i = 0; i < report.count; i++)
		buf_printf(reasons, "%s\n", report.issues[i].message);
	return config;
}

/* Values of KEY in what `ssh -G` says, with blanks between; false where ssh refuses the file. */
static bool ssh_says(const char *alias, const char *key, char ret[1024])
{
	char command[800], line[1024];
	size_t len = strlen(key), used = 0;
	ret[0] = '\0';
	(void)snprintf(command, sizeof(command), "ssh -G -F %s/.ssh/config %s 2>/dev/null", home, alias);
	FILE *pipe = popen(command, "r");
	CHECK(pipe != NULL);
	while (fgets(line, sizeof(line), pipe) != NULL)
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			used += (size_t)snprintf(ret + used, 1024 - used, "%s%.*s", used > 0 ? " " : "",
						 (int)strcspn(line + len + 1, "\n"), line + len + 1);
	return pclose(pipe) == 0;
}

static void check_same(const char *text, const char *alias, const char *key, const char *ours)
{
	char want[1024];
	CHECK(ssh_says(alias, key, want));
	if (strcmp(ours, want) != 0)
		test_fail(__FILE__, __LINE__, "%s of %s is \"%s\" to us and \"%s\" to ssh, by\n%s", key, alias, ours,
			  want, text);
}

static void join(const struct str_list *list, char ret[1024])
{
	size_t used = 0;
	ret[0] = '\0';
	for (size_t i = 0; i < list->len; i++)
		used += (size_t)snprintf(ret + used, 1024 - used, "%s%s", used > 0 ? " " : "", list->items[i]);
}

static void compare(const char *text, const char *alias)
{
	CLEANUP(buf_done) struct buf reasons = {0};
	char port[8], list[1024], unused[1024];
	buf_init(&reasons, 4096);
	struct config *config CLEANUP(config_freep) = read_host(text, alias, &reasons);
	if (!ssh_says(alias, "user", unused)) {
		if (config != NULL)
			test_fail(__FILE__, __LINE__, "ssh refuses for %s what we take:\n%s", alias, text);
		return;
	}
	if (config == NULL)
		test_fail(__FILE__, __LINE__, "refused for %s: %s\n%s", alias, buf_cstr(&reasons), text);
	const struct config_server *server = config_find_server(config, alias);
	CHECK(server != NULL);
	(void)snprintf(port, sizeof(port), "%u", (unsigned)server->port);
	check_same(text, alias, "hostname", server->host);
	check_same(text, alias, "user", server->user);
	check_same(text, alias, "port", port);
	check_same(text, alias, "hostkeyalias", server->host_key_alias != NULL ? server->host_key_alias : "");
	check_same(text, alias, "proxyjump", server->proxy_jump != NULL ? server->proxy_jump : "");
	if (strcasestr(text, "IdentityFile") != NULL) {
		join(&server->identity_files, list);
		check_same(text, alias, "identityfile", list);
		check_same(text, alias, "identitiesonly", server->offers_agent ? "no" : "yes");
	}
	if (strcasestr(text, "UserKnownHosts") != NULL) {
		join(&server->known_hosts, list);
		check_same(text, alias, "userknownhostsfile", list);
	}
	if (strcasestr(text, "GlobalKnownHosts") != NULL) {
		join(&server->global_known_hosts, list);
		check_same(text, alias, "globalknownhostsfile", list);
	}
}

static const char *const files[] = {
	/* The first value wins; blocks; what begins without one holds for all. */
	"User first\nUser second\nHost web-1\nUser third\nPort 5\nHost *\nPort 6\n",
	"Host web-1\nPort 5\nHost web-*\nPort 6\nHostName 10.0.0.1\nHost *\nHostName 10.0.0.2\nUser all\n",
	"Host web-? !web-1\nPort 5\nHost !web-1 *\nPort 6\nHost * !db\nPort 7\n",
	"Host web-1,web-2\nPort 5\nHost *\nPort 6\n",
	"Host w*b-[12]\nPort 5\nHost *-1\nPort 6\nHost w?b*\nPort 7\n",
	"host WEB-1\nport 5\nHOST web-1\nPORT 6\n",
	"Host\tweb-1  web-2\t# both\n\t Port = 5\nHost=db\nPort=6\n",
	"Host \"web-1\" 'web-2'\nUser \"a b\"\nHost *\nUser 'c'\n",
	"Host web-1\r\nPort 5\r\n\r\nHost *\r\n  User x\r\n",
	"# Port 5\n  # Host web-1\nUser x # not more\nHost web-1 #web-2\nPort 9\n",
	/* Match. */
	"Match all\nPort 5\nMatch originalhost web-1\nUser x\nMatch !originalhost web-1\nUser y\n",
	"Match originalhost WEB-1,db\nPort 5\nMatch originalhost *,!web-2\nPort 6\n",
	"HostName %h.Example.COM\nMatch host web-1.example.com\nPort 5\nMatch host *.EXAMPLE.com\nPort 6\n",
	"Match host web-1\nHostName 10.0.0.1\nMatch host 10.0.0.*\nPort 5\nMatch !host 10.*\nPort 6\n",
	"User deploy\nMatch user deploy,root host web-*\nPort 5\nMatch user !deploy,*\nPort 6\n",
	"Match user DEPLOY\nPort 5\nMatch localuser nobody\nPort 6\nMatch localuser *\nPort 7\n",
	"Match !all\nPort 5\nMatch all\nPort 6\n",
	"Match host web-1 all\nPort 5\n",
	"Match all host web-1\nPort 5\n",
	"Match canonical\nPort 5\nMatch !canonical host web-1\nPort 6\n",
	"HostName %h.example.com\nMatch final host web-1.example.com\nPort 5\nHost web-1.example.com\nUser late\n",
	"Match final all\nPort 5\nUser late\nHost web-1\nUser early\n",
	"Match originalhost db final\nHost *\nPort 5\nHost db.example\nPort 6\n",
	"HostName 10.0.0.1\nMatch !final\nPort 5\nMatch final host 10.0.0.1\nUser late\nPort 6\nHostKeyAlias seen\n",
	"Match final\nHostName late\nPort 5\n",
	"Match originalhost nobody exec \"true\"\nPort 6\nHost *\nPort 7\n",
	"Match originalhost=web-1\nPort 5\n",
	/* Include. */
	"Include &/a.conf\nInclude &/b.conf\nUser mine\n",
	"Host web-1\nInclude &/b.conf\nPort 5\nHost *\nUser all\nPort 6\n",
	"Host db\nInclude &/?.conf\nHost *\nPort 6\n",
	"Include &/nothing-*.conf &/b.conf\nHost web-2\nUser x\n",
	"Match host web-2\nInclude &/b.conf\nMatch all\nPort 8\n",
	/* Ways and names. */
	"Host web-1\nProxyJump none\nHost web-*\nProxyJump me@gate:2222,[2001:db8::1]:23\nHost d?\nProxyJump last\n",
	"HostKeyAlias \"the-key\"\nHost web-1\nHostName %h.%h\n",
	"Host web-*\nHostKeyAlias webs\nHostName WEB.example.COM\nHost *\nHostKeyAlias all\n",
	/* Lists. */
	"IdentityFile &/key-1\nHost web-1\nIdentityFile &/key-2\nIdentityFile &/key-1\nIdentitiesOnly yes\n",
	"Host *\nIdentitiesOnly no\nIdentityFile &/key-2\nIdentitiesOnly yes\nIdentityFile &/key-1\n",
	"Host web-1\nUserKnownHostsFile /kh/1 /kh/2\nHost *\nUserKnownHostsFile /kh/3\n",
	"GlobalKnownHostsFile /g/1 /g/2\nHost *\nGlobalKnownHostsFile /g/3\n",
	/* Broken. */
	"Port none\n",
	"Port 70000\n",
	"User\n",
	"User \"x\n",
	"Match\n",
	"Match host\n",
	"HostName %n.example\n",
};

TEST(ssh_reads_the_same_files_in_the_same_way)
{
	static const char *const aliases[] = {"web-1", "web-2", "db"};
	if (access("/usr/bin/ssh", X_OK) != 0) {
		printf("skipped: ssh is not installed\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		for (size_t j = 0; j < ARRAY_LEN(aliases); j++)
			compare(files[i], aliases[j]);
}

/* The one server of an SSH config TEXT for "web-1". */
static const struct config_server *one(const char *text, struct config **ret)
{
	CLEANUP(buf_done) struct buf reasons = {0};
	buf_init(&reasons, 4096);
	*ret = read_host(text, "web-1", &reasons);
	if (*ret == NULL)
		test_fail(__FILE__, __LINE__, "refused: %s\n%s", buf_cstr(&reasons), text);
	const struct config_server *server = config_find_server(*ret, "web-1");
	CHECK(server != NULL);
	return server;
}

static void check_refused(const char *text, const char *why)
{
	CLEANUP(buf_done) struct buf reasons = {0};
	buf_init(&reasons, 4096);
	struct config *config CLEANUP(config_freep) = read_host(text, "web-1", &reasons);
	if (config != NULL)
		test_fail(__FILE__, __LINE__, "not refused: %s", text);
	CHECK_CONTAINS(buf_cstr(&reasons), why);
	CHECK_CONTAINS(buf_cstr(&reasons), ".ssh/config:");
}

TEST(what_stands_for_something_else_in_a_path)
{
	struct config *config CLEANUP(config_freep) = NULL;
	const struct passwd *root = getpwnam("root");
	char want[600];
	CHECK(root != NULL);
	const struct config_server *server =
		one("Host web-1\nHostName %h.example\nUser me\nPort 2222\nHostKeyAlias k\nProxyJump %r@gate-%n\n"
		    "UserKnownHostsFile ~/kh ~root/kh /%d/%h/%n/%p/%r/%k/100%%/%j ${KEYS}/kh /%u-%i-%L\n"
		    "IdentityFile ~/.ssh/key-%n\nIdentityFile ${KEYS}/key-1\nIdentityFile /nowhere/%n\n",
		    &config);
	(void)snprintf(want, sizeof(want), "%s/kh", home);
	CHECK_INT(server->known_hosts.len, 5);
	CHECK_STR(server->known_hosts.items[0], want);
	(void)snprintf(want, sizeof(want), "%s/kh", root->pw_dir);
	CHECK_STR(server->known_hosts.items[1], want);
	(void)snprintf(want, sizeof(want), "/%s/web-1.example/web-1/2222/me/k/100%%/me@gate-web-1", home);
	CHECK_STR(server->known_hosts.items[2], want);
	(void)snprintf(want, sizeof(want), "%s/.ssh/kh", home);
	CHECK_STR(server->known_hosts.items[3], want);
	CHECK(strchr(server->known_hosts.items[4], '%') == NULL);
	CHECK_STR(server->proxy_jump, "me@gate-web-1");
	/* Those that are there, in their order. */
	CHECK_INT(server->identity_files.len, 2);
	CHECK(str_ends(server->identity_files.items[0], "/.ssh/key-web-1"));
	CHECK(str_ends(server->identity_files.items[1], "/.ssh/key-1"));
}

TEST(what_stands_for_nothing_is_told_with_its_place)
{
	check_refused("Port 5\nIdentityFile ~/key-%z\n", "config:2: a token that is not understood here: %z");
	check_refused("IdentityFile ~/key-%C\n", "config:1: a token that is not understood here: %C");
	check_refused("CertificateFile /x%\n", "config:1: a token that is not understood here: %");
	check_refused("UserKnownHostsFile /x/%T\n", "config:1: a token that is not understood here: %T");
	check_refused("IdentityFile ${NOT_SET_ANYWHERE}/x\n", "config:1: a variable that is not set: NOT_SET_ANYWHERE");
	check_refused("IdentityFile ${HOME/x\n", "config:1: no variable's name, with braces around it");
	check_refused("IdentityAgent ~nobody-of-that-name/x\n", "config:1: there is no such user: nobody-of-that-name");
	check_refused("ProxyJump gate-%d\n", "config:1: a token that is not understood in a ProxyJump: %d");
	check_refused("HostName %n.example\n", "config:1: the tokens of HostName");
	check_refused("Include %d/x\n", "config:1: tokens and variables in an Include");
}

TEST(what_would_make_less_safe_is_refused)
{
	check_refused("KnownHostsCommand /bin/echo\n", "config:1: KnownHostsCommand names a program");
	check_refused("Host web-*\n\nRevokedHostKeys /etc/ssh/revoked\n", "config:3: RevokedHostKeys is not read here");
	check_refused("PubkeyAuthentication no\n", "config:1: PubkeyAuthentication is off");
	check_refused("PreferredAuthentications password,keyboard-interactive\n", "leaves out publickey");
	check_refused("RequiredRSASize 4096\n", "config:1: RequiredRSASize asks for more");
	check_refused("CanonicalDomains example.com\nCanonicalizeHostname yes\n", "config:2: CanonicalizeHostname");
	check_refused("ProxyCommand nc %h %p\n", "config:1: it is reached by a ProxyCommand");
	check_refused("Match exec true\n", "config:1: Match exec runs a program");
}

static const char *const harmless[] = {
	"KnownHostsCommand none\nRevokedHostKeys none\nPubkeyAuthentication yes\nRequiredRSASize 2048\n"
	"PreferredAuthentications gssapi-with-mic,publickey\nStrictHostKeyChecking yes\nPKCS11Provider none\n",
	/* The first value is the one that counts. */
	"StrictHostKeyChecking ask\nRevokedHostKeys none\nHost *\nStrictHostKeyChecking no\nRevokedHostKeys /x\n",
	"Host other\nKnownHostsCommand /bin/echo\nStrictHostKeyChecking no\nBindAddress 10.0.0.1\n",
	/* No other names are looked for. */
	"CanonicalizeHostname yes\n",
	"CanonicalDomains x.example\nCanonicalizeHostname yes\nHostName a.b.example\n",
	"CanonicalDomains x.example\nCanonicalizeHostname yes\nHostName 10.0.0.1\n",
	"CanonicalDomains x.example\nCanonicalizeHostname yes\nCanonicalizeMaxDots 0\nHostName a.example\n",
	"CanonicalDomains x.example\nHost web-1\nProxyJump gate\nCanonicalizeHostname yes\n",
	"ControlMaster auto\nServerAliveInterval 5\nConnectTimeout 1\nRemoteCommand x\nRequestTTY yes\nSetEnv A=b\n"
	"HashKnownHosts yes\nUpdateHostKeys yes\nVerifyHostKeyDNS yes\nAddressFamily inet\nCiphers aes128-ctr\n",
};

TEST(what_does_no_harm_is_passed_over)
{
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
		CLEANUP(buf_done) struct buf reasons = {0};
		buf_init(&reasons, 4096);
		struct config *config CLEANUP(config_freep) = read_host(harmless[i], "web-1", &reasons);
		const char *told = strstr(buf_cstr(&reasons), ".ssh/config");
		if (config == NULL || told != NULL)
			test_fail(__FILE__, __LINE__, "%s\n%s", buf_cstr(&reasons), harmless[i]);
	}
}

/* Once, for both servers. */
TEST(what_is_not_followed_is_told_once)
{
	static const char text[] = "StrictHostKeyChecking accept-new\nBindAddress 10.0.0.1\nBindInterface eth0\n"
				   "NoHostAuthenticationForLocalhost yes\nPKCS11Provider /usr/lib/x.so\n";
	static const char *const wants[] = {
		"config:1: StrictHostKeyChecking is not followed: host keys are always checked here",
		"config:2: BindAddress is not followed", "config:3: BindInterface is not followed",
		"config:4: NoHostAuthentication", "config:5: PKCS11Provider is not loaded here"};
	CLEANUP(buf_done) struct buf reasons = {0};
	buf_init(&reasons, 4096);
	struct config *config CLEANUP(config_freep) = read_host(text, "web-1, web-2", &reasons);
	CHECK(config != NULL);
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		const char *first = strstr(buf_cstr(&reasons), wants[i]);
		if (first == NULL || strstr(first + 1, wants[i]) != NULL)
			test_fail(__FILE__, __LINE__, "not once: %s\n%s", wants[i], buf_cstr(&reasons));
	}
}

TEST(the_agent_and_which_of_its_keys)
{
	static const struct {
		const char *text, *agent;
		bool offers;
	} cases[] = {
		{"User x\n", "/run/mine", true},
		{"IdentitiesOnly yes\n", "/run/mine", false},
		{"IdentityAgent none\n", NULL, true},
		{"IdentityAgent $NOT_SET_ANYWHERE\n", NULL, true},
		{"IdentityAgent SSH_AUTH_SOCK\n", "/run/mine", true},
		{"IdentityAgent $ANOTHER\n", "/run/another", true},
		{"IdentityAgent ${ANOTHER}-%n\nIdentityAgent /x\n", "/run/another-web-1", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config *config CLEANUP(config_freep) = NULL;
		make_home();
		CHECK(setenv("SSH_AUTH_SOCK", "/run/mine", 1) == 0 && setenv("ANOTHER", "/run/another", 1) == 0);
		const struct config_server *server = one(cases[i].text, &config);
		CHECK_STR(server->agent != NULL ? server->agent : "none",
			  cases[i].agent != NULL ? cases[i].agent : "none");
		CHECK(server->offers_agent == cases[i].offers);
	}
	CHECK(unsetenv("SSH_AUTH_SOCK") == 0);
}

TEST(no_known_hosts_and_no_identity_where_it_says_none)
{
	struct config *config CLEANUP(config_freep) = NULL;
	make_home();
	write_file("id_ed25519", "x");
	const struct config_server *server =
		one("IdentityFile none\nUserKnownHostsFile none\nGlobalKnownHostsFile none\n", &config);
	CHECK_INT(server->identity_files.len, 0);
	CHECK_INT(server->known_hosts.len, 1);
	CHECK_STR(server->known_hosts.items[0], "/dev/null");
	CHECK_INT(server->global_known_hosts.len, 0);

	struct config *other CLEANUP(config_freep) = NULL;
	server = one("User x\n", &other);
	CHECK_INT(server->identity_files.len, 1);
	CHECK_INT(server->known_hosts.len, 2);
	CHECK_INT(server->global_known_hosts.len, 2);
	CHECK_STR(server->global_known_hosts.items[0], "/etc/ssh/ssh_known_hosts");
}

TEST_MAIN()

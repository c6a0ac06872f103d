/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/limits.h"
#include "config/config.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config *load_text(const char *text)
{
	struct config_report report CLEANUP(config_report_done) = {0};
	struct error err = {0};
	CHECK(setenv("HOME", "/home/somebody", 1) == 0 && setenv("CLOUDFLARE_API_TOKEN", "cf-token", 1) == 0);
	struct config *config = config_parse(text, strlen(text), "/etc/certferry/certferry.yaml", &report, &err);
	CHECK_OK(config != NULL, err);
	return config;
}

static const char *write_config(const char *text, mode_t mode)
{
	static char path[512];
	(void)snprintf(path, sizeof(path), "%s/certferry.yaml", test_temp_dir());
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, mode) == 0);
	return path;
}

static void check_load_fails(const char *path, const char *message, const char *hint)
{
	struct config_report report CLEANUP(config_report_done) = {0};
	struct error err = {0};
	struct config *config = config_load(path, &report, &err);
	config_free(config);
	CHECK(config == NULL);
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_CONTAINS(err.message, message);
	CHECK_CONTAINS(err.hint, hint);
}

static void check_loads(const char *path)
{
	struct config_report report CLEANUP(config_report_done) = {0};
	struct error err = {0};
	struct config *config CLEANUP(config_freep) = config_load(path, &report, &err);
	CHECK_OK(config != NULL, err);
}

TEST(defaults)
{
	struct config *config CLEANUP(config_freep) =
		load_text("domains: [{name: Example.COM., webroot: html}]\nservers: {web.example.com: {}}\n");
	const struct config_domain *domain = config_find_domain(config, "example.com");
	const struct config_server *server = config_find_server(config, "web.example.com");
	CHECK(domain != NULL && server != NULL);
	CHECK_INT(config->ca_count, 1);
	CHECK_STR(config->cas[0].name, "letsencrypt");
	CHECK_STR(config->cas[0].url, "https://acme-v02.api.letsencrypt.org/directory");
	CHECK_INT(config->renewal.days_before_expiry, 30);
	CHECK_INT(config->monitoring.port, 3001);
	CHECK(config->notifications.on_failure && config->notifications.on_recovered);
	CHECK_STR(domain->identifiers[0].value, "example.com");
	CHECK_STR(domain->webroot, "/etc/certferry/html");
	CHECK_INT(domain->challenge, CHALLENGE_HTTP_01);
	CHECK_INT(domain->key_type, KEY_TYPE_ECDSA_P256);
	CHECK_INT(domain->rollout.parallel, 10);
	CHECK_INT(domain->servers.len, 0);
	CHECK_STR(server->host, "web.example.com");
	CHECK_INT(server->port, 22);
	CHECK_INT(server->timeout, 60);
	CHECK_INT(server->command_timeout, 120);
	CHECK_INT(server->key_mode, 0600);
	CHECK_STR(server->dir, "/etc/letsencrypt/live");
	CHECK_INT(server->known_hosts.len, 2);
	CHECK_STR(server->known_hosts.items[0], "/home/somebody/.ssh/known_hosts");
	CHECK(server->user != NULL && server->identity_files.len == 0 && server->agent == NULL);
	CHECK(server->test_command == NULL && server->reload_command == NULL && !server->verify.enabled);
	CHECK_STR(server->verify.address, "web.example.com");
	CHECK_INT(server->verify.port, 443);
	CHECK_STR(server->verify.starttls, "none");
}

TEST(a_server_as_written)
{
	struct config *config CLEANUP(config_freep) = load_text(
		"servers:\n  web-1:\n    host: 192.0.2.10\n    port: 2222\n    user: deploy\n"
		"    identity_file: ~/id\n    known_hosts: ssh/known_hosts\n    agent: /run/agent\n    timeout: 5\n"
		"    command_timeout: 7\n"
		"    webserver: nginx\n    dir: /srv/tls\n    owner: root\n    group: ssl-cert\n    key_mode: 0640\n"
		"    files: {privkey: /etc/k.pem, cert: /etc/c.pem}\n    reload_command: \"\"\n"
		"    verify: {address: 127.0.0.1, port: \"8443\", server_name: example.com}\n");
	const struct config_server *server = config_find_server(config, "web-1");
	CHECK(server != NULL);
	CHECK_STR(server->host, "192.0.2.10");
	CHECK_INT(server->port, 2222);
	CHECK_STR(server->identity_files.items[0], "/home/somebody/id");
	CHECK_STR(server->known_hosts.items[0], "/etc/certferry/ssh/known_hosts");
	CHECK_STR(server->agent, "/run/agent");
	CHECK_INT(server->timeout, 5);
	CHECK_INT(server->command_timeout, 7);
	CHECK_STR(server->test_command, "nginx -t");
	CHECK(server->reload_command == NULL);
	CHECK_INT(server->key_mode, 0640);
	CHECK_INT(server->copy_count, 2);
	CHECK_STR(server->copies[0].file, "cert");
	CHECK_STR(server->copies[1].path, "/etc/k.pem");
	CHECK(server->verify.enabled);
	CHECK_STR(server->verify.address, "127.0.0.1");
	CHECK_INT(server->verify.port, 8443);
	CHECK_STR(server->verify.server_name, "example.com");
	CHECK_INT(server->position.line, 3);
}

TEST(web_server_presets_and_verify)
{
	struct config *config CLEANUP(config_freep) =
		load_text("servers:\n  n: {webserver: nginx}\n  off: {webserver: apache, verify: false}\n"
			  "  h: {webserver: haproxy, test_command: /usr/local/bin/check}\n  p: {webserver: postfix}\n"
			  "  c: {verify: true}\n  m: {webserver: postfix, verify: {port: 25, starttls: smtp}}\n");
	CHECK(config_find_server(config, "n")->verify.enabled);
	CHECK_STR(config_find_server(config, "n")->reload_command, "systemctl reload nginx");
	CHECK(!config_find_server(config, "off")->verify.enabled);
	CHECK_STR(config_find_server(config, "off")->test_command, "apachectl configtest");
	CHECK_STR(config_find_server(config, "h")->test_command, "/usr/local/bin/check");
	CHECK(config_find_server(config, "h")->combined && !config_find_server(config, "n")->combined);
	CHECK_STR(config_find_server(config, "p")->reload_command, "postfix reload");
	CHECK(config_find_server(config, "c")->verify.enabled);
	CHECK(config_find_server(config, "m")->verify.enabled);
	CHECK_INT(config_find_server(config, "m")->verify.port, 25);
	CHECK_STR(config_find_server(config, "m")->verify.starttls, "smtp");
}

TEST(a_handshake_goes_the_way_of_ssh_unless_it_has_an_address_of_its_own)
{
	static const struct {
		const char *server;
		bool through_jump;
	} cases[] = {
		{"{webserver: nginx}", false},
		{"{webserver: nginx, proxy_jump: hop}", true},
		{"{verify: {port: 8443}, proxy_jump: hop}", true},
		{"{verify: {address: 192.0.2.9}, proxy_jump: hop}", false},
		{"{verify: {address: 192.0.2.9, via: jump}, proxy_jump: hop}", true},
		{"{verify: {via: direct}, proxy_jump: hop}", false},
		{"{verify: {via: direct}}", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), "servers:\n  hop: {}\n  s: %s\n", cases[i].server);
		struct config *config CLEANUP(config_freep) = load_text(text);
		CHECK(config_find_server(config, "s")->verify.through_jump == cases[i].through_jump);
	}
}

TEST(what_is_verified_where_the_file_does_not_say)
{
	static const struct {
		const char *server, *starttls;
		int port;
	} cases[] = {
		{"{webserver: nginx}", "none", 443},
		{"{webserver: postfix}", "smtp", 25},
		{"{verify: {starttls: imap}}", "imap", 143},
		{"{webserver: dovecot, verify: {starttls: imap}}", "imap", 143},
		{"{webserver: postfix, verify: {starttls: smtp}}", "smtp", 25},
		{"{webserver: nginx, verify: {starttls: none}}", "none", 443},
		{"{webserver: postfix, verify: {port: 465}}", "none", 465},
		{"{webserver: postfix, verify: {port: 2525}}", "smtp", 2525},
		{"{webserver: postfix, verify: {port: 2465, starttls: none}}", "none", 2465},
		{"{webserver: dovecot}", "none", 993},
		{"{webserver: dovecot, verify: {port: 143}}", "imap", 143},
		{"{webserver: dovecot, verify: {port: 10993}}", "none", 10993},
		{"{webserver: postgresql, verify: {port: 5433}}", "postgres", 5433},
		{"{verify: {port: 110}}", "pop3", 110},
		{"{verify: {port: 389}}", "ldap", 389},
		{"{verify: {port: 636}}", "none", 636},
		{"{verify: {port: 5222}}", "xmpp", 5222},
		{"{verify: {port: 5269}}", "none", 5269},
		{"{verify: true}", "none", 443},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text AUTO_FREE = NULL;
		CHECK(asprintf(&text, "servers:\n  s: %s\n", cases[i].server) > 0);
		struct config *config CLEANUP(config_freep) = load_text(text);
		const struct config_verify *verify = &config_find_server(config, "s")->verify;
		CHECK(verify->enabled);
		CHECK_INT(verify->port, cases[i].port);
		CHECK_STR(verify->starttls, cases[i].starttls);
	}
}

TEST(postgresql_owns_its_files)
{
	struct config *config CLEANUP(config_freep) =
		load_text("servers:\n  p: {webserver: postgresql}\n  o: {webserver: postgresql, owner: root}\n");
	CHECK_STR(config_find_server(config, "p")->owner, "postgres");
	CHECK_STR(config_find_server(config, "o")->owner, "root");
}

TEST(servers_that_are_one_place)
{
	struct config *config CLEANUP(config_freep) = load_text(
		"servers:\n  z: {host: box, webserver: nginx}\n  a: {host: box, webserver: postfix}\n"
		"  other: {host: box, dir: /srv/tls}\n  port: {host: box, port: 2222}\n  box: {webserver: dovecot}\n");
	CHECK_STR(config_find_server(config, "z")->place, "z");
	CHECK_STR(config_find_server(config, "a")->place, "z");
	CHECK_STR(config_find_server(config, "box")->place, "z");
	CHECK_STR(config_find_server(config, "other")->place, "other");
	CHECK_STR(config_find_server(config, "port")->place, "port");
}

TEST(a_domain_is_found_among_many)
{
	enum { MANY = 500 };
	struct buf text CLEANUP(buf_done);
	char name[32];
	buf_init(&text, LIMIT_CONFIG_FILE);
	buf_str(&text, "domains:\n");
	/* In no order. */
	for (int i = 0; i < MANY; i++)
		buf_printf(&text, "  - {name: d%d.example, webroot: /w%d}\n", i * 7 % MANY, i * 7 % MANY);
	struct config *config CLEANUP(config_freep) = load_text(buf_cstr(&text));
	for (int i = 0; i < MANY; i++) {
		char webroot[32];
		(void)snprintf(name, sizeof(name), "d%d.example", i);
		(void)snprintf(webroot, sizeof(webroot), "/w%d", i);
		const struct config_domain *domain = config_find_domain(config, name);
		CHECK(domain != NULL);
		CHECK_STR(domain->webroot, webroot);
	}
	CHECK(config_find_domain(config, "d500.example") == NULL);
	CHECK(config_find_domain(config, "") == NULL);
}

TEST(names_of_a_certificate)
{
	struct config *config CLEANUP(config_freep) = load_text(
		"domains:\n  - {name: \"*.example.com\", aliases: [example.com, WWW.example.net], dns_provider: cf}\n"
		"  - {name: \"*.example.org\", include_base: false, dns_provider: cf, cert_name: star}\n"
		"  - {name: 192.0.2.1, aliases: \"2001:DB8::0:1\", webroot: /w}\n"
		"dns_providers: {cf: {type: cloudflare, api_token: \"${CLOUDFLARE_API_TOKEN}\"}}\n");
	const struct config_domain *domain = config_find_domain(config, "example.com");
	CHECK(domain != NULL);
	CHECK_INT(domain->identifier_count, 3);
	CHECK_STR(domain->identifiers[0].value, "*.example.com");
	CHECK_STR(domain->identifiers[1].value, "example.com");
	CHECK_STR(domain->identifiers[2].value, "www.example.net");
	CHECK_INT(domain->challenge, CHALLENGE_DNS_01);
	CHECK_STR(domain->dns_provider, "cf");
	CHECK_INT(config_find_domain(config, "star")->identifier_count, 1);
	domain = config_find_domain(config, "192.0.2.1");
	CHECK(domain != NULL);
	CHECK_INT(domain->identifiers[1].type, IDENTIFIER_IP);
	CHECK_STR(domain->identifiers[1].value, "2001:db8::1");

	const struct config_dns_provider *provider = config_find_dns_provider(config, "cf");
	CHECK(provider != NULL);
	CHECK_STR(provider->type, "cloudflare");
	CHECK_INT(provider->setting_count, 1);
	CHECK_STR(provider->settings[0].key, "api_token");
	CHECK_STR(provider->settings[0].value.data, "cf-token");
}

TEST(groups_are_expanded_in_order)
{
	struct config *config CLEANUP(config_freep) =
		load_text("domains: [{name: example.com, webroot: /w, servers: [b, all, elsewhere]}]\n"
			  "servers: {a: {host: 192.0.2.1}, b: {host: 192.0.2.2}, c: {host: 192.0.2.3}}\n"
			  "groups: {first: a, all: [a, b, c]}\n");
	const struct str_list *servers = &config->domains[0].servers;
	CHECK_INT(config->group_count, 2);
	CHECK_STR(config->groups[0].name, "all");
	CHECK_INT(config->groups[0].servers.len, 3);
	CHECK_STR(config->groups[1].name, "first");
	CHECK_STR(config->groups[1].servers.items[0], "a");
	CHECK_STR(config_webserver_name(config->servers[0].webserver), "custom");
	CHECK_INT(servers->len, 4);
	CHECK_STR(servers->items[0], "b");
	CHECK_STR(servers->items[1], "a");
	CHECK_STR(servers->items[2], "c");
	CHECK_STR(servers->items[3], "elsewhere");
	CHECK_STR(config_find_server(config, "elsewhere")->host, "elsewhere");
}

TEST(key_types_hooks_and_profiles)
{
	struct config *config CLEANUP(config_freep) =
		load_text("key_type: rsa-3072\nprovider: {url: \"https://ca.example.com:8443/dir\", profile: short}\n"
			  "domains:\n  - name: a.example.com\n    webroot: /w\n    reuse_key: yes\n"
			  "    hooks: {pre: \"a; b\", deploy: [/bin/x, \"y z\"]}\n    rollout: {parallel: 3}\n"
			  "  - {name: b.example.com, key_type: ecdsa-p384, profile: long, challenge: {type: http-01, "
			  "webroot: /v}}\n");
	const struct config_domain *a = &config->domains[0], *b = &config->domains[1];
	CHECK_STR(config->cas[0].url, "https://ca.example.com:8443/dir");
	CHECK_STR(config->cas[0].profile, "short");
	CHECK_INT(a->key_type, KEY_TYPE_RSA_3072);
	CHECK(a->reuse_key && a->profile == NULL);
	CHECK_INT(a->rollout.parallel, 3);
	CHECK(a->hooks.pre.is_shell && !a->hooks.deploy.is_shell);
	CHECK_STR(a->hooks.pre.words.items[0], "a; b");
	CHECK_STR(a->hooks.deploy.words.items[1], "y z");
	CHECK_INT(a->hooks.post.words.len, 0);
	CHECK_INT(b->key_type, KEY_TYPE_ECDSA_P384);
	CHECK_STR(b->profile, "long");
	CHECK_STR(b->webroot, "/v");
}

TEST(notifications_and_monitoring)
{
	struct config *config CLEANUP(config_freep) = load_text(
		"notifications:\n  slack: {webhook: \"https://hooks.example/x\", channel: \"#ops\"}\n  on: [failure]\n"
		"  command: [/usr/local/bin/notify]\nmonitoring: {enabled: on, port: 80, token: t}\n");
	CHECK(config->notifications.slack_set && !config->notifications.email_set);
	CHECK_STR(config->notifications.slack_webhook.data, "https://hooks.example/x");
	CHECK_STR(config->notifications.slack_channel, "#ops");
	CHECK(config->notifications.on_failure && !config->notifications.on_expiring);
	CHECK_STR(config->notifications.command.words.items[0], "/usr/local/bin/notify");
	CHECK(config->monitoring.enabled);
	CHECK_INT(config->monitoring.port, 80);
	CHECK_STR(config->monitoring.token.data, "t");
}

TEST(literal_dollars_reach_the_command)
{
	struct config *config CLEANUP(config_freep) = load_text("servers: {a: {reload_command: \"echo $${X} $Y\"}}\n");
	CHECK_STR(config_find_server(config, "a")->reload_command, "echo ${X} $Y");
}

TEST(the_first_error_counts_the_others)
{
	static const char text[] = "emial: x\nkey_type: rsa\nprovider: 1\n";
	struct config_report report CLEANUP(config_report_done) = {0};
	struct error err = {0};
	CHECK(config_parse(text, strlen(text), "f.yaml", &report, &err) == NULL);
	CHECK_INT(report.count, 3);
	CHECK_STR(err.message, "f.yaml:1:1: emial: unknown key \"emial\"; did you mean \"email\"? (and 2 more errors)");
}

TEST(findings_are_capped_and_still_counted)
{
	struct config_report report CLEANUP(config_report_done) = {0};
	struct error err = {0};
	struct buf text CLEANUP(buf_done) = {0};
	buf_init(&text, LIMIT_CONFIG_FILE);
	for (int i = 0; i < LIMIT_CONFIG_ISSUES + 5; i++)
		buf_printf(&text, "unknown%d: x\n", i);
	CHECK(config_parse(buf_cstr(&text), text.len, "f.yaml", &report, &err) == NULL);
	CHECK_INT(report.count, LIMIT_CONFIG_ISSUES);
	CHECK_CONTAINS(err.message, "(and 1004 more errors)");
}

TEST(control_characters_never_reach_the_terminal)
{
	static const char text[] = "\"\\e[2J\": x\nprovider: \"\\e]0;x\\a\"\n";
	struct config_report report CLEANUP(config_report_done) = {0};
	struct error err = {0};
	CHECK(config_parse(text, strlen(text), "f.yaml", &report, &err) == NULL);
	for (size_t i = 0; i < report.count; i++)
		CHECK(strchr(report.issues[i].message, '\x1b') == NULL &&
		      strchr(report.issues[i].path, '\x1b') == NULL);
}

TEST(a_missing_file_says_how_to_start)
{
	check_load_fails("/nowhere/certferry.yaml", "cannot open the config /nowhere/certferry.yaml: No such file",
			 "webroot: /var/www/html");
}

TEST(a_folder_is_no_config)
{
	check_load_fails(test_temp_dir(), "is not a regular file", "");
}

TEST(a_config_that_others_can_write_is_refused)
{
	check_load_fails(write_config("email: a@example.com\n", 0620), "others may write", "chmod go-w");
	check_load_fails(write_config("email: a@example.com\n", 0602), "others may write", "chmod go-w");
	check_loads(write_config("email: a@example.com\n", 0644));
}

TEST(a_config_of_another_user_is_refused)
{
	if (geteuid() != 0)
		return;
	const char *path = write_config("email: a@example.com\n", 0644);
	CHECK(chown(path, 12345, 0) == 0);
	check_load_fails(path, "belongs to another user (uid 12345)", "chown");
	CHECK(chown(path, 0, 0) == 0);
}

TEST(literal_secrets_want_a_private_file)
{
	static const char literal[] = "dns_providers: {cloudflare: {api_token: abc}}\n";
	check_load_fails(write_config(literal, 0644), "this secret is written into a file that others may read", "");
	check_load_fails(write_config(literal, 0640), "1:41: dns_providers.cloudflare.api_token", "");
	check_load_fails(write_config("monitoring: {token: \"x${CLOUDFLARE_API_TOKEN}\"}\n", 0644), "chmod 600", "");
	check_loads(write_config(literal, 0600));
	CHECK(setenv("CLOUDFLARE_API_TOKEN", "cf-token", 1) == 0);
	check_loads(write_config("dns_providers:\n  cloudflare: {api_token: \"${CLOUDFLARE_API_TOKEN}\"}\n"
				 "  corp: {type: rfc2136, server: 192.0.2.53}\n",
				 0644));
}

TEST(no_message_shows_a_secret)
{
	static const char text[] = "provider: {name: zerossl, eab: {kid: k, hmac_key: \"hunter2\\x07\"}}\nx: 1\n"
				   "dns_providers: {cloudflare: {api_token: {hunter2: hunter2}}}\n";
	struct config_report report CLEANUP(config_report_done) = {0};
	struct error err = {0};
	CHECK(config_parse(text, strlen(text), "f.yaml", &report, &err) == NULL);
	for (size_t i = 0; i < report.count; i++)
		CHECK(strstr(report.issues[i].message, "hunter2") == NULL);
}

TEST_MAIN()

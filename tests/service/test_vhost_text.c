/* SPDX-License-Identifier: Apache-2.0 */
/* What the real web servers make of it: tests/system/test_355_vhost.py. */
#include "service/vhost_text.h"

#include "base/limits.h"
#include "tests/support/test.h"
#include "transport/site_text.h"

#include <string.h>

static struct identifier names[3];
static struct vhost_upstream behind[2];

static struct vhost example(enum config_webserver webserver)
{
	struct error err = {0};
	CHECK_OK(identifier_parse("*.example.com", &names[0], &err), err);
	CHECK_OK(identifier_parse("example.com", &names[1], &err), err);
	CHECK_OK(identifier_parse("2001:db8::1", &names[2], &err), err);
	return (struct vhost){.webserver = webserver,
			      .server = "web-1",
			      .name = "example.com",
			      .identifiers = names,
			      .identifier_count = ARRAY_LEN(names),
			      .certificate = "/tls/example.com/fullchain.pem",
			      .key = "/tls/example.com/privkey.pem",
			      .root = "/srv/www",
			      .http_port = 80,
			      .https_port = 443};
}

static const char *written_for(const struct vhost *vhost, struct site_facts facts)
{
	static char kept[16 * 1024];
	CLEANUP(buf_done) struct buf text, chosen;
	struct error err = {0};
	buf_init(&text, sizeof(kept) - 1);
	buf_init(&chosen, sizeof(kept) - 1);
	CHECK_OK(vhost_write(vhost, &text, &err), err);
	site_text_render(buf_cstr(&text), &facts, &chosen);
	memcpy(kept, buf_cstr(&chosen), chosen.len + 1);
	return kept;
}

static const char *written(const struct vhost *vhost)
{
	return written_for(vhost, (struct site_facts){0});
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

TEST(nginx_takes_the_form_of_http2_that_its_version_has)
{
	struct vhost vhost = example(CONFIG_WEBSERVER_NGINX);
	const char *text = written(&vhost);
	CHECK(has(text, "\tlisten 443 ssl http2;\n") && !has(text, "\thttp2 on;\n") && has(text, "# nginx 1.25.1"));
	text = written_for(&vhost, (struct site_facts){.http2_on = true, .version_known = true});
	CHECK(has(text, "\tlisten 443 ssl;\n") && has(text, "\thttp2 on;\n") && !has(text, "# nginx 1.25.1"));
}

TEST(what_a_server_lacks_is_left_out)
{
	static const enum config_webserver webservers[] = {CONFIG_WEBSERVER_NGINX, CONFIG_WEBSERVER_HAPROXY};
	struct error err = {0};
	CHECK_OK(vhost_upstream_parse("http://127.0.0.1:3000", &behind[0], &err), err);
	for (size_t i = 0; i < ARRAY_LEN(webservers); i++) {
		struct vhost vhost = example(webservers[i]);
		vhost.identifier_count = 2; /* no address among them */
		vhost.upstreams = behind;
		vhost.upstream_count = 1;
		CHECK(has(written(&vhost), "::") && !has(written(&vhost), "MLKEM"));
		CHECK(!has(written_for(&vhost, (struct site_facts){.no_ipv6 = true}), "::"));
		const char *text = written_for(&vhost, (struct site_facts){.hybrid = true});
		CHECK(has(text, " X25519MLKEM768:X25519:prime256v1:secp384r1") && !has(text, " X25519:"));
	}
}

TEST(a_socket_is_behind_it)
{
	static const struct {
		enum config_webserver webserver;
		const char *first, *second;
	} cases[] = {
		{CONFIG_WEBSERVER_NGINX, "\tserver unix:/run/a.sock;\n", "\tserver unix:/run/b.sock;\n"},
		{CONFIG_WEBSERVER_APACHE, "\"unix:/run/a.sock|http://localhost\"",
		 "\"unix:/run/b.sock|http://localhost-2\""},
		{CONFIG_WEBSERVER_HAPROXY, "\tserver upstream1 unix@/run/a.sock check\n", " unix@/run/b.sock check\n"},
	};
	struct error err = {0};
	CHECK_OK(vhost_upstream_parse("unix:/run/a.sock", &behind[0], &err), err);
	CHECK_OK(vhost_upstream_parse("unix:/run/b.sock", &behind[1], &err), err);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vhost vhost = example(cases[i].webserver);
		vhost.upstreams = behind;
		vhost.upstream_count = 2;
		CHECK(has(written(&vhost), cases[i].first) && has(written(&vhost), cases[i].second));
	}
}

TEST(a_socket_has_a_path_that_nothing_reads_as_anything_else)
{
	static const char *const bad[] = {
		"unix:",         "unix:app.sock",  "unix:/run/",   "unix:/run/a b",    "unix:/run/a|b",
		"unix:/run/a:b", "unix:/run/../a", "unix:/run/a;", "unix://run/$host", "unix:/run/a\nb"};
	char path[120] = "unix:/";
	struct vhost_upstream upstream;
	struct error err = {0};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error refused = {0};
		CHECK(!vhost_upstream_parse(bad[i], &upstream, &refused));
		CHECK_INT(refused.category, ERROR_USAGE);
	}
	memset(path + strlen(path), 'a', 107 - 1); /* the longest that sockaddr_un takes */
	CHECK_OK(vhost_upstream_parse(path, &upstream, &err), err);
	CHECK_STR(upstream.path, path + strlen("unix:"));
	path[strlen(path)] = 'a';
	CHECK(!vhost_upstream_parse(path, &upstream, &err));
}

TEST(every_name_is_served_and_the_redirect_keeps_it)
{
	struct vhost vhost = example(CONFIG_WEBSERVER_NGINX);
	CHECK(has(written(&vhost), "server_name *.example.com example.com [2001:db8::1];"));
	CHECK(has(written(&vhost), "return 301 https://$host$request_uri;"));
	vhost.https_port = 8443;
	CHECK(has(written(&vhost), "return 301 https://$host:8443$request_uri;"));

	vhost = example(CONFIG_WEBSERVER_APACHE);
	CHECK(has(written(&vhost),
		  "\tServerName example.com\n\tServerAlias *.example.com example.com [2001:db8::1]\n"));
	vhost.identifier_count = 1; /* the wildcard alone */
	CHECK(has(written(&vhost), "\tServerName example.com\n\tServerAlias *.example.com\n"));
	vhost.identifiers = &names[1];
	CHECK(!has(written(&vhost), "ServerAlias"));
}

TEST(haproxy_needs_to_be_told_what_is_behind_it)
{
	struct vhost vhost = example(CONFIG_WEBSERVER_HAPROXY);
	CLEANUP(buf_done) struct buf text;
	struct error err = {0};
	buf_init(&text, LIMIT_REMOTE_FILE);
	CHECK(!vhost_write(&vhost, &text, &err));
	CHECK(err.category == ERROR_USAGE && has(err.hint, "--upstream"));
	error_clear(&err);
	CHECK_OK(vhost_upstream_parse("http://[2001:db8::2]:3000/", &behind[0], &err), err);
	vhost.upstreams = behind;
	vhost.upstream_count = 1;
	const char *out = written(&vhost);
	CHECK(has(out, "\tserver upstream [2001:db8::2]:3000\n"));
	CHECK(has(out, "-m end -i .example.com\n") && has(out, "-m str -i example.com\n"));
}

TEST(there_are_no_virtual_hosts_of_other_servers)
{
	static const enum config_webserver others[] = {CONFIG_WEBSERVER_CUSTOM, CONFIG_WEBSERVER_POSTFIX,
						       CONFIG_WEBSERVER_POSTGRESQL};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct vhost vhost = example(others[i]);
		CLEANUP(buf_done) struct buf text;
		struct error err = {0};
		buf_init(&text, LIMIT_REMOTE_FILE);
		CHECK(!vhost_write(&vhost, &text, &err));
		CHECK(has(err.hint, "servers.web-1.webserver"));
	}
}

TEST(what_is_behind_is_a_host_and_a_port_and_nothing_else)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = {
		{"http://127.0.0.1:3000", "127.0.0.1", 3000},
		{"http://app.internal", "app.internal", 80},
		{"http://app.internal:8080/", "app.internal", 8080},
		{"http://[::1]:3000", "::1", 3000},
		{"http://[::1]", "::1", 80},
		{"https://app.internal", "app.internal", 443},
		{"https://app.internal:8443/", "app.internal", 8443},
	};
	static const char *const bad[] = {
		"",
		"app:3000",
		"https://",
		"ftp://app",
		"https://user:password@app",
		"http://",
		"http://:80",
		"http://app:0",
		"http://app:65536",
		"http://app:",
		"http://app/path",
		"http://app:80/x",
		"http://user@app",
		"http://::1",
		"http://[::1",
		"http://[app]",
		"http://[::1]x",
		"http://a b",
		"http://app;evil",
		"http://app\n",
		"http://$host",
		"http://-app",
	};
	struct vhost_upstream upstream;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct error err = {0};
		CHECK_OK(vhost_upstream_parse(good[i].text, &upstream, &err), err);
		CHECK_STR(upstream.host, good[i].host);
		CHECK(upstream.tls == str_starts(good[i].text, "https"));
		CHECK_INT(upstream.port, good[i].port);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = {0};
		CHECK(!vhost_upstream_parse(bad[i], &upstream, &err));
		CHECK_INT(err.category, ERROR_USAGE);
	}
}

TEST(what_no_web_server_can_verify_or_reach_is_refused)
{
	static const struct {
		enum config_webserver webserver;
		const char *urls[2], *ca, *why;
	} cases[] = {
		{CONFIG_WEBSERVER_NGINX, {"http://a:1", "http://b:2"}, NULL, NULL},
		{CONFIG_WEBSERVER_NGINX, {"https://a:1", "https://a:2"}, "/ca.pem", NULL},
		{CONFIG_WEBSERVER_NGINX, {"https://a:1", "https://b:2"}, "/ca.pem", "by one name"},
		{CONFIG_WEBSERVER_APACHE, {"https://a:1", "https://b:2"}, "/ca.pem", NULL},
		{CONFIG_WEBSERVER_HAPROXY, {"https://a:1", "https://b:2"}, "/ca.pem", NULL},
		{CONFIG_WEBSERVER_APACHE, {"https://a:1", "http://b:2"}, "/ca.pem", "all https"},
		{CONFIG_WEBSERVER_HAPROXY, {"https://a", "https://192.0.2.1"}, "/ca.pem", "not for addresses"},
		{CONFIG_WEBSERVER_HAPROXY, {"https://[::1]", "https://192.0.2.1"}, NULL, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vhost vhost = example(cases[i].webserver);
		CLEANUP(buf_done) struct buf text;
		struct error err = {0};
		for (size_t n = 0; n < ARRAY_LEN(behind); n++)
			CHECK_OK(vhost_upstream_parse(cases[i].urls[n], &behind[n], &err), err);
		vhost.upstreams = behind;
		vhost.upstream_count = ARRAY_LEN(behind);
		vhost.upstream_ca = cases[i].ca;
		buf_init(&text, LIMIT_REMOTE_FILE);
		CHECK(vhost_write(&vhost, &text, &err) == (cases[i].why == NULL));
		CHECK(cases[i].why == NULL || has(err.message, cases[i].why));
	}
}

TEST_MAIN()

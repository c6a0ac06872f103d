/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/site_rival.h"

#include "tests/support/test.h"

#include <string.h>

static struct str_list names;

static bool rival(enum site_dialect dialect, const char *text, char what[SITE_RIVAL_MAX])
{
	struct site_claim claim = {.dialect = dialect, .names = &names, .http_port = 80, .https_port = 443};
	struct error err = {0};

	if (names.len == 0) {
		CHECK_OK(str_list_add(&names, "example.com", &err), err);
		CHECK_OK(str_list_add(&names, "*.example.com", &err), err);
	}
	what[0] = '\0';
	return site_rival_in_file(&claim, text, strlen(text), what);
}

struct expected {
	const char *text, *what; /* NULL: no rival */
};

static void check(enum site_dialect dialect, const struct expected *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char what[SITE_RIVAL_MAX];
		CHECK(rival(dialect, cases[i].text, what) == (cases[i].what != NULL));
		CHECK_STR(what, cases[i].what != NULL ? cases[i].what : "");
	}
}

TEST(sites_of_nginx)
{
	static const struct expected cases[] = {
		{"server { listen 80; server_name example.com; }", "example.com on port 80"},
		{"server{server_name www.example.org EXAMPLE.com;listen [::]:443 ssl;listen 443 ssl;}",
		 "example.com on port 443"},
		{"server {\n\tserver_name \"*.example.com\";\n\tlocation / { return 200; }\n}",
		 "*.example.com on port 80"},
		{"http {\n server {\n listen 192.0.2.1:443; server_name .example.com; } }", "example.com on port 443"},
		{"server { listen 80; server_name other.org; }\nserver { listen 80; server_name example.com; }",
		 "example.com on port 80"},
		{"server { listen 8080; server_name example.com; }", NULL},
		{"server { listen unix:/run/x.sock; server_name example.com; }", NULL},
		{"server { listen 80; server_name www.example.com; }", NULL},
		{"# server { listen 80; server_name example.com; }", NULL},
		{"server { listen 80; # server_name example.com;\n}", NULL},
		{"server { location / { server_name example.com; } }", NULL},
		{"upstream x { server example.com:80; }", NULL},
		{"server { listen 80; server_name example.com;", NULL},
		{"}}} server { server_name example.com; }", "example.com on port 80"},
		{"server { server_name 'example.com", NULL},
		{"", NULL},
	};
	check(SITE_NGINX, cases, ARRAY_LEN(cases));
}

TEST(sites_of_apache)
{
	static const struct expected cases[] = {
		{"<VirtualHost *:80>\nServerName example.com\n</VirtualHost>\n", "example.com on port 80"},
		{"<virtualhost *:80 *:443>\n\tServerName a.org\n\tserveralias b.org \\\n\t Example.com\n</VIRTUALHOST>",
		 "example.com on port 443"},
		{"<IfModule mod_ssl.c>\n<VirtualHost _default_:443>\nServerName "
		 "https://example.com:443\n</VirtualHost>\n"
		 "</IfModule>\n",
		 "example.com on port 443"},
		{"<VirtualHost *>\nServerName example.com\n</VirtualHost>\n", "example.com on port 443"},
		{"<VirtualHost \"*:443\">\nServerName \"example.com\"\n</VirtualHost>\n", "example.com on port 443"},
		{"<VirtualHost *:8080>\nServerName example.com\n</VirtualHost>\n", NULL},
		{"<VirtualHost *:80>\n#ServerName example.com\n</VirtualHost>\n", NULL},
		{"<VirtualHost *:80>\nRedirect / https://example.com/\n</VirtualHost>\n", NULL},
		{"ServerName example.com\n<VirtualHost *:80>\n</VirtualHost>\n", NULL},
		{"<VirtualHost *:80>\nServerName example.com\n", NULL},
		{"<VirtualHost", NULL},
	};
	check(SITE_APACHE, cases, ARRAY_LEN(cases));
}

TEST(frontends_of_haproxy)
{
	static const struct expected cases[] = {
		{"frontend a\n\tbind :443 ssl crt /x.pem\n", "port 443"},
		{"frontend a\n\tbind *:8080,[::]:80\n", "port 80"},
		{"frontend a\n\tbind :8443 ssl crt /x:443\n", NULL},
		{"frontend a\n\tbind unix@/run/x.sock\n\t# bind :443\n", NULL},
		{"backend a\n\tserver b 192.0.2.1:443\n", NULL},
		{"bind", NULL},
	};
	check(SITE_HAPROXY, cases, ARRAY_LEN(cases));
}

TEST(what_nginx_warns_of)
{
	static const struct expected cases[] = {
		{"nginx: [warn] conflicting server name \"example.com\" on 0.0.0.0:443, ignored\nnginx: syntax is ok\n",
		 "example.com on port 443"},
		{"nginx: [warn] conflicting server name \"a.org\" on 0.0.0.0:80, ignored\n"
		 "nginx: [warn] conflicting server name \"*.example.com\" on [::]:80, ignored\n",
		 "*.example.com on port 80"},
		{"nginx: [warn] conflicting server name \"example.com\" on 0.0.0.0:8080, ignored\n", NULL},
		{"nginx: [warn] conflicting server name \"a.org\" on 0.0.0.0:80, ignored\n", NULL},
		{"conflicting server name \"", NULL},
		{"conflicting server name \"example.com\" on", NULL},
	};
	char what[SITE_RIVAL_MAX];
	(void)rival(SITE_NGINX, "", what); /* fills in the names */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct site_claim claim = {SITE_NGINX, &names, 80, 443};
		bool found = site_rival_in_output(&claim, cases[i].text, strlen(cases[i].text), what);
		CHECK(found == (cases[i].what != NULL));
		CHECK(!found || str_equal(what, cases[i].what));
		claim.dialect = SITE_APACHE;
		CHECK(!site_rival_in_output(&claim, cases[i].text, strlen(cases[i].text), what));
	}
	str_list_done(&names);
}

TEST_MAIN()

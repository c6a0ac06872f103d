/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/site_text.h"

#include "tests/support/test.h"

#include <string.h>

static const char template[] = "server {\n"
			       "\tlisten 80;\n" SITE_IPV6 "\tlisten [::]:80;\n" SITE_IPV6 SITE_HTTP2_WORD
			       "\tlisten [::]:443 http2;\n" SITE_HTTP2_ON "\thttp2 on;\n" SITE_HYBRID
			       "\tnew;\n" SITE_NO_HYBRID "\told;\n" SITE_VERSION_OPEN "\t# ?\n"
			       "}";

TEST(a_server_has_the_lines_that_are_for_it)
{
	static const struct {
		struct site_facts facts;
		const char *text;
	} cases[] = {
		{{0}, "server {\n\tlisten 80;\n\tlisten [::]:80;\n\tlisten [::]:443 http2;\n\told;\n\t# ?\n}"},
		{{.no_ipv6 = true, .version_known = true}, "server {\n\tlisten 80;\n\told;\n}"},
		{{.http2_on = true, .hybrid = true, .version_known = true},
		 "server {\n\tlisten 80;\n\tlisten [::]:80;\n\thttp2 on;\n\tnew;\n}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_done) struct buf text;
		buf_init(&text, sizeof(template));
		site_text_render(template, &cases[i].facts, &text);
		CHECK_STR(buf_cstr(&text), cases[i].text);
	}
}

TEST(a_server_has_its_own_file_of_trusted_cas)
{
	static const struct {
		struct site_facts facts;
		const char *text;
	} cases[] = {
		{{0}, "ca-file /etc/ssl/certs/ca-certificates.crt;\nold " SITE_TRUSTED_USUAL},
		{{.trusted = "/etc/ssl/cert.pem", .hybrid = true}, "ca-file /etc/ssl/cert.pem;\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_done) struct buf text;
		buf_init(&text, 1000);
		site_text_render("ca-file " SITE_TRUSTED ";\n" SITE_NO_HYBRID "old " SITE_TRUSTED, &cases[i].facts,
				 &text);
		CHECK_STR(buf_cstr(&text), cases[i].text);
	}
}

TEST(versions)
{
	static const struct {
		const char *text;
		uint32_t version;
	} cases[] = {
		{"nginx version: nginx/1.22.1\n", 1022001},
		{"warning: something\nnginx version: nginx/1.25.1 (Ubuntu)\n", 1025001},
		{"nginx/2.0.10", 2000010},
		{"nginx version: openresty/1.25.3.1\n", 0},
		{"nginx/1.25", 0},
		{"nginx/1.25.", 0},
		{"nginx/1..1", 0},
		{"nginx/1.1000.1", 0},
		{"nginx/1.22.1 --prefix=/usr/share/nginx/", 1022001},
		{"sh: nginx: not found", 0},
		{"", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(site_version(cases[i].text, strlen(cases[i].text), "nginx/"), cases[i].version);
}

/* As the programs write it: of what they were built with and what they run with, the second counts. */
TEST(what_a_web_server_says_of_itself)
{
	static const struct {
		const char *text;
		bool http2_on, hybrid, known;
	} cases[] = {
		{"nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.22 25 Aug 2026 (running with OpenSSL 3.0.19 27 "
		 "Jan "
		 "2026)\nTLS SNI support enabled\nconfigure arguments: --prefix=/usr/share/nginx\n",
		 false, false, true},
		{"nginx version: nginx/1.28.0\nbuilt by gcc 15\nbuilt with OpenSSL 3.5.1 1 Jul 2025\n", true, true,
		 true},
		{"nginx version: nginx/1.25.1\nbuilt with OpenSSL 3.5.1 (running with OpenSSL 3.4.0)\n", true, false,
		 true},
		{"nginx version: nginx/1.28.0\nbuilt with LibreSSL 4.0.0\n", true, false, true},
		{"HAProxy version 3.2.0\nBuilt with OpenSSL version : OpenSSL 3.5.0 8 Apr 2025\nRunning on OpenSSL "
		 "version : OpenSSL 3.5.4 30 Sep 2025\n",
		 false, true, false},
		{"sh: nginx: not found", false, false, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct site_facts facts = {0};
		site_facts_read(cases[i].text, strlen(cases[i].text), &facts);
		CHECK(facts.http2_on == cases[i].http2_on && facts.hybrid == cases[i].hybrid);
		CHECK(facts.version_known == cases[i].known);
	}
}

TEST_MAIN()

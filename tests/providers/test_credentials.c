/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials files: ours, certbot's, and broken ones. No message may repeat what could be a secret. */
#include "dns-providers/registry.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool parse(const char *text, struct dns_credentials *ret, struct error *err)
{
	error_clear(err);
	return dns_credentials_parse(dns_provider_find("cloudflare"), text, strlen(text), "cf.ini", ret, err);
}

static void check_refused(const char *text, const char *where, const char *part)
{
	struct dns_credentials credentials = {0};
	struct error err;
	CHECK(!parse(text, &credentials, &err));
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_CONTAINS(err.message, where);
	CHECK_CONTAINS(err.message, part);
	CHECK(strstr(err.message, "SECRET") == NULL && strstr(err.hint, "SECRET") == NULL);
	CHECK(credentials.count == 0);
}

TEST(our_own_form)
{
	struct dns_credentials credentials = {0};
	struct error err;
	CHECK_OK(parse("# a comment\n\n api_token = abc=def \nzone_id=\"0123\"\n", &credentials, &err), err);
	CHECK_INT(credentials.count, 2);
	CHECK_STR(credentials.keys[0], "api_token");
	CHECK_STR(credentials.values[0].data, "abc=def");
	CHECK_STR(credentials.keys[1], "zone_id");
	CHECK_STR(credentials.values[1].data, "0123");
	dns_credentials_done(&credentials);
}

TEST(certbots_form_with_windows_line_ends_and_a_byte_order_mark)
{
	struct dns_credentials credentials = {0};
	struct error err;
	CHECK_OK(parse("\xef\xbb\xbf; Cloudflare\r\ndns_cloudflare_email = a@example.com\r\n"
		       "dns_cloudflare_api_key = '0123456789'\r\n",
		       &credentials, &err),
		 err);
	CHECK_INT(credentials.count, 2);
	CHECK_STR(credentials.keys[0], "email");
	CHECK_STR(credentials.values[0].data, "a@example.com");
	CHECK_STR(credentials.keys[1], "api_key");
	CHECK_STR(credentials.values[1].data, "0123456789");
	dns_credentials_done(&credentials);
}

TEST(a_last_line_without_an_end)
{
	struct dns_credentials credentials = {0};
	struct error err;
	CHECK_OK(parse("api_token=x", &credentials, &err), err);
	CHECK_STR(credentials.values[0].data, "x");
	dns_credentials_done(&credentials);
}

TEST(broken_lines_are_named_by_number_and_not_repeated)
{
	check_refused("api_token = x\nSECRET\n", "cf.ini:2", "key = value");
	check_refused("SECRETSECRETSECRET==\n", "cf.ini:1", "key");
	check_refused("= SECRET\n", "cf.ini:1", "no key");
	check_refused("api_token =\n", "cf.ini:1", "empty");
	check_refused("api_token = \"\"\n", "cf.ini:1", "empty");
	check_refused("api_token = \"SECRET\n", "cf.ini:1", "quote");
	check_refused("api_token = SECRET\napi_token = SECRET\n", "cf.ini:2", "twice");
	check_refused("dns_digitalocean_token = SECRET\n", "cf.ini:1", "does not have");
	check_refused("api_tokem = SECRET\n", "cf.ini:1", "api_token");
	check_refused("", "cf.ini", "no credentials");
	check_refused("# nothing\n", "cf.ini", "no credentials");
}

TEST(a_nul_byte_is_refused)
{
	struct dns_credentials credentials = {0};
	struct error err = {0};
	const char text[] = "api_token\0x = SECRET\n";
	CHECK(!dns_credentials_parse(dns_provider_find("cloudflare"), text, sizeof(text) - 1, "cf.ini", &credentials,
				     &err));
	CHECK_CONTAINS(err.message, "NUL");
}

TEST(a_file_that_others_can_read_is_refused)
{
	struct dns_credentials credentials = {0};
	struct error err = {0};
	const struct dns_provider_module *module = dns_provider_find("cloudflare");
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/cf.ini", test_temp_dir());
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fputs("api_token = x\n", file) >= 0 && fclose(file) == 0);
	CHECK(chmod(path, 0640) == 0);
	CHECK(!dns_credentials_read(module, path, &credentials, &err));
	CHECK_CONTAINS(err.message, path);
	CHECK_CONTAINS(err.hint, "chmod 600");
	CHECK(chmod(path, 0600) == 0);
	error_clear(&err);
	CHECK_OK(dns_credentials_read(module, path, &credentials, &err), err);
	CHECK_INT(credentials.count, 1);
	dns_credentials_done(&credentials);
}

TEST(a_missing_file_is_named)
{
	struct dns_credentials credentials = {0};
	struct error err = {0};
	CHECK(!dns_credentials_read(dns_provider_find("cloudflare"), "/nonexistent/cf.ini", &credentials, &err));
	CHECK_CONTAINS(err.message, "/nonexistent/cf.ini");
}

TEST_MAIN()

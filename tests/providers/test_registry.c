/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: which modules there are, and what a config's settings for one must look like before anybody is asked.
 */
#include "dns-providers/registry.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char TOKEN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
static const char GLOBAL_KEY[] = "0123456789abcdef0123456789abcdef01234";

static const char *const variables[] = {
	"CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_TOKEN_FILE", "CF_Token", "CF_Key", "CF_Email", "CLOUDFLARE_API_URL",
};

/* A check of key-value pairs (ends with NULL): the offending index, or -1 where all is well. */
static int check(const char *const *pairs, struct error *err)
{
	struct secret values[8] = {{0}};
	struct dns_setting settings[8];
	size_t count = 0, index = 99;
	struct error ignored = {0};

	for (; pairs[2 * count] != NULL; count++) {
		CHECK_OK(secret_set(&values[count], pairs[2 * count + 1], strlen(pairs[2 * count + 1]), &ignored),
			 ignored);
		settings[count] = (struct dns_setting){.key = pairs[2 * count], .value = &values[count]};
	}
	error_clear(err);
	bool ok = dns_provider_check(dns_provider_find("cloudflare"), settings, count, &index, err);
	for (size_t i = 0; i < count; i++)
		secret_done(&values[i]);
	CHECK(ok == !error_is_set(err));
	CHECK(ok || err->category == ERROR_CONFIG);
	return ok ? -1 : (int)index;
}

static void forget_environment(void)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		CHECK(unsetenv(variables[i]) == 0);
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(modules_are_found_by_name)
{
	size_t count = 0;
	CHECK(dns_provider_find("cloudflare") != NULL);
	CHECK_STR(dns_provider_find("cloudflare")->title, "Cloudflare");
	CHECK(dns_provider_find("Cloudflare") == NULL);
	CHECK(dns_provider_find("") == NULL);
	CHECK(dns_provider_modules(&count) != NULL && count >= 1);
}

TEST(every_module_is_complete)
{
	size_t count = 0;
	const struct dns_provider_module *const *modules = dns_provider_modules(&count);
	for (size_t i = 0; i < count; i++) {
		CHECK(modules[i]->name != NULL && modules[i]->title != NULL && modules[i]->url != NULL);
		CHECK(modules[i]->open != NULL && modules[i]->close != NULL && modules[i]->find_zone != NULL);
		CHECK(modules[i]->add_txt != NULL && modules[i]->remove_txt != NULL && modules[i]->at_once > 0);
		for (const struct dns_provider_key *key = modules[i]->keys; key->name != NULL; key++)
			CHECK(key->help != NULL);
	}
}

TEST(a_token_is_enough)
{
	struct error err;
	forget_environment();
	CHECK_INT(check(PAIRS("api_token", TOKEN), &err), -1);
	CHECK_INT(check(PAIRS("email", "a@example.com", "api_key", GLOBAL_KEY), &err), -1);
}

TEST(an_unknown_key_names_the_nearest)
{
	struct error err;
	forget_environment();
	CHECK_INT(check(PAIRS("api_token", TOKEN, "zone_idd", "x"), &err), 1);
	CHECK_CONTAINS(err.message, "zone_idd");
	CHECK_CONTAINS(err.message, "did you mean \"zone_id\"");
	CHECK_INT(check(PAIRS("nothing_like_it_at_all", "x"), &err), 0);
	CHECK(strstr(err.message, "did you mean") == NULL);
}

TEST(no_credential_at_all_says_what_is_needed)
{
	struct error err;
	forget_environment();
	CHECK_INT(check(PAIRS("zone_id", "0123456789abcdef0123456789abcdef"), &err), 1);
	CHECK_CONTAINS(err.message, "api_token");
	CHECK_CONTAINS(err.hint, "CLOUDFLARE_API_TOKEN");
	CHECK_INT(check(PAIRS("api_key", GLOBAL_KEY), &err), 1);
	CHECK_CONTAINS(err.message, "email");
}

TEST(the_environment_serves_too)
{
	struct error err;
	forget_environment();
	CHECK(setenv("CF_Token", TOKEN, 1) == 0);
	CHECK_INT(check((const char *const[]){NULL}, &err), -1);
	forget_environment();
	CHECK(setenv("CF_Key", GLOBAL_KEY, 1) == 0 && setenv("CF_Email", "a@example.com", 1) == 0);
	CHECK_INT(check((const char *const[]){NULL}, &err), -1);
	forget_environment();
}

TEST(a_variable_may_name_a_file_that_is_private)
{
	struct error err;
	char path[512];
	forget_environment();
	(void)snprintf(path, sizeof(path), "%s/token", test_temp_dir());
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fprintf(file, "%s\n", TOKEN) > 0 && fclose(file) == 0);
	CHECK(chmod(path, 0600) == 0 && setenv("CLOUDFLARE_API_TOKEN_FILE", path, 1) == 0);
	CHECK_INT(check((const char *const[]){NULL}, &err), -1);
	CHECK(chmod(path, 0644) == 0);
	CHECK(check((const char *const[]){NULL}, &err) >= 0);
	CHECK_CONTAINS(err.message, path);
	CHECK_CONTAINS(err.hint, "chmod");
	forget_environment();
}

TEST(the_two_kinds_of_credential_are_told_apart)
{
	struct error err;
	forget_environment();
	CHECK(check(PAIRS("api_token", GLOBAL_KEY), &err) >= 0);
	CHECK_CONTAINS(err.message, "global API key");
	CHECK(strstr(err.message, GLOBAL_KEY) == NULL);
	CHECK(check(PAIRS("email", "a@example.com", "api_key", TOKEN), &err) >= 0);
	CHECK_CONTAINS(err.message, "API token");
	CHECK(strstr(err.message, TOKEN) == NULL);
}

TEST(quotes_and_blanks_around_a_value_are_forgiven_inside_they_are_not)
{
	struct error err;
	forget_environment();
	CHECK_INT(check(PAIRS("api_token", " \"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN\"\r\n"), &err), -1);
	CHECK_INT(check(PAIRS("api_token", "secretpart\r\nX-Evil: yes"), &err), 0);
	CHECK(strstr(err.message, "secretpart") == NULL);
	CHECK_INT(check(PAIRS("api_token", "secret part"), &err), 0);
	CHECK_INT(check(PAIRS("api_token", "  "), &err), 0);
	CHECK_CONTAINS(err.message, "empty");
}

TEST(an_api_url_is_https_or_loopback)
{
	static const char *const good[] = {"https://api.example.com", "https://proxy.example.com:8443/cf/client/v4",
					   "http://127.0.0.1:8080", "http://127.8.9.1/x", "http://[::1]:99"};
	static const char *const bad[] = {"http://api.example.com",
					  "http://localhost:80",
					  "http://127.0.0.1.evil.org",
					  "http://127.0.0.1@evil.org/",
					  "https://",
					  "https:///x",
					  "ftp://127.0.0.1",
					  "https://a.example/?x=1",
					  "http://10.0.0.1",
					  "127.0.0.1"};
	struct error err;
	forget_environment();
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_INT(check(PAIRS("api_token", TOKEN, "api_url", good[i]), &err), -1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(check(PAIRS("api_token", TOKEN, "api_url", bad[i]), &err) >= 0);
		CHECK_CONTAINS(err.hint, "https://");
	}
}

TEST_MAIN()

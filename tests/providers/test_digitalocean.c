/* SPDX-License-Identifier: Apache-2.0 */
/* What is DigitalOcean's own; test_vendors.c has what every vendor's module must do. */
#include "dns-providers/registry.h"
#include "tests/providers/support_standin.h"
#include "tests/providers/support_values.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char NAME[] = "_acme-challenge.www.example.com";
static const char VALUE[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

static struct standin *standin;
static const struct dns_provider_module *module;

static void stop(void)
{
	standin_stop(standin);
}

static struct dns_provider *begin(const char *token)
{
	static const char *const args[] = {"--zone",       "example.com",       "--token", "dop_v1_everything",
					   "--read-token", "dop_v1_reads_only", NULL};
	module = dns_provider_find("digitalocean");
	if (standin == NULL) {
		standin = standin_start("fakes/digitalocean.py", args);
		(void)atexit(stop);
	}
	(void)standin_tell(standin, "reset", "{}");
	return standin_open(standin, module, (const char *const[]){"token", token, "api_url", "URL/", NULL});
}

TEST(a_record_has_a_relative_name_no_quotes_and_the_least_ttl)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = begin("dop_v1_everything");
	CHECK_OK(module->add_txt(provider, "example.com", NAME, VALUE, soon(), &record, &err), err);
	const char *seen = standin_tell(standin, "requests", NULL);
	CHECK_CONTAINS(seen, "\\\"name\\\":\\\"_acme-challenge.www\\\"");
	CHECK_CONTAINS(seen, "\\\"data\\\":\\\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\\\"");
	CHECK_CONTAINS(seen, "\\\"ttl\\\":30");
	/* Looked for first: the API would keep a second one. */
	CHECK(strstr(seen, "\"GET\"") < strstr(seen, "\"POST\""));
	CHECK_OK(module->remove_txt(provider, "example.com", NAME, VALUE, record, soon(), &err), err);
	free(record);
	module->close(provider);
}

TEST(doubles_that_somebody_left_are_all_removed)
{
	struct error err = {0};
	struct dns_provider *provider = begin("dop_v1_everything");
	for (int i = 0; i < 3; i++)
		(void)standin_tell(
			standin, "records",
			"{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"_acme-challenge.www.example.com\","
			"\"content\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"}");
	CHECK_OK(module->remove_txt(provider, "example.com", NAME, VALUE, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", VALUE), 0);
	module->close(provider);
}

TEST(a_token_without_the_scope_is_told_which_are_needed)
{
	struct error err = {0};
	char *record = NULL, *id = NULL, *zone = NULL;
	struct dns_provider *provider = begin("dop_v1_reads_only");
	CHECK_OK(module->find_zone(provider, NAME, soon(), &id, &zone, &err), err);
	CHECK(!module->add_txt(provider, id, NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.said, "forbidden: You are not authorized");
	CHECK_CONTAINS(err.hint, "domain:create");
	free(id);
	free(zone);
	module->close(provider);
	error_clear(&err);
	provider = begin("dop_v1_unknown");
	CHECK(!module->find_zone(provider, NAME, soon(), &id, &zone, &err));
	CHECK_CONTAINS(err.said, "unauthorized: Unable to authenticate you");
	CHECK_CONTAINS(err.hint, "token");
	CHECK(strstr(err.message, "dop_v1") == NULL && strstr(err.said, "dop_v1") == NULL);
	module->close(provider);
}

TEST(throttling_ends_when_the_limit_is_reset)
{
	struct error err = {0};
	char fault[256], *id = NULL, *zone = NULL;
	struct dns_provider *provider = begin("dop_v1_everything");
	(void)snprintf(fault, sizeof(fault),
		       "{\"kind\":\"status\",\"status\":429,\"count\":9,\"headers\":{\"ratelimit-reset\":\"%lld\"}}",
		       (long long)clock_wall() + 1800);
	(void)standin_tell(standin, "faults", fault);
	int64_t before = clock_monotonic_ms();
	CHECK(!module->find_zone(provider, NAME, soon(), &id, &zone, &err));
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK(err.transient && err.retry_at >= clock_wall() + 1790 && err.retry_at <= clock_wall() + 1800);
	/* It is not asked again before, whatever for. */
	size_t asked = standin_count(standin, "requests", "\"method\"");
	error_clear(&err);
	CHECK(!module->add_txt(provider, "example.com", NAME, VALUE, soon(), &id, &err));
	CHECK(err.transient && err.retry_at >= clock_wall() + 1790 && err.retry_at <= clock_wall() + 1800);
	CHECK_INT(standin_count(standin, "requests", "\"method\""), asked);
	module->close(provider);
	provider = begin("dop_v1_everything");
	(void)snprintf(fault, sizeof(fault),
		       "{\"kind\":\"status\",\"status\":429,\"headers\":{\"ratelimit-reset\":\"%lld\"}}",
		       (long long)clock_wall() + 1);
	(void)standin_tell(standin, "faults", "[]");
	(void)standin_tell(standin, "faults", fault);
	error_clear(&err);
	CHECK_OK(module->find_zone(provider, NAME, soon(), &id, &zone, &err), err);
	free(id);
	free(zone);
	module->close(provider);
}

TEST(the_next_link_names_the_public_host_and_is_not_followed_there)
{
	struct error err = {0};
	char json[256], *record = NULL;
	struct dns_provider *provider = begin("dop_v1_everything");
	for (int i = 0; i < 201; i++) {
		(void)snprintf(json, sizeof(json),
			       "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"%s\",\"content\":\"n%d\"}", NAME,
			       i);
		(void)standin_tell(standin, "records", json);
	}
	CHECK_OK(module->add_txt(provider, "example.com", NAME, VALUE, soon(), &record, &err), err);
	CHECK_INT(standin_count(standin, "requests", "\"page\": \"2\""), 1);
	free(record);
	module->close(provider);
}

TEST(hostile_handles_never_get_into_a_path)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = begin("dop_v1_everything");
	CHECK(!module->add_txt(provider, "../account", NAME, VALUE, soon(), &record, &err));
	error_clear(&err);
	CHECK(!module->add_txt(provider, "example.org", NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.message, "not inside");
	error_clear(&err);
	/* A handle that is none is not used: the value is looked for. */
	CHECK_OK(module->remove_txt(provider, "example.com", NAME, VALUE, "1/../../2", soon(), &err), err);
	CHECK_INT(standin_count(standin, "requests", ".."), 0);
	module->close(provider);
}

static void check_key(const char *text, const char *value)
{
	CLEANUP(dns_credentials_done) struct dns_credentials credentials = {0};
	struct error err = {0};
	CHECK_OK(dns_credentials_parse(dns_provider_find("digitalocean"), text, strlen(text), "do.ini", &credentials,
				       &err),
		 err);
	CHECK_INT(credentials.count, 1);
	CHECK_STR(credentials.keys[0], "token");
	CHECK_STR(credentials.values[0].data, value);
}

TEST(the_names_that_other_clients_use_for_the_token)
{
	static const char *const variables[] = {"DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_AUTH_TOKEN",
						"DO_API_KEY"};
	const struct dns_provider_module *digitalocean = dns_provider_find("digitalocean");
	struct error err = {0};
	size_t index = 0;
	check_key("dns_digitalocean_token = dop_v1_abc\n", "dop_v1_abc");
	check_key("# ours\ntoken=\"dop_v1_abc\"\n", "dop_v1_abc");
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		(void)unsetenv(variables[i]);
	CHECK(!dns_provider_check(digitalocean, NULL, 0, &index, &err));
	CHECK_CONTAINS(err.message, "DigitalOcean needs the setting \"token\"");
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		error_clear(&err);
		CHECK_INT(setenv(variables[i], "dop_v1_abc", 1), 0);
		CHECK_OK(dns_provider_check(digitalocean, NULL, 0, &index, &err), err);
		(void)unsetenv(variables[i]);
	}
}

TEST_MAIN()

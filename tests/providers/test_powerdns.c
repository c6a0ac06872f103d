/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PowerDNS module against a real PowerDNS, whose API is reached through a door that misbehaves when told to. What
 * counts is what the server keeps afterwards, and what a person is told.
 */
#include "dns-providers/powerdns.h"

#include "dns-providers/registry.h"
#include "tests/providers/support_standin.h"
#include "tests/providers/support_values.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char KEY[] = "lab-key-of-the-test-0123456789";
static const char NAME[] = "_acme-challenge.www.example.com";
static const char VALUE[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
static const char OTHER[] = "gDu-_x8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFUx";

static struct standin *standin;
static const struct dns_provider_module *module = &powerdns_module;

static void stop(void)
{
	standin_stop(standin);
}

static void begin(void)
{
	static const char *const args[] = {"--zone", "example.com",
					   "--zone", "sub.example.com",
					   "--zone", "notexample.com",
					   "--zone", "second.net:Slave",
					   "--key",  KEY,
					   NULL};
	if (standin == NULL) {
		standin = standin_start("fakes/powerdns.py", args);
		(void)atexit(stop);
	}
	(void)standin_tell(standin, "reset", "{}");
}

static struct dns_provider *open_with(const char *key, const char *path)
{
	struct secret values[2] = {{0}};
	const struct dns_setting settings[] = {{"api_url", &values[0]}, {"api_key", &values[1]}};
	struct error err = {0};
	char url[128];
	size_t index = 0;

	(void)snprintf(url, sizeof(url), "%s%s", standin_url(standin), path);
	CHECK_OK(secret_set(&values[0], url, strlen(url), &err) && secret_set(&values[1], key, strlen(key), &err), err);
	CHECK_OK(dns_provider_check(module, settings, 2, &index, &err), err);
	struct dns_provider *provider = module->open(settings, 2, standin_http(standin), &err);
	CHECK_OK(provider != NULL, err);
	secret_done(&values[0]);
	secret_done(&values[1]);
	return provider;
}

static char *find(struct dns_provider *provider, const char *name, const char *want)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	CHECK_OK(module->find_zone(provider, name, soon(), &id, &zone, &err), err);
	CHECK_STR(zone, want);
	free(zone);
	return id;
}

static void add(struct dns_provider *provider, const char *name, const char *value)
{
	struct error err = {0};
	char *record = NULL;
	CHECK_OK(module->add_txt(provider, "example.com.", name, value, soon(), &record, &err), err);
	free(record);
}

static void drop(struct dns_provider *provider, const char *name, const char *value)
{
	struct error err = {0};
	CHECK_OK(module->remove_txt(provider, "example.com.", name, value, NULL, soon(), &err), err);
}

static void check_there(const char *text, size_t count)
{
	CHECK_INT(standin_count(standin, "records", text), count);
}

TEST(two_values_come_and_go_beside_what_is_there)
{
	begin();
	struct dns_provider *provider = open_with(KEY, "/api/v1/");
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"somebody-else\",\"ttl\":1800}");
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"switched off\",\"disabled\":true,\"ttl\":1800}");
	add(provider, NAME, VALUE);
	add(provider, NAME, OTHER);
	add(provider, NAME, OTHER);
	check_there(VALUE, 1);
	check_there(OTHER, 1);
	check_there("\"content\"", 4);
	drop(provider, NAME, VALUE);
	drop(provider, NAME, VALUE);
	check_there(VALUE, 0);
	drop(provider, NAME, OTHER);
	/* What somebody else has there is as it was. */
	check_there("\"content\"", 2);
	check_there("\"ttl\": 1800", 2);
	check_there("somebody-else", 1);
	check_there("\"disabled\": true", 1);
	module->close(provider);
}

TEST(the_last_value_takes_the_set_with_it)
{
	begin();
	struct dns_provider *provider = open_with(KEY, "");
	add(provider, NAME, VALUE);
	check_there("\"ttl\": 60", 1);
	drop(provider, NAME, VALUE);
	check_there("\"content\"", 0);
	module->close(provider);
}

TEST(a_long_value_is_cut_into_strings)
{
	char value[301];
	memset(value, 'v', 300);
	value[300] = '\0';
	begin();
	struct dns_provider *provider = open_with(KEY, "");
	add(provider, NAME, value);
	add(provider, NAME, value);
	check_there("vv\\\" \\\"vv", 1);
	drop(provider, NAME, value);
	check_there("\"content\"", 0);
	module->close(provider);
}

TEST(the_zone_is_the_longest_suffix_that_can_be_written)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	begin();
	struct dns_provider *provider = open_with(KEY, "");
	free(find(provider, "_acme-challenge.www.sub.example.com", "sub.example.com"));
	free(find(provider, "_acme-challenge.nosub.example.com", "example.com"));
	free(find(provider, "_acme-challenge.notexample.com", "notexample.com"));
	CHECK(!module->find_zone(provider, "_acme-challenge.second.net", soon(), &id, &zone, &err));
	CHECK_CONTAINS(err.message, "secondary");
	CHECK_CONTAINS(err.hint, "primary");
	module->close(provider);
}

static void *add_in_thread(void *arg)
{
	add(arg, NAME, VALUE);
	return NULL;
}

TEST(writers_of_one_run_do_not_lose_each_others_values)
{
	pthread_t thread;
	begin();
	struct dns_provider *provider = open_with(KEY, "");
	CHECK(pthread_create(&thread, NULL, add_in_thread, provider) == 0);
	add(provider, NAME, OTHER);
	(void)pthread_join(thread, NULL);
	check_there(VALUE, 1);
	check_there(OTHER, 1);
	module->close(provider);
}

static void check_refused(struct dns_provider *provider, const char *says, const char *hint)
{
	struct error err = {0};
	char *record = NULL;
	CHECK(!module->add_txt(provider, "example.com.", NAME, VALUE, deadline_in(4000, NULL), &record, &err));
	CHECK_INT(err.category == ERROR_TIMEOUT || err.category == ERROR_CANCELLED, 0);
	CHECK(strstr(err.message, says) != NULL || strstr(err.said, says) != NULL);
	CHECK(strstr(err.message, KEY) == NULL && strstr(err.said, KEY) == NULL && strstr(err.hint, KEY) == NULL);
	CHECK_CONTAINS(err.hint, hint);
}

TEST(what_the_server_refuses_is_told_and_changes_nothing)
{
	begin();
	struct dns_provider *stranger = open_with("wrong-key", ""), *provider = open_with(KEY, "");
	check_refused(stranger, "Unauthorized", "api_key");
	/* A CNAME at the name: the server's own words. */
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"CNAME\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"elsewhere.example.\"}");
	check_refused(provider, "Conflicts with pre-existing RRset", "CNAME");
	check_there("\"content\"", 0);
	begin();
	(void)standin_tell(standin, "faults",
			   "{\"kind\":\"status\",\"method\":\"PATCH\",\"status\":403,"
			   "\"message\":\"no such luck\"}");
	check_refused(provider, "no such luck", "");
	(void)standin_tell(standin, "faults", "{\"kind\":\"html\",\"status\":404}");
	check_refused(provider, "text/html", "");
	(void)standin_tell(standin, "faults", "{\"kind\":\"body\",\"status\":200,\"body\":\"{\\\"rrsets\\\":7}\"}");
	check_refused(provider, "rrsets", "");
	check_there("\"content\"", 0);
	module->close(provider);
	module->close(stranger);
}

TEST(what_passes_by_itself_is_tried_again)
{
	static const char *const faults[] = {
		"{\"kind\":\"status\",\"status\":429,\"retry_after\":1}",
		"{\"kind\":\"status\",\"status\":503}",
		"{\"kind\":\"truncate\"}",
		"{\"kind\":\"lost\",\"method\":\"PATCH\"}",
		"{\"kind\":\"reset\"}",
	};
	begin();
	struct dns_provider *provider = open_with(KEY, "");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		(void)standin_tell(standin, "faults", faults[i]);
		add(provider, NAME, VALUE);
		check_there(VALUE, 1);
		drop(provider, NAME, VALUE);
		check_there("\"content\"", 0);
	}
	module->close(provider);
}

TEST(settings_are_checked_before_anybody_is_asked)
{
	static const struct {
		const char *url, *key, *says;
	} cases[] = {
		{NULL, "k", "api_url"},
		{"https://pdns.example", NULL, "api_key"},
		{"http://pdns.example:8081", "k", "api_url"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct secret values[2] = {{0}};
		struct dns_setting settings[2];
		struct error err = {0};
		size_t count = 0, index = 0;
		const char *texts[] = {cases[i].url, cases[i].key};
		for (size_t j = 0; j < 2; j++) {
			if (texts[j] == NULL)
				continue;
			CHECK_OK(secret_set(&values[j], texts[j], strlen(texts[j]), &err), err);
			settings[count++] = (struct dns_setting){j == 0 ? "api_url" : "api_key", &values[j]};
		}
		CHECK(!dns_provider_check(module, settings, count, &index, &err));
		CHECK_INT(err.category, ERROR_CONFIG);
		CHECK_CONTAINS(err.message, cases[i].says);
		secret_done(&values[0]);
		secret_done(&values[1]);
	}
}

TEST_MAIN()

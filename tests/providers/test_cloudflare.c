/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Cloudflare module against a stand-in that checks each request as Cloudflare does, and misbehaves when told to.
 * What counts is what the stand-in keeps afterwards, and what a person is told.
 */
#include "dns-providers/registry.h"
#include "tests/providers/support_standin.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char TOKEN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
static const char ZONE_TOKEN[] = "zone-token-0123456789-0123456789-0123456789";
static const char DNS_TOKEN[] = "dns-token-0123456789-0123456789-0123456789";
static const char EMAIL[] = "admin@example.com";
static const char KEY[] = "fedcba9876543210fedcba9876543210fedcb";
static const char NAME[] = "_acme-challenge.www.example.com";
static const char VALUE[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
static const char OTHER[] = "gDu-_x8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFUx";

static struct standin *standin;
static const struct dns_provider_module *module;

static void stop(void)
{
	standin_stop(standin);
}

/* The stand-in of all tests, with nothing kept and no fault. */
static void begin(void)
{
	static const char *const args[] = {"--zone",
					   "example.com",
					   "--zone",
					   "sub.example.com",
					   "--zone",
					   "notexample.com",
					   "--zone",
					   "pending.net:pending",
					   "--fillers",
					   "60",
					   "--token",
					   TOKEN,
					   "--zone-token",
					   ZONE_TOKEN,
					   "--dns-token",
					   DNS_TOKEN,
					   "--email",
					   EMAIL,
					   "--key",
					   KEY,
					   NULL};
	module = dns_provider_find("cloudflare");
	if (standin == NULL) {
		standin = standin_start("fakes/cloudflare.py", args);
		(void)atexit(stop);
	}
	(void)standin_tell(standin, "reset", "{}");
}

static struct deadline soon(void)
{
	return deadline_in(20 * 1000, /* cancel= */ NULL);
}

/* An instance with the pairs of settings (ends with NULL) and the stand-in's address. */
static struct dns_provider *open_with(const char *const *pairs)
{
	struct secret values[8] = {{0}};
	struct dns_setting settings[8];
	size_t count = 0;
	struct error err = {0};
	char url[128];

	(void)snprintf(url, sizeof(url), "%s/client/v4/", standin_url(standin));
	CHECK_OK(secret_set(&values[0], url, strlen(url), &err), err);
	settings[count++] = (struct dns_setting){.key = "api_url", .value = &values[0]};
	for (size_t i = 0; pairs[i] != NULL; i += 2, count++) {
		CHECK_OK(secret_set(&values[count], pairs[i + 1], strlen(pairs[i + 1]), &err), err);
		settings[count] = (struct dns_setting){.key = pairs[i], .value = &values[count]};
	}
	struct dns_provider *provider = module->open(settings, count, standin_http(standin), &err);
	CHECK_OK(provider != NULL, err);
	for (size_t i = 0; i < count; i++)
		secret_done(&values[i]);
	return provider;
}

static struct dns_provider *open_plain(void)
{
	return open_with((const char *const[]){"api_token", TOKEN, NULL});
}

/* The zone of NAME must be ZONE; returns its id. */
static char *find(struct dns_provider *provider, const char *name, const char *want)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	CHECK_OK(module->find_zone(provider, name, soon(), &id, &zone, &err), err);
	CHECK_STR(zone, want);
	CHECK_INT(strlen(id), 32);
	free(zone);
	return id;
}

static void check_no_secret(const struct error *err)
{
	const char *const secrets[] = {TOKEN, ZONE_TOKEN, DNS_TOKEN, KEY};
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		CHECK(strstr(err->message, secrets[i]) == NULL && strstr(err->said, secrets[i]) == NULL);
		CHECK(strstr(err->hint, secrets[i]) == NULL);
	}
}

TEST(add_and_remove_leave_nothing_behind)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	char *zone = find(provider, NAME, "example.com");
	CHECK_OK(module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err), err);
	CHECK_INT(standin_count(standin, "records", "\"content\": \"\\\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
		  1);
	CHECK_INT(standin_count(standin, "records", "\"ttl\": 120"), 1);
	CHECK_OK(module->remove_txt(provider, zone, NAME, VALUE, record, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 0);
	/* Again: gone is gone. */
	CHECK_OK(module->remove_txt(provider, zone, NAME, VALUE, record, soon(), &err), err);
	CHECK_OK(module->remove_txt(provider, zone, NAME, VALUE, NULL, soon(), &err), err);
	free(record);
	free(zone);
	module->close(provider);
}

TEST(the_zone_is_the_longest_suffix_and_never_a_look_alike)
{
	begin();
	struct dns_provider *provider = open_plain();
	free(find(provider, "_acme-challenge.www.sub.example.com", "sub.example.com"));
	free(find(provider, "_acme-challenge.sub.example.com", "sub.example.com"));
	free(find(provider, "_acme-challenge.nosub.example.com", "example.com"));
	free(find(provider, "_acme-challenge.notexample.com", "notexample.com"));
	free(find(provider, "_acme-challenge.filler-059.test", "filler-059.test"));
	module->close(provider);
}

TEST(a_zone_is_asked_for_once)
{
	begin();
	struct dns_provider *provider = open_plain();
	free(find(provider, NAME, "example.com"));
	size_t before = standin_count(standin, "requests", "\"method\"");
	free(find(provider, NAME, "example.com"));
	CHECK_INT(standin_count(standin, "requests", "\"method\""), before);
	module->close(provider);
}

TEST(a_zone_that_is_not_there_tells_what_was_tried)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	CHECK(!module->find_zone(provider, "_acme-challenge.a.example.org", soon(), &id, &zone, &err));
	CHECK_INT(err.category, ERROR_DNS);
	CHECK_CONTAINS(err.message, "Cloudflare");
	CHECK_CONTAINS(err.message, "_acme-challenge.a.example.org, a.example.org, example.org");
	CHECK_CONTAINS(err.message, "api_token");
	CHECK_CONTAINS(err.hint, "zone_id");
	check_no_secret(&err);
	CHECK(id == NULL && zone == NULL);
	module->close(provider);
}

TEST(a_pending_zone_is_named_as_such)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	for (int i = 0; i < 2; i++) {
		error_clear(&err);
		CHECK(!module->find_zone(provider, "_acme-challenge.pending.net", soon(), &id, &zone, &err));
		CHECK_CONTAINS(err.message, "\"pending\"");
		CHECK_CONTAINS(err.hint, "name servers");
	}
	module->close(provider);
}

TEST(a_configured_zone_id_needs_no_look_up)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	char *zone = find(provider, NAME, "example.com");
	module->close(provider);
	provider = open_with((const char *const[]){"api_token", DNS_TOKEN, "zone_id", zone, NULL});
	size_t before = standin_count(standin, "requests", "\"method\"");
	char *id = NULL, *apex = NULL;
	CHECK_OK(module->find_zone(provider, NAME, soon(), &id, &apex, &err), err);
	CHECK_STR(id, zone);
	CHECK_INT(standin_count(standin, "requests", "\"method\""), before);
	CHECK_OK(module->add_txt(provider, id, NAME, VALUE, soon(), &record, &err), err);
	free(record);
	free(id);
	free(apex);
	free(zone);
	module->close(provider);
}

TEST(two_values_at_one_name_and_a_foreign_one_stays)
{
	struct error err = {0};
	char *first = NULL, *second = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	char *zone = find(provider, NAME, "example.com");
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"somebody-elses\"}");
	CHECK_OK(module->add_txt(provider, zone, NAME, VALUE, soon(), &first, &err), err);
	CHECK_OK(module->add_txt(provider, zone, NAME, OTHER, soon(), &second, &err), err);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 3);
	CHECK_OK(module->remove_txt(provider, zone, NAME, VALUE, first, soon(), &err), err);
	CHECK_OK(module->remove_txt(provider, zone, NAME, OTHER, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 1);
	CHECK_INT(standin_count(standin, "records", "somebody-elses"), 1);
	free(first);
	free(second);
	free(zone);
	module->close(provider);
}

TEST(adding_twice_gives_the_record_that_is_there)
{
	struct error err = {0};
	char *first = NULL, *second = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	char *zone = find(provider, NAME, "example.com");
	CHECK_OK(module->add_txt(provider, zone, NAME, VALUE, soon(), &first, &err), err);
	CHECK_OK(module->add_txt(provider, zone, NAME, VALUE, soon(), &second, &err), err);
	CHECK_STR(second, first);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 1);
	free(first);
	free(second);
	free(zone);
	module->close(provider);
}

/* More than one string of a TXT record: cut when written, whole when compared, told from its beginning alone. */
TEST(a_long_value_is_one_record_of_several_strings)
{
	struct error err = {0};
	char *record = NULL, *again = NULL;
	char value[601], beginning[511];
	begin();
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	memset(beginning, 'v', sizeof(beginning) - 1);
	beginning[sizeof(beginning) - 1] = '\0';
	struct dns_provider *provider = open_plain();
	char *zone = find(provider, NAME, "example.com");
	CHECK_OK(module->add_txt(provider, zone, NAME, value, soon(), &record, &err), err);
	CHECK_INT(standin_count(standin, "records", "vv\\\" \\\"vv"), 2);
	CHECK_OK(module->add_txt(provider, zone, NAME, value, soon(), &again, &err), err);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 1);
	CHECK_OK(module->remove_txt(provider, zone, NAME, beginning, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 1);
	CHECK_OK(module->remove_txt(provider, zone, NAME, value, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 0);
	free(record);
	free(again);
	free(zone);
	module->close(provider);
}

TEST(an_unquoted_record_is_found_and_removed_too)
{
	struct error err = {0};
	char json[256];
	begin();
	struct dns_provider *provider = open_plain();
	char *zone = find(provider, NAME, "example.com");
	(void)snprintf(json, sizeof(json),
		       "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"%s\",\"content\":\"%s\"}", NAME, VALUE);
	(void)standin_tell(standin, "records", json);
	CHECK_OK(module->remove_txt(provider, zone, NAME, VALUE, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 0);
	free(zone);
	module->close(provider);
}

TEST(a_record_on_the_last_page_is_found)
{
	struct error err = {0};
	char json[256];
	begin();
	struct dns_provider *provider = open_plain();
	char *zone = find(provider, NAME, "example.com");
	for (int i = 0; i < 205; i++) {
		(void)snprintf(json, sizeof(json),
			       "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"%s\",\"content\":\"n%d\"}", NAME,
			       i);
		(void)standin_tell(standin, "records", json);
	}
	(void)snprintf(json, sizeof(json),
		       "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"%s\",\"content\":\"%s\"}", NAME, VALUE);
	(void)standin_tell(standin, "records", json);
	CHECK_OK(module->remove_txt(provider, zone, NAME, VALUE, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", VALUE), 0);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 205);
	free(zone);
	module->close(provider);
}

/* With FAULT set, an addition must end with exactly one record; returns how many POSTs it took. */
static size_t add_despite(const char *fault)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	char *zone = find(provider, NAME, "example.com");
	(void)standin_tell(standin, "faults", fault);
	CHECK_OK(module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err), err);
	CHECK_INT(standin_count(standin, "records", "\"id\""), 1);
	CHECK(record != NULL && standin_count(standin, "records", record) == 1);
	free(record);
	free(zone);
	module->close(provider);
	return standin_count(standin, "requests", "\"method\": \"POST\"");
}

TEST(a_create_whose_answer_is_lost_is_looked_for_and_not_repeated)
{
	CHECK_INT(add_despite("{\"kind\":\"lost\",\"method\":\"POST\"}"), 1);
	CHECK_INT(add_despite("{\"kind\":\"truncate\",\"method\":\"POST\"}"), 1);
}

TEST(a_create_that_was_not_done_is_sent_again)
{
	CHECK_INT(add_despite("{\"kind\":\"reset\",\"method\":\"POST\"}"), 2);
	CHECK_INT(add_despite("{\"kind\":\"html\",\"status\":502,\"method\":\"POST\"}"), 2);
	CHECK_INT(add_despite("{\"kind\":\"status\",\"status\":429,\"retry_after\":1,\"method\":\"POST\"}"), 2);
}

TEST(a_duplicate_that_no_list_confirms_is_an_error)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	char *zone = find(provider, NAME, "example.com");
	(void)standin_tell(
		standin, "faults",
		"{\"kind\":\"status\",\"status\":400,\"code\":81058,\"message\":\"An identical record already "
		"exists.\",\"method\":\"POST\"}");
	CHECK(!module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.message, NAME);
	CHECK_CONTAINS(err.said, "81058");
	CHECK(record == NULL);
	free(zone);
	module->close(provider);
}

TEST(throttling_and_broken_answers_on_look_ups_pass)
{
	static const char *const faults[] = {
		"{\"kind\":\"status\",\"status\":429,\"retry_after\":\"1\",\"count\":1}",
		"{\"kind\":\"status\",\"status\":429,\"count\":2}",
		"{\"kind\":\"html\",\"status\":503}",
		"{\"kind\":\"truncate\"}",
		"{\"kind\":\"reset\"}",
		"{\"kind\":\"slow\",\"seconds\":1}",
	};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		begin();
		struct dns_provider *provider = open_plain();
		(void)standin_tell(standin, "faults", faults[i]);
		free(find(provider, NAME, "example.com"));
		module->close(provider);
	}
}

TEST(a_wait_longer_than_there_is_time_ends_at_once_and_tells_when)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	(void)standin_tell(standin, "faults", "{\"kind\":\"status\",\"status\":429,\"retry_after\":\"300\"}");
	int64_t before = clock_monotonic_ms();
	CHECK(!module->find_zone(provider, NAME, soon(), &id, &zone, &err));
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK(err.transient && err.retry_at >= clock_wall() + 290);
	CHECK_INT(err.http_status, 429);
	CHECK_CONTAINS(err.said, "10429");
	module->close(provider);
}

TEST(an_api_that_hangs_costs_no_more_than_the_deadline)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	(void)standin_tell(standin, "faults", "{\"kind\":\"hang\",\"seconds\":20}");
	int64_t before = clock_monotonic_ms();
	CHECK(!module->find_zone(provider, NAME, deadline_in(1000, NULL), &id, &zone, &err));
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK_CONTAINS(err.message, "Cloudflare");
	module->close(provider);
}

TEST(an_html_page_for_ever_fails_with_its_status)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	(void)standin_tell(standin, "faults", "{\"kind\":\"html\",\"status\":403,\"count\":9}");
	CHECK(!module->find_zone(provider, NAME, soon(), &id, &zone, &err));
	CHECK_CONTAINS(err.message, "HTTP 403");
	CHECK_CONTAINS(err.message, "text/html");
	CHECK_INT(standin_count(standin, "requests", "\"method\""), 1);
	module->close(provider);
}

/* What a person is told when CREDENTIALS are refused on a look-up. */
static void check_refused(const char *const *credentials, const char *code, const char *hint)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	begin();
	struct dns_provider *provider = open_with(credentials);
	CHECK(!module->find_zone(provider, NAME, soon(), &id, &zone, &err));
	CHECK_INT(err.category, ERROR_DNS);
	CHECK_CONTAINS(err.message, "Cloudflare");
	CHECK_CONTAINS(err.message, "-LAB"); /* the request's cf-ray */
	CHECK_CONTAINS(err.said, code);
	CHECK_CONTAINS(err.hint, hint);
	CHECK(!err.transient);
	check_no_secret(&err);
	CHECK_INT(standin_count(standin, "requests", "\"method\""), 1);
	module->close(provider);
}

TEST(refused_credentials_tell_code_message_chain_and_what_to_do)
{
	check_refused((const char *const[]){"api_token", "wrong-token-0123456789-0123456789-0123456789", NULL},
		      "9109: Invalid access token", "token");
	check_refused((const char *const[]){"api_token", "short", NULL},
		      "6003: Invalid request headers (6111: Invalid format for Authorization header)", "api_token");
	check_refused((const char *const[]){"email", EMAIL, "api_key", "nothex", NULL}, "(6103: ", "api_key");
	check_refused((const char *const[]){"email", "other@example.com", "api_key", KEY, NULL}, "9103", "email");
}

TEST(email_and_key_work_and_two_tokens_do)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	struct dns_provider *provider = open_with((const char *const[]){"email", EMAIL, "api_key", KEY, NULL});
	free(find(provider, NAME, "example.com"));
	module->close(provider);
	provider = open_with((const char *const[]){"api_token", DNS_TOKEN, "zone_token", ZONE_TOKEN, NULL});
	char *zone = find(provider, NAME, "example.com");
	CHECK_OK(module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err), err);
	free(record);
	free(zone);
	module->close(provider);
}

TEST(a_token_that_may_not_edit_is_told_so)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	struct dns_provider *provider = open_with((const char *const[]){"api_token", ZONE_TOKEN, NULL});
	char *zone = find(provider, NAME, "example.com");
	CHECK(!module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.said, "10000: Authentication error");
	CHECK_CONTAINS(err.hint, "DNS:Edit");
	CHECK(record == NULL);
	free(zone);
	module->close(provider);
}

TEST(an_unknown_zone_id_and_a_cname_in_the_way_are_told_verbatim)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	CHECK(!module->add_txt(provider, "00000000000000000000000000000000", NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.said, "7003: Could not route to");
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"CNAME\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"elsewhere.example\"}");
	char *zone = find(provider, NAME, "example.com");
	error_clear(&err);
	CHECK(!module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.said, "81054: A CNAME record with that host already exists.");
	free(zone);
	module->close(provider);
}

TEST(hostile_ids_never_get_into_a_path)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	struct dns_provider *provider = open_plain();
	CHECK(!module->add_txt(provider, "../../user", NAME, VALUE, soon(), &record, &err));
	error_clear(&err);
	CHECK(!module->remove_txt(provider, "abc", "a b", VALUE, NULL, soon(), &err));
	CHECK_INT(standin_count(standin, "requests", "\"method\""), 0);
	(void)standin_tell(
		standin, "faults",
		"{\"kind\":\"body\",\"body\":\"{\\\"success\\\":true,\\\"result\\\":[{\\\"id\\\":\\\"../x\\\","
		"\\\"name\\\":\\\"_acme-challenge.www.example.com\\\",\\\"status\\\":\\\"active\\\"}]}\"}");
	char *id = NULL, *zone = NULL;
	error_clear(&err);
	CHECK(!module->find_zone(provider, NAME, soon(), &id, &zone, &err));
	CHECK_CONTAINS(err.message, "malformed id");
	module->close(provider);
}

TEST(a_bare_host_as_api_url_finds_the_api_below_its_usual_path)
{
	struct error err = {0};
	struct secret token = {0}, url = {0};
	char *id = NULL, *zone = NULL;
	begin();
	CHECK_OK(secret_set(&token, TOKEN, strlen(TOKEN), &err), err);
	CHECK_OK(secret_set(&url, standin_url(standin), strlen(standin_url(standin)), &err), err);
	const struct dns_setting settings[] = {{"api_token", &token}, {"api_url", &url}};
	struct dns_provider *provider = module->open(settings, 2, standin_http(standin), &err);
	CHECK_OK(provider != NULL, err);
	CHECK_OK(module->find_zone(provider, NAME, soon(), &id, &zone, &err), err);
	CHECK_STR(zone, "example.com");
	/* Learnt by the first answer: one request more than the three candidates, and one each that went out before. */
	size_t requests = standin_count(standin, "requests", "\"method\"");
	CHECK(requests >= 4 && requests <= 6);
	free(id);
	free(zone);
	secret_done(&token);
	secret_done(&url);
	module->close(provider);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* What is Google's own; test_vendors.c has what every vendor's module must do. */
#include "dns-providers/google_account.h"
#include "dns-providers/registry.h"
#include "tests/providers/support_standin.h"
#include "tests/providers/support_values.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char NAME[] = "_acme-challenge.www.example.com";
static const char VALUE[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
static const char ZONE[] = "lab-project/example-com";

static struct standin *standin, *reader;
static const struct dns_provider_module *module;

static void stop(void)
{
	standin_stop(standin);
	standin_stop(reader);
}

static struct standin *start(const char *more)
{
	const char *const args[] = {"--zone", "example.com", "--zone",   "twice.test",  "--twin", "twice.test",
				    "--zone", "inside.test", "--hidden", "inside.test", more,     NULL};
	return standin_start("fakes/google.py", args);
}

static void begin(void)
{
	/* Nothing of whoever runs the tests. */
	static const char *const others[] = {"GOOGLE_APPLICATION_CREDENTIALS",
					     "GCE_SERVICE_ACCOUNT",
					     "GCE_SERVICE_ACCOUNT_FILE",
					     "GCE_PROJECT",
					     "GOOGLE_CLOUD_PROJECT",
					     "CLOUDSDK_CORE_PROJECT",
					     "GCE_ZONE_ID",
					     "GCE_METADATA_HOST"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		(void)unsetenv(others[i]);
	(void)setenv("CLOUDSDK_CONFIG", "/nowhere", 1);
	module = dns_provider_find("google");
	if (standin == NULL) {
		standin = start(NULL);
		(void)atexit(stop);
	}
	(void)standin_tell(standin, "reset", "{}");
}

static struct dns_provider *open_with(const char *const *pairs)
{
	begin();
	return standin_open(standin, module, pairs);
}

static struct dns_provider *open_usual(void)
{
	return open_with((const char *const[]){"credentials", "LAB:credentials", "api_url", "URL/", NULL});
}

static void add(struct dns_provider *provider, const char *value)
{
	values_add(&(struct values_place){module, ZONE, NAME}, provider, value);
}

static void drop(struct dns_provider *provider, const char *value)
{
	values_remove(&(struct values_place){module, ZONE, NAME}, provider, value);
}

TEST(two_values_are_two_changes_with_one_token_and_quotes)
{
	struct dns_provider *provider = open_usual();
	add(provider, VALUE);
	add(provider, "second");
	const char *seen = standin_tell(standin, "requests", NULL);
	CHECK_CONTAINS(seen,
		       "\\\"deletions\\\":[],\\\"additions\\\":[{\\\"name\\\":\\\"_acme-challenge.www.example.com."
		       "\\\",\\\"type\\\":\\\"TXT\\\",\\\"ttl\\\":60");
	CHECK_INT(standin_count(standin, "requests", "\"path\": \"/token\""), 1);
	CHECK_INT(standin_count(standin, "requests", "\"path\""), 3);
	drop(provider, VALUE);
	drop(provider, "second");
	CHECK_INT(standin_count(standin, "records", "\"content\""), 0);
	CHECK_INT(standin_count(standin, "requests", "\"path\""), 5);
	module->close(provider);
}

TEST(somebody_elses_values_keep_their_ttl_when_ours_come_and_go)
{
	struct dns_provider *provider = open_usual();
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"theirs\",\"ttl\":3600}");
	add(provider, VALUE);
	CHECK_INT(standin_count(standin, "records", "\"ttl\": 3600"), 2);
	drop(provider, VALUE);
	CHECK_INT(standin_count(standin, "records", "\"ttl\": 3600"), 1);
	CHECK_INT(standin_count(standin, "records", "\\\"theirs\\\""), 1);
	module->close(provider);
}

TEST(hosts_that_write_one_name_at_once_lose_nothing)
{
	begin();
	values_write_at_once(&(struct values_place){module, ZONE, NAME}, open_usual);
	CHECK_INT(standin_count(standin, "records", "host-"), VALUES_HOSTS);
}

TEST(a_token_that_is_refused_in_mid_run_is_got_anew_once)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = open_usual();
	add(provider, VALUE);
	(void)standin_tell(standin, "expire", "{}");
	drop(provider, VALUE);
	CHECK_INT(standin_count(standin, "requests", "\"path\": \"/token\""), 2);
	/* A token that is no good although it is new is no reason to go on. */
	(void)standin_tell(standin, "faults",
			   "{\"kind\":\"status\",\"path\":\"changes\",\"status\":401,\"message\":\"no\",\"count\":99}");
	CHECK(!module->add_txt(provider, ZONE, NAME, VALUE, soon(), &record, &err));
	CHECK_INT(err.http_status, 401);
	CHECK_INT(standin_count(standin, "requests", "\"path\": \"/token\""), 3);
	module->close(provider);
}

TEST(a_user_s_credentials_and_the_machine_s_do_as_well)
{
	char host[64];
	struct dns_provider *provider = open_with(
		(const char *const[]){"credentials", "LAB:user", "project", "lab-project", "api_url", "URL", NULL});
	add(provider, VALUE);
	module->close(provider);

	begin();
	(void)snprintf(host, sizeof(host), "%s", standin_url(standin) + strlen("http://"));
	(void)setenv("GCE_METADATA_HOST", host, 1);
	provider = standin_open(standin, module, (const char *const[]){"api_url", "URL", NULL});
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	CHECK_OK(module->find_zone(provider, NAME, soon(), &id, &zone, &err), err);
	CHECK_STR(id, ZONE);
	add(provider, VALUE);
	CHECK_INT(standin_count(standin, "requests", "/computeMetadata/v1/project/project-id"), 1);
	free(id);
	free(zone);
	module->close(provider);
}

TEST(who_answers_for_the_metadata_server_must_be_it)
{
	char host[64];
	begin();
	(void)snprintf(host, sizeof(host), "%s", standin_url(standin) + strlen("http://"));
	(void)setenv("GCE_METADATA_HOST", host, 1);
	(void)standin_tell(standin, "faults",
			   "{\"kind\":\"body\",\"body\":\"{\\\"access_token\\\":\\\"x\\\"}\",\"count\":9}");
	struct dns_provider *provider =
		standin_open(standin, module, (const char *const[]){"api_url", "URL", "project", "p", NULL});
	struct error err = values_look_in_vain(module, provider, NAME);
	CHECK_CONTAINS(err.message, "not Google's metadata server");
	CHECK_CONTAINS(err.hint, "credentials_file");
	(void)standin_tell(standin, "faults", "[]");
	module->close(provider);
}

TEST(a_key_that_google_does_not_know_is_told_without_being_shown)
{
	struct dns_provider *provider = open_usual();
	(void)standin_tell(standin, "faults",
			   "{\"kind\":\"body\",\"path\":\"token\",\"status\":400,\"body\":\"{\\\"error\\\":"
			   "\\\"invalid_grant\\\",\\\"error_description\\\":\\\"Invalid JWT Signature.\\\"}\"}");
	struct error err = values_look_in_vain(module, provider, NAME);
	CHECK_CONTAINS(err.message, "Google Cloud DNS: cannot look for the zone _acme-challenge.www.example.com");
	CHECK_CONTAINS(err.message, "/token for ferry@lab-project.iam.gserviceaccount.com: HTTP 400");
	CHECK_CONTAINS(err.said, "invalid_grant: Invalid JWT Signature.");
	CHECK_CONTAINS(err.hint, "clock");
	CHECK(strstr(err.said, "PRIVATE") == NULL && strstr(err.message, "eyJ") == NULL);
	module->close(provider);
}

TEST(only_a_public_zone_is_used_and_which_of_two_is_asked_for)
{
	struct dns_provider *provider = open_usual();
	struct error err = values_look_in_vain(module, provider, "_acme-challenge.inside.test");
	CHECK_CONTAINS(err.message, "inside-test-inside is private");
	err = values_look_in_vain(module, provider, "_acme-challenge.twice.test");
	CHECK_CONTAINS(err.message, "more than once (twice-test, twice-test-twin)");
	module->close(provider);

	provider = open_with((const char *const[]){"credentials", "LAB:credentials", "zone_id", "twice-test-twin",
						   "api_url", "URL", NULL});
	char *id = NULL, *zone = NULL;
	err = (struct error){0};
	CHECK_OK(module->find_zone(provider, "_acme-challenge.twice.test", soon(), &id, &zone, &err), err);
	CHECK_STR(id, "lab-project/twice-test-twin");
	CHECK_STR(zone, "twice.test");
	err = values_look_in_vain(module, provider, NAME);
	CHECK_INT(standin_count(standin, "requests", "managedZones/twice-test-twin"), 1);
	free(id);
	free(zone);
	module->close(provider);

	provider = open_with((const char *const[]){"credentials", "LAB:credentials", "zone_id", "inside-test-inside",
						   "api_url", "URL", NULL});
	err = values_look_in_vain(module, provider, "_acme-challenge.inside.test");
	CHECK_CONTAINS(err.message, "inside-test-inside is private");
	module->close(provider);
}

TEST(a_cname_at_the_name_is_explained)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = open_usual();
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"CNAME\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"elsewhere.test.\"}");
	CHECK(!module->add_txt(provider, ZONE, NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.said, "has a CNAME resource record set");
	CHECK_CONTAINS(err.hint, "a CNAME stands at this name");
	module->close(provider);
}

TEST(an_account_that_may_only_read_is_told_which_role_it_needs)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	reader = reader != NULL ? reader : start("--reader");
	struct dns_provider *provider = standin_open(
		reader, module, (const char *const[]){"credentials", "LAB:credentials", "api_url", "URL", NULL});
	CHECK(!module->add_txt(provider, ZONE, NAME, VALUE, soon(), &record, &err));
	CHECK_INT(err.http_status, 403);
	CHECK_CONTAINS(err.hint, "dns.changes.create");
	module->close(provider);
}

TEST(what_comes_from_our_own_files_is_checked_before_it_is_a_url)
{
	static const char *const ids[] = {"",     "lab-project", "lab-project/", "/example-com", "lab-project/../x",
					  "a/b/c"};
	struct dns_provider *provider = open_usual();
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct error err = {0};
		char *record = NULL;
		CHECK(!module->add_txt(provider, ids[i], NAME, VALUE, soon(), &record, &err));
		CHECK_CONTAINS(err.message, "malformed zone or record name");
	}
	CHECK_INT(standin_count(standin, "requests", "\"path\""), 0);
	module->close(provider);
}

/* Settings and files. */

static bool check_credentials(const char *text, struct error *err)
{
	struct secret value = {0};
	size_t index = 0;
	begin();
	CHECK_OK(secret_set(&value, text, strlen(text), err), *err);
	const struct dns_setting setting = {.key = "credentials", .value = &value};
	bool ok = dns_provider_check(module, &setting, 1, &index, err);
	secret_done(&value);
	return ok;
}

TEST(credentials_that_are_no_good_are_refused_where_they_are_read)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"{\"type\":\"external_account\"}", "\"external_account\" are not supported"},
		{"{\"type\":\"service_account\"}", "private_key"},
		{"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"-----BEGIN PRIVATE "
		 "KEY-----\"}",
		 "no private key that can be read"},
		{"{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"s3cret\"}", "refresh_token"},
		{"{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"s3cret\",\"refresh_token\":"
		 "\"r\","
		 "\"token_uri\":\"http://evil.example/token\"}",
		 "token_uri"},
		{"not json", "the key file"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = {0};
		CHECK(!check_credentials(cases[i].text, &err));
		CHECK_INT(err.category, ERROR_CONFIG);
		CHECK_CONTAINS(err.message, "the setting credentials");
		CHECK_CONTAINS(err.message, cases[i].message);
		CHECK(strstr(err.message, "s3cret") == NULL);
	}
}

TEST(the_key_file_is_found_where_google_s_own_tools_look)
{
	char path[] = "/tmp/certferry-google-XXXXXX", folder[] = "/tmp/certferry-gcloud-XXXXXX", deep[128];
	struct error err = {0};
	struct google_credentials found = {0};
	char source[128];

	begin();
	const char *text = standin_tell(standin, "credentials", NULL);
	int fd = mkstemp(path);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1);
	CHECK_OK(google_credentials_find(module, NULL, 0, &found, source, &err), err);
	CHECK_STR(found.project, "lab-project");
	CHECK_STR(source, "$GOOGLE_APPLICATION_CREDENTIALS");
	google_credentials_done(&found);
	CHECK_INT(fchmod(fd, 0644), 0);
	CHECK(!google_credentials_find(module, NULL, 0, &found, source, &err));
	CHECK_INT(fchmod(fd, 0600), 0);

	/* lego's, which names a file too. */
	err = (struct error){0};
	(void)unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	(void)setenv("GCE_SERVICE_ACCOUNT_FILE", path, 1);
	CHECK_OK(google_credentials_find(module, NULL, 0, &found, source, &err), err);
	CHECK_STR(source, "the file of $GCE_SERVICE_ACCOUNT_FILE");
	google_credentials_done(&found);

	CHECK(mkdtemp(folder) != NULL);
	(void)snprintf(deep, sizeof(deep), "%s/application_default_credentials.json", folder);
	CHECK_INT(rename(path, deep), 0);
	(void)setenv("CLOUDSDK_CONFIG", folder, 1);
	begin();
	(void)setenv("CLOUDSDK_CONFIG", folder, 1);
	CHECK_OK(google_credentials_find(module, NULL, 0, &found, source, &err), err);
	CHECK_CONTAINS(source, "gcloud");
	google_credentials_done(&found);
	(void)unlink(deep);
	(void)rmdir(folder);
	(void)close(fd);
}

TEST(certbot_s_credentials_file_is_the_key_file_itself)
{
	struct error err = {0};
	struct dns_credentials read = {0};
	begin();
	const char *text = standin_tell(standin, "credentials", NULL);
	CHECK_OK(dns_credentials_parse(module, text, strlen(text), "google.json", &read, &err), err);
	CHECK_INT(read.count, 1);
	CHECK_STR(read.keys[0], "credentials");
	CHECK_INT(read.values[0].len, strlen(text));
	dns_credentials_done(&read);
	/* Not for a vendor that has no such file. */
	CHECK(!dns_credentials_parse(dns_provider_find("digitalocean"), "{\"a\":1}", 7, "x.json", &read, &err));
}

TEST_MAIN()

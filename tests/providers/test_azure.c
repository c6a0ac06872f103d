/* SPDX-License-Identifier: Apache-2.0 */
/* What is Azure's own; test_vendors.c has what every vendor's module must do. */
#include "base/json.h"
#include "dns-providers/azure_account.h"
#include "dns-providers/azure_message.h"
#include "dns-providers/registry.h"
#include "tests/providers/support_standin.h"
#include "tests/providers/support_values.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TENANT "11111111-2222-3333-4444-555555555555"
#define CLIENT "66666666-7777-8888-9999-000000000000"
#define SUBSCRIPTION "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define SECRET "lab~secret.with+signs/and=more&0123"
#define GROUP "/subscriptions/" SUBSCRIPTION "/resourceGroups/Ferry-Group_(1)"
#define APPLICATION "tenant_id", TENANT, "client_id", CLIENT, "authority_host", "LAB:", "api_url", "URL"

static const char NAME[] = "_acme-challenge.www.example.com";
static const char VALUE[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
static const char ZONE[] = GROUP "/providers/Microsoft.Network/dnsZones/example.com";

static struct standin *standin, *reader;
static const struct dns_provider_module *module;

static void stop(void)
{
	standin_stop(standin);
	standin_stop(reader);
}

static struct standin *start(const char *more)
{
	const char *const args[] = {"--zone", "example.com", "--zone", "twice.test",
				    "--twin", "twice.test",  more,     NULL};
	return standin_start("fakes/azure.py", args);
}

static void begin(void)
{
	/* Nothing of whoever runs the tests. */
	static const char *const others[] = {"AZURE_TENANT_ID",
					     "AZURE_CLIENT_ID",
					     "AZURE_CLIENT_SECRET",
					     "AZURE_CLIENT_CERTIFICATE_PATH",
					     "AZURE_FEDERATED_TOKEN_FILE",
					     "AZURE_SUBSCRIPTION_ID",
					     "AZURE_RESOURCE_GROUP",
					     "AZURE_ENVIRONMENT",
					     "AZURE_AUTH_METHOD",
					     "AZURE_AUTHORITY_HOST",
					     "IDENTITY_ENDPOINT",
					     "IDENTITY_HEADER",
					     "AZURE_POD_IDENTITY_AUTHORITY_HOST"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		(void)unsetenv(others[i]);
	module = dns_provider_find("azure");
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
	return open_with(
		(const char *const[]){APPLICATION, "client_secret", SECRET, "subscription_id", SUBSCRIPTION, NULL});
}

static void add(struct dns_provider *provider, const char *value)
{
	values_add(&(struct values_place){module, ZONE, NAME}, provider, value);
}

static void drop(struct dns_provider *provider, const char *value)
{
	values_remove(&(struct values_place){module, ZONE, NAME}, provider, value);
}

static void check_zone(struct dns_provider *provider, const char *name, const char *want)
{
	AUTO_FREE char *id = values_find_zone(module, provider, name, want);
	CHECK_STR(azure_zone_name(id), want);
}

TEST(a_set_is_made_under_a_condition_and_deleted_with_its_last_value)
{
	struct dns_provider *provider = open_usual();
	add(provider, VALUE);
	CHECK_CONTAINS(standin_tell(standin, "requests", NULL),
		       "{\\\"properties\\\":{\\\"TTL\\\":60,\\\"TXTRecords\\\":[{\\\"value\\\":[\\\"47DEQ");
	CHECK_CONTAINS(standin_tell(standin, "requests", NULL), "/dnsZones/example.com/TXT/_acme-challenge.www\"");
	add(provider, "second");
	drop(provider, VALUE);
	CHECK_INT(standin_count(standin, "requests", "\"DELETE\""), 0);
	drop(provider, "second");
	CHECK_INT(standin_count(standin, "requests", "\"DELETE\""), 1);
	CHECK_INT(standin_count(standin, "records", "\"content\""), 0);
	CHECK_INT(standin_count(standin, "requests", "oauth2"), 1);
	module->close(provider);
}

TEST(what_others_have_in_the_set_stays_as_it_is)
{
	struct dns_provider *provider = open_usual();
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"say \\\"hi\\\", \\u00e9\",\"ttl\":3600}");
	(void)standin_tell(standin, "metadata",
			   "{\"zone\":\"example.com\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"metadata\":{\"owner\":\"them\"}}");
	add(provider, VALUE);
	drop(provider, VALUE);
	CHECK_INT(standin_count(standin, "records", "\"ttl\": 3600"), 1);
	CHECK_INT(standin_count(standin, "records", "\"say \\\"hi\\\", \\u00e9\""), 1);
	CHECK_INT(standin_count(standin, "requests", "\\\"metadata\\\":{\\\"owner\\\":\\\"them\\\"}"), 2);
	module->close(provider);
}

TEST(hosts_that_write_one_name_at_once_lose_nothing)
{
	begin();
	values_write_at_once(&(struct values_place){module, ZONE, NAME}, open_usual);
	CHECK_INT(standin_count(standin, "records", "\"content\": \"host-"), VALUES_HOSTS);
}

/* TEXT of the laboratory's answer's member KEY, in a file of its own at PATH. */
static void make_file(char *path, const char *what, const char *key)
{
	struct error err = {0};
	const char *text = NULL;
	const char *told = standin_tell(standin, what, NULL);
	json_t *root AUTO_JSON = json_read(told, strlen(told), "answer", &err);
	CHECK_OK(root != NULL && json_need_str(root, key, 16384, &text, &err), err);
	int fd = mkstemp(path);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && write(fd, "\n", 1) == 1);
	(void)close(fd);
}

TEST(a_certificate_and_a_platform_s_token_do_as_well_as_a_secret)
{
	char certificate[] = "/tmp/certferry-azure-XXXXXX", token[] = "/tmp/certferry-azure-XXXXXX";
	begin();
	make_file(certificate, "certificate", "pem");
	make_file(token, "federated", "token");
	const struct {
		const char *key, *path, *seen;
	} ways[] = {{"certificate_file", certificate, "client_assertion=eyJ"},
		    {"sp_certificate_path", certificate, "client_assertion=eyJ"},
		    {"token_file", token, "client_assertion=lab-federated."}};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct dns_provider *provider = open_with((const char *const[]){APPLICATION, ways[i].key, ways[i].path,
										"subscription_id", SUBSCRIPTION, NULL});
		add(provider, VALUE);
		CHECK_INT(standin_count(standin, "requests", ways[i].seen), 1);
		module->close(provider);
	}
	(void)unlink(certificate);
	(void)unlink(token);
}

TEST(the_machine_s_identity_is_asked_for_where_there_is_no_application)
{
	char endpoint[80];
	begin();
	(void)setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", standin_url(standin), 1);
	struct dns_provider *provider = standin_open(
		standin, module, (const char *const[]){"subscription_id", SUBSCRIPTION, "api_url", "URL", NULL});
	add(provider, VALUE);
	CHECK_INT(standin_count(standin, "requests", "\"/metadata/identity/oauth2/token\""), 1);
	/* It asks the login before it answers, which takes its time. */
	(void)standin_tell(standin, "expire", "{}");
	(void)standin_tell(standin, "faults", "{\"kind\":\"slow\",\"path\":\"identity\",\"seconds\":3}");
	add(provider, "second");
	CHECK_INT(standin_count(standin, "requests", "\"/metadata/identity/oauth2/token\""), 2);
	drop(provider, "second");
	module->close(provider);

	/* App Service and its like, which say localhost. */
	(void)snprintf(endpoint, sizeof(endpoint), "http://localhost:%s/msi/token",
		       strrchr(standin_url(standin), ':') + 1);
	(void)setenv("IDENTITY_ENDPOINT", endpoint, 1);
	(void)setenv("IDENTITY_HEADER", "lab-identity-header-0123456789", 1);
	provider = standin_open(standin, module,
				(const char *const[]){"subscription_id", SUBSCRIPTION, "msi_client_id", CLIENT,
						      "api_url", "URL", NULL});
	drop(provider, VALUE);
	CHECK_INT(standin_count(standin, "requests", "\"/msi/token\""), 1);
	module->close(provider);

	(void)setenv("IDENTITY_HEADER", "wrong-header-of-the-identity", 1);
	provider = standin_open(standin, module,
				(const char *const[]){"subscription_id", SUBSCRIPTION, "api_url", "URL", NULL});
	struct error err = values_look_in_vain(module, provider, NAME);
	CHECK_CONTAINS(err.message, "cannot get one for the managed identity: HTTP 400");
	CHECK_CONTAINS(err.said, "Required metadata header");
	CHECK(strstr(err.message, "wrong-header") == NULL);
	module->close(provider);
}

TEST(a_token_that_is_refused_in_mid_run_is_got_anew_once)
{
	struct dns_provider *provider = open_usual();
	add(provider, VALUE);
	(void)standin_tell(standin, "expire", "{}");
	drop(provider, VALUE);
	CHECK_INT(standin_count(standin, "requests", "oauth2"), 2);
	module->close(provider);
}

TEST(a_login_that_fails_says_why_and_what_to_do)
{
	static const struct {
		const char *tenant, *client, *secret, *said, *hint;
	} cases[] = {
		{TENANT, CLIENT, "wrong-secret-0123456789", "AADSTS7000215: Invalid client secret",
		 "its id will not do"},
		{TENANT, "0000-none", SECRET, "AADSTS700016", "check client_id and tenant_id"},
		{"0000-none", CLIENT, SECRET, "AADSTS90002", "check tenant_id"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_provider *provider = open_with((const char *const[]){
			"tenant_id", cases[i].tenant, "client_id", cases[i].client, "client_secret", cases[i].secret,
			"subscription_id", SUBSCRIPTION, "authority_host", "LAB:", "api_url", "URL", NULL});
		struct error err = values_look_in_vain(module, provider, NAME);
		CHECK_CONTAINS(err.message,
			       "Azure DNS: cannot list the subscription's zones: access token: cannot get one for");
		CHECK_CONTAINS(err.said, cases[i].said);
		CHECK_CONTAINS(err.hint, cases[i].hint);
		CHECK(strstr(err.said, cases[i].secret) == NULL && strstr(err.message, cases[i].secret) == NULL);
		module->close(provider);
	}
}

TEST(a_zone_in_two_groups_is_asked_for_and_a_group_or_place_says_which)
{
	struct dns_provider *provider = open_usual();
	struct error err = values_look_in_vain(module, provider, "_acme-challenge.twice.test");
	CHECK_CONTAINS(err.message, "in more than one resource group");
	check_zone(provider, NAME, "example.com");
	/* One listing, whatever is looked for. */
	CHECK_INT(standin_count(standin, "requests", "Microsoft.Network/dnszones\""), 1);
	module->close(provider);

	provider = open_with((const char *const[]){APPLICATION, "client_secret", SECRET, "subscription_id",
						   SUBSCRIPTION, "resource_group", "twins", NULL});
	check_zone(provider, "_acme-challenge.twice.test", "twice.test");
	err = values_look_in_vain(module, provider, NAME);
	CHECK_CONTAINS(err.hint, "what it may not see");
	module->close(provider);

	provider = open_with((const char *const[]){APPLICATION, "client_secret", SECRET, "subscription_id",
						   SUBSCRIPTION, "resource_group", "inside", NULL});
	err = values_look_in_vain(module, provider, NAME);
	CHECK_CONTAINS(err.message, "example.com is there, but it is private");
	module->close(provider);

	provider = open_with((const char *const[]){APPLICATION, "client_secret", SECRET, "subscription_id",
						   SUBSCRIPTION, "resource_group", "none", NULL});
	err = values_look_in_vain(module, provider, NAME);
	CHECK_CONTAINS(err.said, "ResourceGroupNotFound");
	CHECK_CONTAINS(err.hint, "check resource_group");
	module->close(provider);
}

TEST(certbot_s_ini_is_read_as_it_is)
{
	static const char ini[] = "dns_azure_sp_client_id = " CLIENT "\ndns_azure_sp_client_secret = " SECRET
				  "\ndns_azure_tenant_id = " TENANT "\ndns_azure_environment = \"AzurePublicCloud\"\n"
				  "dns_azure_zone1 = example.com:" GROUP "\ndns_azure_zone2 = twice.test:" GROUP "\n";
	struct error err = {0};
	struct dns_credentials read = {0};
	const char *pairs[32] = {"authority_host", "LAB:", "api_url", "URL"};
	begin();
	CHECK_OK(dns_credentials_parse(module, ini, strlen(ini), "azure.ini", &read, &err), err);
	CHECK_INT(read.count, 6);
	for (size_t i = 0; i < read.count; i++) {
		pairs[4 + 2 * i] = read.keys[i];
		pairs[5 + 2 * i] = read.values[i].data;
	}
	struct dns_provider *provider = standin_open(standin, module, pairs);
	check_zone(provider, NAME, "example.com");
	check_zone(provider, "_acme-challenge.twice.test", "twice.test");
	add(provider, VALUE);
	module->close(provider);
	dns_credentials_done(&read);
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
	CHECK_CONTAINS(err.said, "CNAME record with the same name");
	CHECK_CONTAINS(err.hint, "a CNAME stands at this name");
	CHECK_INT(standin_count(standin, "requests", "\"PUT\""), 1);
	module->close(provider);
}

TEST(an_identity_that_may_only_read_is_told_which_role_it_needs)
{
	struct error err = {0};
	char *record = NULL;
	begin();
	reader = reader != NULL ? reader : start("--reader");
	struct dns_provider *provider = standin_open(
		reader, module,
		(const char *const[]){APPLICATION, "client_secret", SECRET, "subscription_id", SUBSCRIPTION, NULL});
	CHECK(!module->add_txt(provider, ZONE, NAME, VALUE, soon(), &record, &err));
	CHECK_INT(err.http_status, 403);
	CHECK_CONTAINS(err.hint, "DNS Zone Contributor");
	CHECK_CONTAINS(err.message, ", request ");
	module->close(provider);
}

TEST(what_comes_from_our_own_files_is_checked_before_it_is_a_url)
{
	static const char *const ids[] = {
		"",
		"example.com",
		GROUP,
		GROUP "/providers/Microsoft.Network/dnsZones/",
		GROUP "/providers/Microsoft.Network/dnsZones/../x",
		"/subscriptions/../resourceGroups/g/providers/Microsoft.Network/dnsZones/example.com",
		"/subscriptions/s/resourceGroups/g?x/providers/Microsoft.Network/dnsZones/example.com"};
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

TEST(settings_that_do_not_fit_are_refused_where_they_are_read)
{
	static const struct {
		const char *pairs[8], *message;
	} cases[] = {
		{{"client_secret", "s3cret", "subscription_id", "s"}, "needs the setting \"tenant_id\""},
		{{"client_secret", "s3cret", "tenant_id", "t", "subscription_id", "s"},
		 "needs the setting \"client_id\""},
		{{"subscription_id", "s", "environment", "moon"}, "the setting environment is no cloud"},
		{{"subscription_id", "s", "auth_method", "cli"}, "the setting auth_method is no method"},
		{{"tenant_id", "t"}, "needs the setting \"subscription_id\""},
		{{"zone1", "example.com"}, "the setting zone1 names no zone"},
		{{"subscription_id", "s", "resource_group", "a/b"}, "is no resource group's name"},
		{{"subscription_id", "s", "auth_method", "wli", "tenant_id", "t", "client_id", "c"},
		 "no credentials for"},
		{{"subscription_id", "s", "certificate_file", "/nowhere/x.pem", "tenant_id", "t", "client_id", "c"},
		 "/nowhere/x.pem"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct secret values[4] = {{0}};
		struct dns_setting settings[4];
		struct error err = {0};
		size_t count = 0, index = 0;
		begin();
		for (; count < 4 && cases[i].pairs[2 * count] != NULL; count++) {
			const char *value = cases[i].pairs[2 * count + 1];
			CHECK_OK(secret_set(&values[count], value, strlen(value), &err), err);
			settings[count] =
				(struct dns_setting){.key = cases[i].pairs[2 * count], .value = &values[count]};
		}
		CHECK(!dns_provider_check(module, settings, count, &index, &err));
		CHECK_CONTAINS(err.message, cases[i].message);
		CHECK(strstr(err.message, "s3cret") == NULL);
		for (size_t n = 0; n < count; n++)
			secret_done(&values[n]);
	}
}

TEST(the_other_clouds_have_their_own_addresses)
{
	static const struct {
		const char *name, *login, *management, *audience;
	} cases[] = {
		{"china", "https://login.chinacloudapi.cn/t/oauth2/v2.0/token", "https://management.chinacloudapi.cn",
		 "https://management.core.chinacloudapi.cn"},
		{"AzureUSGovernmentCloud", "https://login.microsoftonline.us/t/oauth2/v2.0/token",
		 "https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"},
		{"Public", "https://login.microsoftonline.com/t/oauth2/v2.0/token", "https://management.azure.com",
		 "https://management.azure.com"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct azure_account account = {0};
		struct error err = {0};
		begin();
		(void)setenv("AZURE_ENVIRONMENT", cases[i].name, 1);
		(void)setenv("AZURE_TENANT_ID", "t", 1);
		(void)setenv("AZURE_CLIENT_ID", "c", 1);
		(void)setenv("AZURE_CLIENT_SECRET", "s3cret", 1);
		CHECK_OK(azure_account_open(module, NULL, 0, NULL, &account, &err), err);
		CHECK_STR(account.token_url, cases[i].login);
		CHECK_STR(account.cloud->management, cases[i].management);
		CHECK_STR(account.cloud->audience, cases[i].audience);
		azure_account_close(&account);
	}
	begin();
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acme-dns module against a stand-in with two places for values, as the server has. What counts is which values
 * stand there afterwards, and what a person is told.
 */
#include "dns-providers/acmedns.h"

#include "dns-providers/registry.h"
#include "tests/providers/support_standin.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char NAME[] = "one.auth.test", OTHER_NAME[] = "two.auth.test";
static const char A[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
static const char B[] = "gDu-_x8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFUx";
static const char C[] = "-rdXQu5fX0kYQ8t1pT2mY5o6b7c8d9e0f1g2h3i4j5k";
static const char PASSWORD[] = "password-of-one-0123456789";

static struct standin *standin;
static const struct dns_provider_module *module = &acmedns_module;

static void stop(void)
{
	standin_stop(standin);
}

static void begin(void)
{
	static const char *const args[] = {"--zone",    "auth.test",
					   "--account", "one:user-1:password-of-one-0123456789",
					   "--account", "two:user-2:password-of-two-0123456789",
					   "--account", "far:user-3:password-of-far-0123456789",
					   "--foreign", "far",
					   NULL};
	if (standin == NULL) {
		standin = standin_start("fakes/acme_dns.py", args);
		(void)atexit(stop);
	}
	(void)standin_tell(standin, "reset", "{}");
}

/* A storage file with TEXT, in which "URL" stands for the stand-in's address. */
static const char *storage(const char *text)
{
	static char path[256];
	const char *at = strstr(text, "URL");
	(void)snprintf(path, sizeof(path), "%s/storage.json", test_temp_dir());
	FILE *file = fopen(path, "we");
	CHECK(file != NULL && fchmod(fileno(file), 0600) == 0);
	if (at != NULL)
		CHECK(fprintf(file, "%.*s%s%s", (int)(at - text), text, standin_url(standin), at + 3) > 0);
	else
		CHECK(fputs(text, file) >= 0);
	CHECK(fclose(file) == 0);
	return path;
}

static const char STORED[] =
	"{\"example.com\":{\"fulldomain\":\"One.auth.test\",\"subdomain\":\"one\",\"username\":\"user-1\","
	"\"password\":\"password-of-one-0123456789\",\"allowfrom\":[],\"server_url\":\"URL\"},"
	"\"example.org\":{\"fulldomain\":\"two.auth.test\",\"subdomain\":\"two\",\"username\":\"user-2\","
	"\"password\":\"wrong\",\"allowfrom\":[]},"
	"\"far.example\":{\"fulldomain\":\"far.auth.test\",\"subdomain\":\"far\",\"username\":\"user-3\","
	"\"password\":\"password-of-far-0123456789\"}}";

static struct dns_provider *open_stored(void)
{
	const char *const pairs[] = {"storage", storage(STORED), "api_url", "URL", NULL};
	return standin_open(standin, module, pairs);
}

static bool add_to(struct dns_provider *provider, const char *name, const char *value, struct error *err)
{
	char *record = NULL;
	bool ok = module->add_txt(provider, "one", name, value, deadline_in(6000, NULL), &record, err);
	free(record);
	return ok;
}

static void add(struct dns_provider *provider, const char *value)
{
	struct error err = {0};
	CHECK_OK(add_to(provider, NAME, value, &err), err);
}

static void drop(struct dns_provider *provider, const char *value)
{
	struct error err = {0};
	CHECK_OK(module->remove_txt(provider, "one", NAME, value, NULL, deadline_in(6000, NULL), &err), err);
}

static void check_updates(size_t count)
{
	CHECK_INT(standin_count(standin, "requests", "\"path\": \"/update\""), count);
}

TEST(a_name_and_its_wildcard_fill_the_two_places)
{
	struct error err = {0};
	begin();
	struct dns_provider *provider = open_stored();
	add(provider, A);
	add(provider, B);
	add(provider, A);
	add(provider, B);
	check_updates(2); /* the same value twice would push the other one out */
	CHECK(!add_to(provider, NAME, C, &err));
	CHECK_CONTAINS(err.message, "both still needed");
	CHECK(err.transient && err.hint[0] != '\0');
	check_updates(2);
	drop(provider, A);
	drop(provider, A);
	add(provider, C);
	check_updates(3);
	/* Now B is the older one. */
	err = (struct error){0};
	CHECK(!add_to(provider, NAME, A, &err));
	drop(provider, B);
	drop(provider, C);
	add(provider, A);
	check_updates(4);
	module->close(provider);
}

TEST(names_are_found_by_where_the_cname_leads)
{
	static const struct {
		const char *name, *says, *hint;
	} cases[] = {
		{"_acme-challenge.example.com", "no CNAME", "_acme-challenge.example.com. CNAME one.auth.test."},
		{"elsewhere.auth.test", "may write elsewhere.auth.test", "one.auth.test"},
		{"_acme-challenge.example.net", "may write", "CNAME"},
	};
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	begin();
	struct dns_provider *provider = open_stored();
	CHECK_OK(module->find_zone(provider, NAME, deadline_in(1000, NULL), &id, &zone, &err), err);
	CHECK_STR(id, "one");
	CHECK_STR(zone, "auth.test");
	free(id);
	free(zone);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err = (struct error){0};
		CHECK(!module->find_zone(provider, cases[i].name, deadline_in(1000, NULL), &id, &zone, &err));
		CHECK_CONTAINS(err.message, cases[i].says);
		CHECK_CONTAINS(err.hint, cases[i].hint);
	}
	check_updates(0);
	module->close(provider);
}

TEST(one_account_without_a_storage)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	begin();
	const char *const pairs[] = {"api_url", "URL",       "username", "user-1", "password",
				     PASSWORD,  "subdomain", "one",      NULL};
	struct dns_provider *provider = standin_open(standin, module, pairs);
	CHECK_OK(module->find_zone(provider, NAME, deadline_in(1000, NULL), &id, &zone, &err), err);
	free(id);
	free(zone);
	CHECK(!module->find_zone(provider, OTHER_NAME, deadline_in(1000, NULL), &id, &zone, &err));
	add(provider, A);
	check_updates(1);
	module->close(provider);
}

static void check_refused(struct dns_provider *provider, const char *name, const char *says, const char *hint)
{
	struct error err = {0};
	CHECK(!add_to(provider, name, A, &err));
	CHECK(strstr(err.message, says) != NULL || strstr(err.said, says) != NULL);
	CHECK_CONTAINS(err.hint, hint);
	CHECK(strstr(err.message, PASSWORD) == NULL && strstr(err.said, PASSWORD) == NULL);
}

TEST(what_the_server_refuses_is_told)
{
	begin();
	struct dns_provider *provider = open_stored();
	check_refused(provider, OTHER_NAME, "forbidden", "allowfrom");
	check_refused(provider, "far.auth.test", "forbidden", "allowfrom");
	(void)standin_tell(standin, "faults", "{\"kind\":\"html\",\"status\":404}");
	check_refused(provider, NAME, "text/html", "");
	(void)standin_tell(standin, "faults", "{\"kind\":\"body\",\"status\":200,\"body\":\"{}\"}");
	check_refused(provider, NAME, "txt", "");
	(void)standin_tell(standin, "faults",
			   "{\"kind\":\"body\",\"status\":200,\"body\":\"{\\\"txt\\\":\\\"x\\\"}\"}");
	check_refused(provider, NAME, "another value", "");
	module->close(provider);
}

TEST(an_update_whose_answer_is_lost_never_pushes_the_other_value_out)
{
	struct error err = {0};
	begin();
	struct dns_provider *provider = open_stored();
	(void)standin_tell(standin, "faults", "{\"kind\":\"lost\"}");
	add(provider, A); /* alone there: sent again */
	check_updates(2);
	(void)standin_tell(standin, "faults", "{\"kind\":\"lost\"}");
	CHECK(!add_to(provider, NAME, B, &err));
	check_updates(3);
	module->close(provider);
}

TEST(broken_storages_are_told_before_anybody_is_asked)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "storage"},
		{"[]", "no object"},
		{"{}", "no account"},
		{"{\"a.test\":{}}", "fulldomain"},
		{"{\"a.test\":{\"fulldomain\":\"x y\",\"subdomain\":\"s\",\"username\":\"u\",\"password\":\"p\"}}",
		 "name"},
		{"{\"a.test\":{\"fulldomain\":\"s.x\",\"subdomain\":\"s\",\"username\":\"u\",\"password\":\"p\\r\\nq\"}"
		 "}",
		 "blank"},
		{"{\"a.test\":{\"fulldomain\":\"s.x\",\"subdomain\":\"s\",\"username\":\"u\",\"password\":\"p\"}}",
		 "api_url"},
		{"{\"a.test\":{\"fulldomain\":\"s.x\",\"subdomain\":\"s\",\"username\":\"u\",\"password\":\"p\","
		 "\"server_url\":\"http://192.0.2.1\"}}",
		 "server_url"},
	};
	begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct secret path = {0};
		const struct dns_setting setting = {"storage", &path};
		struct error err = {0};
		size_t index = 0;
		const char *file = storage(cases[i].text);
		CHECK_OK(secret_set(&path, file, strlen(file), &err), err);
		CHECK(!dns_provider_check(module, &setting, 1, &index, &err));
		CHECK_CONTAINS(err.message, cases[i].says);
		secret_done(&path);
	}
}

TEST_MAIN()

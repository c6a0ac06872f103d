/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold for every DNS vendor, run against each one's stand-in. CERTFERRY_VENDOR runs one of them only;
 * CERTFERRY_VALIDATED=1 puts a proxy between module and stand-in that lets nothing through which the vendor's own
 * description forbids (tests/fakes/validated.py), and leaves out vendors that have none.
 */
#include "dns-providers/registry.h"
#include "tests/providers/support_standin.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One vendor: its stand-in, and how the module is told of it. "URL" in a setting is the API's address. */
static const struct vendor {
	const char *name;
	const char *standin;
	const char *description; /* in tests/providers/descriptions/; NULL: none that a proxy reads */
	const char *const *args;
	const char *const *settings;
	int crowd; /* foreign values that make a listing long; 0: there is no listing */
} vendors[] = {
	{
		"cloudflare",
		"fakes/cloudflare.py",
		"cloudflare.openapi.json",
		(const char *const[]){"--token", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN", "--prefix", "", NULL},
		(const char *const[]){"api_url", "URL", "api_token", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN", NULL},
		150,
	},
	{
		"digitalocean",
		"fakes/digitalocean.py",
		"digitalocean.openapi.json",
		(const char *const[]){"--token", "dop_v1_laboratory", NULL},
		(const char *const[]){"api_url", "URL", "token", "dop_v1_laboratory", NULL},
		250,
	},
	{
		"powerdns",
		"fakes/powerdns.py",
		NULL,
		(const char *const[]){"--key", "laboratory", NULL},
		(const char *const[]){"api_url", "URL", "api_key", "laboratory", NULL},
		100,
	},
	{
		"route53",
		"fakes/route53.py",
		NULL, /* it checks each request against AWS's model itself */
		(const char *const[]){NULL},
		(const char *const[]){"api_url", "URL", "access_key_id", "AKIALABORATORY000001", "secret_access_key",
				      "lab/secret+access/key0123456789abcdefghij", NULL},
		0,
	},
	{
		"azure",
		"fakes/azure.py",
		"azure.swagger.json",
		(const char *const[]){NULL},
		(const char *const[]){"api_url", "URL", "authority_host", "LAB:", "tenant_id",
				      "11111111-2222-3333-4444-555555555555", "client_id",
				      "66666666-7777-8888-9999-000000000000", "subscription_id",
				      "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "client_secret",
				      "lab~secret.with+signs/and=more&0123", NULL},
		15,
	},
	{
		"google",
		"fakes/google.py",
		"google.openapi.json",
		(const char *const[]){NULL},
		(const char *const[]){"api_url", "URL", "credentials", "LAB:credentials", NULL},
		90,
	},
};

static const char NAME[] = "_acme-challenge.www.example.com";
static const char VALUE[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
static const char OTHER[] = "gDu-_x8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFUx";

enum { VENDORS = sizeof(vendors) / sizeof(vendors[0]), ARGS = 30 };

static struct standin *standins[VENDORS];

/* The vendor of one turn, with its stand-in without faults and records. */
static const struct vendor *vendor;
static struct standin *standin;
static const struct dns_provider_module *module;
static struct dns_provider *provider;

static void stop(void)
{
	for (size_t i = 0; i < VENDORS; i++)
		standin_stop(standins[i]);
}

static struct standin *start(const struct vendor *wanted)
{
	static const char *const common[] = {"--zone",          "example.com", "--zone",
					     "sub.example.com", "--zone",      "notexample.com",
					     "--fillers",       "130",         NULL};
	const char *args[ARGS] = {NULL};
	size_t count = 0;
	for (size_t i = 0; common[i] != NULL; i++)
		args[count++] = common[i];
	for (size_t i = 0; wanted->args[i] != NULL; i++)
		args[count++] = wanted->args[i];
	if (getenv("CERTFERRY_VALIDATED") != NULL)
		return standin_start_behind("fakes/validated.py", wanted->description, wanted->standin, args);
	return standin_start(wanted->standin, args);
}

static bool is_wanted(const struct vendor *candidate)
{
	const char *only = getenv("CERTFERRY_VENDOR");
	if (getenv("CERTFERRY_VALIDATED") != NULL && candidate->description == NULL)
		return false;
	return only == NULL || strcmp(only, candidate->name) == 0;
}

static void begin(size_t index)
{
	vendor = &vendors[index];
	if (standins[index] == NULL) {
		bool first = true;
		for (size_t i = 0; i < VENDORS; i++)
			first = first && standins[i] == NULL;
		if (first)
			(void)atexit(stop);
		standins[index] = start(vendor);
	}
	standin = standins[index];
	module = dns_provider_find(vendor->name);
	CHECK(module != NULL);
	(void)standin_tell(standin, "reset", "{}");
	provider = standin_open(standin, module, vendor->settings);
}

/* For each wanted vendor in turn. */
#define EACH_VENDOR(index)                               \
	for (size_t index = 0; index < VENDORS; index++) \
		if (is_wanted(&vendors[index]))          \
			for (bool once = (begin(index), true); once; once = (module->close(provider), false))

static struct deadline soon(void)
{
	return deadline_in(20 * 1000, /* cancel= */ NULL);
}

static char *find(const char *name, const char *want)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	CHECK_OK(module->find_zone(provider, name, soon(), &id, &zone, &err), err);
	CHECK_STR(zone, want);
	free(zone);
	return id;
}

static void add(const char *zone, const char *value, char **ret_record)
{
	struct error err = {0};
	char *record = NULL;
	CHECK_OK(module->add_txt(provider, zone, NAME, value, soon(), &record, &err), err);
	if (ret_record != NULL)
		*ret_record = record;
	else
		free(record);
}

static void drop(const char *zone, const char *value, const char *record)
{
	struct error err = {0};
	CHECK_OK(module->remove_txt(provider, zone, NAME, value, record, soon(), &err), err);
}

static void add_foreign(const char *value)
{
	char json[512];
	(void)snprintf(json, sizeof(json),
		       "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"%s\",\"content\":\"%s\"}", NAME, value);
	(void)standin_tell(standin, "records", json);
}

static void check_there(const char *value, size_t count)
{
	CHECK_INT(standin_count(standin, "records", value), count);
}

TEST(there_is_a_vendor_to_test)
{
	size_t wanted = 0;
	for (size_t i = 0; i < VENDORS; i++)
		wanted += is_wanted(&vendors[i]);
	CHECK(wanted > 0);
}

TEST(one_value_comes_and_goes)
{
	EACH_VENDOR(i)
	{
		char *record = NULL, *zone = find(NAME, "example.com");
		add(zone, VALUE, &record);
		check_there(VALUE, 1);
		drop(zone, VALUE, record);
		check_there("\"content\"", 0);
		free(record);
		free(zone);
	}
}

TEST(a_second_value_stands_beside_the_first)
{
	EACH_VENDOR(i)
	{
		char *first = NULL, *second = NULL, *zone = find(NAME, "example.com");
		add(zone, VALUE, &first);
		add(zone, OTHER, &second);
		check_there(VALUE, 1);
		check_there(OTHER, 1);
		drop(zone, VALUE, first);
		check_there(VALUE, 0);
		check_there(OTHER, 1);
		drop(zone, OTHER, second);
		check_there("\"content\"", 0);
		free(first);
		free(second);
		free(zone);
	}
}

TEST(twice_added_is_there_once_and_twice_removed_is_gone)
{
	EACH_VENDOR(i)
	{
		char *record = NULL, *zone = find(NAME, "example.com");
		add(zone, VALUE, &record);
		add(zone, VALUE, NULL);
		check_there(VALUE, 1);
		drop(zone, VALUE, record);
		drop(zone, VALUE, record);
		drop(zone, VALUE, NULL);
		check_there("\"content\"", 0);
		free(record);
		free(zone);
	}
}

TEST(foreign_values_stay_and_ours_is_found_without_its_handle)
{
	EACH_VENDOR(i)
	{
		char *zone = find(NAME, "example.com");
		add_foreign("somebody-elses");
		add(zone, VALUE, NULL);
		check_there("somebody-elses", 1);
		module->close(provider);
		/* The next run, after a crash. */
		provider = standin_open(standin, module, vendor->settings);
		drop(zone, VALUE, NULL);
		check_there(VALUE, 0);
		check_there("somebody-elses", 1);
		check_there("\"content\"", 1);
		free(zone);
	}
}

TEST(the_zone_is_the_longest_match_and_never_a_look_alike)
{
	EACH_VENDOR(i)
	{
		free(find("_acme-challenge.www.sub.example.com", "sub.example.com"));
		free(find("_acme-challenge.sub.example.com", "sub.example.com"));
		free(find("_acme-challenge.Nosub.Example.com.", "example.com"));
		free(find("_acme-challenge.notexample.com", "notexample.com"));
		free(find("_acme-challenge.filler-129.test", "filler-129.test"));
		size_t asked = standin_count(standin, "requests", "\"method\"");
		free(find("_acme-challenge.www.sub.example.com", "sub.example.com"));
		CHECK_INT(standin_count(standin, "requests", "\"method\""), asked);
	}
}

TEST(a_zone_that_is_not_there_tells_what_was_tried)
{
	EACH_VENDOR(i)
	{
		struct error err = {0};
		char *id = NULL, *zone = NULL;
		CHECK(!module->find_zone(provider, "_acme-challenge.a.example.org", soon(), &id, &zone, &err));
		CHECK_INT(err.category, ERROR_DNS);
		CHECK_CONTAINS(err.message, module->title);
		CHECK_CONTAINS(err.message, "_acme-challenge.a.example.org, a.example.org, example.org");
		CHECK(err.hint[0] != '\0');
	}
}

TEST(a_value_on_the_last_page_is_found)
{
	EACH_VENDOR(i)
	{
		char value[32];
		if (vendor->crowd == 0)
			continue;
		char *zone = find(NAME, "example.com");
		for (int n = 0; n < vendor->crowd; n++) {
			(void)snprintf(value, sizeof(value), "crowd-%d", n);
			add_foreign(value);
		}
		add(zone, VALUE, NULL);
		add(zone, VALUE, NULL);
		check_there(VALUE, 1);
		drop(zone, VALUE, NULL);
		check_there(VALUE, 0);
		check_there("\"content\"", (size_t)vendor->crowd);
		free(zone);
	}
}

TEST(a_value_at_the_apex_is_no_different)
{
	EACH_VENDOR(i)
	{
		struct error err = {0};
		char *record = NULL, *zone = find(NAME, "example.com");
		CHECK_OK(module->add_txt(provider, zone, "example.com", VALUE, soon(), &record, &err), err);
		check_there("\"name\": \"example.com\"", 1);
		CHECK_OK(module->remove_txt(provider, zone, "example.com", VALUE, NULL, soon(), &err), err);
		check_there(VALUE, 0);
		free(record);
		free(zone);
	}
}

/* Failures. None of them goes through the proxy: its description knows most of them, and forbids the rest. */

static bool is_validated(void)
{
	return getenv("CERTFERRY_VALIDATED") != NULL;
}

/* One kind of failure that lasts. */
static const struct failure {
	const char *fault;
	long status;      /* in the error; 0: any */
	const char *text; /* in message or said; NULL: none */
	bool passes;      /* it might pass, so it is tried until the deadline */
} failures[] = {
	{"{\"kind\":\"status\",\"status\":401,\"message\":\"who are you\",\"count\":99}", 401, "who are you", false},
	{"{\"kind\":\"status\",\"status\":403,\"message\":\"not yours\",\"count\":99}", 403, "not yours", false},
	{"{\"kind\":\"status\",\"status\":422,\"message\":\"odd\",\"count\":99}", 422, "odd", false},
	{"{\"kind\":\"status\",\"status\":429,\"retry_after\":300,\"message\":\"slow down\",\"count\":99}", 429,
	 "slow down", false},
	{"{\"kind\":\"status\",\"status\":500,\"message\":\"our fault\",\"count\":99}", 500, NULL, true},
	{"{\"kind\":\"html\",\"status\":503,\"count\":99}", 503, NULL, true},
	{"{\"kind\":\"truncate\",\"count\":99}", 0, NULL, true},
	{"{\"kind\":\"body\",\"body\":\"{\\\"success\\\":true,\\\"result\\\":[[\",\"count\":99}", 0, NULL, false},
	{"{\"kind\":\"body\",\"body\":\"[]\",\"count\":99}", 0, NULL, false},
	{"{\"kind\":\"reset\",\"count\":99}", 0, NULL, true},
	{"{\"kind\":\"hang\",\"seconds\":5,\"count\":99}", 0, NULL, true},
};

static void check_failure(const struct failure *failure, const struct error *err)
{
	CHECK(error_is_set(err) && err->category != ERROR_INTERNAL && err->category != ERROR_DATA);
	CHECK_CONTAINS(err->message, module->title);
	if (failure->status != 0)
		CHECK_INT(err->http_status, failure->status);
	if (failure->text != NULL)
		CHECK_CONTAINS(err->said, failure->text);
	for (size_t i = 0; vendor->settings[i] != NULL; i += 2) {
		/* Who we are may be told, by what that is proven may not. */
		const char *key = vendor->settings[i];
		bool told = strcmp(key, "api_url") == 0 || strstr(key, "_id") != NULL;
		if (!told && strlen(vendor->settings[i + 1]) > 12)
			CHECK(strstr(err->message, vendor->settings[i + 1]) == NULL &&
			      strstr(err->said, vendor->settings[i + 1]) == NULL);
	}
}

/*
 * The time for an operation that fails, longer each time: until the vendor was heard in it, since on a busy machine a
 * request may take long. Only what might pass lasts until then.
 */
static bool is_heard(const struct failure *failure, const struct error *err, int64_t *ms)
{
	if (*ms == 0)
		*ms = failure->passes ? 250 : 20 * 1000;
	else if (failure->status == 0 || err->http_status != 0 || *ms > 10 * 1000)
		return true;
	else
		*ms *= 2;
	return false;
}

/* For as long as it takes to hear of FAILURE; ERR is the last attempt's. */
#define UNTIL_HEARD(failure, err, ms) \
	for (int64_t ms = 0; !is_heard(failure, &(err), &(ms)) && ((err) = (struct error){0}, true);)

static struct deadline for_failure(int64_t ms)
{
	return deadline_in(ms, /* cancel= */ NULL);
}

TEST(a_search_that_fails_ends_with_the_vendors_words)
{
	for (size_t n = 0; n < sizeof(failures) / sizeof(failures[0]) && !is_validated(); n++) {
		EACH_VENDOR(i)
		{
			struct error err = {0};
			char *id = NULL, *zone = NULL;
			(void)standin_tell(standin, "faults", failures[n].fault);
			UNTIL_HEARD(&failures[n], err, ms)
			CHECK(!module->find_zone(provider, NAME, for_failure(ms), &id, &zone, &err));
			check_failure(&failures[n], &err);
			CHECK(id == NULL && zone == NULL);
		}
	}
}

/* The vendor works again, for another run: within this one it would be left alone for as long as it asked. */
static void mend(void)
{
	(void)standin_tell(standin, "faults", "[]");
	module->close(provider);
	provider = standin_open(standin, module, vendor->settings);
}

TEST(an_addition_that_fails_leaves_the_zone_as_it_was)
{
	for (size_t n = 0; n < sizeof(failures) / sizeof(failures[0]) && !is_validated(); n++) {
		EACH_VENDOR(i)
		{
			struct error err = {0};
			char *record = NULL, *zone = find(NAME, "example.com");
			add_foreign("somebody-elses");
			(void)standin_tell(standin, "faults", failures[n].fault);
			UNTIL_HEARD(&failures[n], err, ms)
			CHECK(!module->add_txt(provider, zone, NAME, VALUE, for_failure(ms), &record, &err));
			check_failure(&failures[n], &err);
			CHECK_CONTAINS(err.message, NAME);
			/* As whoever added does afterwards, since an answer that is lost may have done it all the same.
			 */
			mend();
			drop(zone, VALUE, record);
			check_there(VALUE, 0);
			check_there("somebody-elses", 1);
			free(record);
			free(zone);
		}
	}
}

TEST(a_removal_that_fails_says_so_and_can_be_repeated)
{
	for (size_t n = 0; n < sizeof(failures) / sizeof(failures[0]) && !is_validated(); n++) {
		EACH_VENDOR(i)
		{
			struct error err = {0};
			char *zone = find(NAME, "example.com");
			add_foreign("somebody-elses");
			add(zone, VALUE, NULL);
			(void)standin_tell(standin, "faults", failures[n].fault);
			UNTIL_HEARD(&failures[n], err, ms)
			CHECK(!module->remove_txt(provider, zone, NAME, VALUE, NULL, for_failure(ms), &err));
			check_failure(&failures[n], &err);
			mend();
			drop(zone, VALUE, NULL);
			check_there(VALUE, 0);
			check_there("somebody-elses", 1);
			free(zone);
		}
	}
}

TEST(what_passes_is_outlasted)
{
	static const char *const faults[] = {
		"{\"kind\":\"status\",\"status\":429,\"retry_after\":1}",
		"{\"kind\":\"status\",\"status\":500}",
		"{\"kind\":\"html\",\"status\":502,\"skip\":1}",
		"{\"kind\":\"lost\"}",
		"{\"kind\":\"lost\",\"skip\":1}",
		"{\"kind\":\"truncate\",\"skip\":1}",
		"{\"kind\":\"slow\",\"seconds\":1}",
		"{\"kind\":\"reset\",\"skip\":1}",
	};
	for (size_t n = 0; n < sizeof(faults) / sizeof(faults[0]) && !is_validated(); n++) {
		EACH_VENDOR(i)
		{
			char *zone = find(NAME, "example.com");
			(void)standin_tell(standin, "faults", faults[n]);
			add(zone, VALUE, NULL);
			check_there(VALUE, 1);
			(void)standin_tell(standin, "faults", "[]");
			(void)standin_tell(standin, "faults", faults[n]);
			drop(zone, VALUE, NULL);
			check_there(VALUE, 0);
			free(zone);
		}
	}
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is Route 53's own: record sets written by compare and swap, private and routed ones, its way to throttle,
 * clocks. The stand-in computes signatures itself. test_vendors.c has what every vendor's module must do.
 */
#include "dns-providers/registry.h"
#include "dns-providers/route53.h"
#include "tests/providers/support_standin.h"
#include "tests/providers/support_values.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char NAME[] = "_acme-challenge.www.example.com";
static const char VALUE[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
static const char OTHER[] = "gDu-_x8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFUx";

#define KEYS "access_key_id", "AKIALABORATORY000001", "secret_access_key", "lab/secret+access/key0123456789abcdefghij"

static struct standin *standin, *slow_clock;
static const struct dns_provider_module *module;

static void stop(void)
{
	standin_stop(standin);
	standin_stop(slow_clock);
}

static struct dns_provider *begin(void)
{
	static const char *const args[] = {
		"--zone", "example.com", "--zone", "example.com:private", "--zone", "hidden.example.com:private",
		"--zone", "twice.net",   "--zone", "twice.net",           NULL};
	module = dns_provider_find("route53");
	if (standin == NULL) {
		standin = standin_start("fakes/route53.py", args);
		(void)atexit(stop);
	}
	(void)standin_tell(standin, "reset", "{}");
	return standin_open(standin, module, (const char *const[]){"api_url", "URL", KEYS, NULL});
}

static char *find(struct dns_provider *provider)
{
	return values_find_zone(module, provider, NAME, /* apex= */ NULL);
}

static size_t requests(const char *method)
{
	char text[32];
	(void)snprintf(text, sizeof(text), "\"method\": \"%s\"", method);
	return standin_count(standin, "requests", text);
}

TEST(two_values_come_and_go_in_four_batches_without_a_read)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = begin();
	char *zone = find(provider);
	size_t reads = requests("GET");
	CHECK_OK(module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err), err);
	CHECK_OK(module->add_txt(provider, zone, NAME, OTHER, soon(), &record, &err), err);
	CHECK_INT(standin_count(standin, "records", "\"ttl\": 60"), 2);
	CHECK_OK(module->remove_txt(provider, zone, NAME, VALUE, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", OTHER), 1);
	CHECK_OK(module->remove_txt(provider, zone, NAME, OTHER, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", "\"content\""), 0);
	CHECK_INT(requests("POST"), 4);
	CHECK_INT(requests("GET"), reads);
	free(zone);
	module->close(provider);
}

TEST(another_host_that_writes_in_between_loses_nothing)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *ours = begin();
	struct dns_provider *theirs =
		standin_open(standin, module, (const char *const[]){"api_url", "URL", KEYS, NULL});
	char *zone = find(ours);
	CHECK_OK(module->add_txt(ours, zone, NAME, VALUE, soon(), &record, &err), err);
	CHECK_OK(module->add_txt(theirs, zone, NAME, OTHER, soon(), &record, &err), err);
	CHECK_INT(standin_count(standin, "records", VALUE), 1);
	CHECK_INT(standin_count(standin, "records", OTHER), 1);
	/* What we believe is out of date now. */
	CHECK_OK(module->remove_txt(ours, zone, NAME, VALUE, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", OTHER), 1);
	CHECK_INT(standin_count(standin, "records", "\"content\""), 1);
	CHECK_OK(module->remove_txt(theirs, zone, NAME, OTHER, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", "\"content\""), 0);
	free(zone);
	module->close(ours);
	module->close(theirs);
}

TEST(a_conflict_for_ever_ends_after_eight_tries)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = begin();
	char *zone = find(provider);
	(void)standin_tell(
		standin, "faults",
		"{\"kind\":\"status\",\"status\":400,\"code\":\"InvalidChangeBatch\",\"message\":\"Tried to create "
		"resource record set but it already exists\",\"method\":\"POST\",\"count\":99}");
	CHECK(!module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.said, "InvalidChangeBatch: Tried to create");
	CHECK(err.transient);
	CHECK_INT(requests("POST"), 8);
	CHECK_INT(standin_count(standin, "records", "\"content\""), 0);
	free(zone);
	module->close(provider);
}

TEST(a_cname_in_the_way_is_no_conflict_to_try_again)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = begin();
	char *zone = find(provider);
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"CNAME\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"elsewhere.example.\"}");
	CHECK(!module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.said, "conflicting RRSet of type CNAME");
	CHECK(requests("POST") <= 2);
	free(zone);
	module->close(provider);
}

TEST(sets_of_a_routing_policy_are_refused_with_a_reason)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = begin();
	char *zone = find(provider);
	(void)standin_tell(standin, "records",
			   "{\"zone\":\"example.com\",\"type\":\"TXT\",\"name\":\"_acme-challenge.www.example.com\","
			   "\"content\":\"weighted\",\"set_identifier\":\"blue\"}");
	CHECK(!module->remove_txt(provider, zone, NAME, VALUE, NULL, soon(), &err));
	CHECK_CONTAINS(err.message, "routing policy");
	error_clear(&err);
	CHECK(!module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.said, "non-weighted");
	CHECK_INT(standin_count(standin, "records", "weighted"), 1);
	free(zone);
	module->close(provider);
}

TEST(private_zones_are_passed_over_and_equal_public_ones_are_not_guessed)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	struct dns_provider *provider = begin();
	CHECK_OK(module->find_zone(provider, "_acme-challenge.hidden.example.com", soon(), &id, &zone, &err), err);
	CHECK_STR(zone, "example.com");
	free(id);
	free(zone);
	id = zone = NULL;
	CHECK(!module->find_zone(provider, "_acme-challenge.twice.net", soon(), &id, &zone, &err));
	CHECK_CONTAINS(err.message, "2 public zones are called twice.net");
	CHECK_CONTAINS(err.hint, "hosted_zone_id");
	module->close(provider);
}

TEST(a_hosted_zone_id_needs_no_listing_in_either_form)
{
	struct error err = {0};
	struct dns_provider *provider = begin();
	char *zone = find(provider), *record = NULL;
	module->close(provider);
	for (size_t i = 0; i < 2; i++) {
		char id[64], *found = NULL, *apex = NULL;
		(void)snprintf(id, sizeof(id), i == 0 ? "%s" : "/hostedzone/%s", zone);
		provider = standin_open(standin, module,
					(const char *const[]){"api_url", "URL", KEYS, "hosted_zone_id", id, NULL});
		(void)standin_tell(standin, "reset", "{}");
		CHECK_OK(module->find_zone(provider, NAME, soon(), &found, &apex, &err), err);
		CHECK_STR(found, zone);
		CHECK_OK(module->add_txt(provider, found, NAME, VALUE, soon(), &record, &err), err);
		CHECK_INT(requests("GET"), 0);
		free(found);
		free(apex);
		module->close(provider);
	}
	free(zone);
}

TEST(throttling_is_http_400_and_passes)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = begin();
	char *zone = find(provider);
	(void)standin_tell(standin, "faults",
			   "{\"kind\":\"status\",\"status\":400,\"code\":\"Throttling\",\"count\":2}");
	CHECK_OK(module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err), err);
	(void)standin_tell(standin, "faults",
			   "{\"kind\":\"status\",\"status\":400,\"code\":\"PriorRequestNotComplete\",\"count\":1}");
	CHECK_OK(module->remove_txt(provider, zone, NAME, VALUE, NULL, soon(), &err), err);
	CHECK_INT(standin_count(standin, "records", "\"content\""), 0);
	free(zone);
	module->close(provider);
}

TEST(a_policy_that_lacks_something_is_told_verbatim)
{
	struct error err = {0};
	char *record = NULL;
	struct dns_provider *provider = begin();
	char *zone = find(provider);
	(void)standin_tell(
		standin, "faults",
		"{\"kind\":\"status\",\"status\":403,\"code\":\"AccessDenied\",\"message\":\"User: x is not authorized "
		"to perform: route53:ChangeResourceRecordSets\",\"method\":\"POST\"}");
	CHECK(!module->add_txt(provider, zone, NAME, VALUE, soon(), &record, &err));
	CHECK_CONTAINS(err.said,
		       "AccessDenied: User: x is not authorized to perform: route53:ChangeResourceRecordSets");
	CHECK_CONTAINS(err.hint, "docs/dns-providers.md");
	free(zone);
	module->close(provider);
}

TEST(a_wrong_clock_is_told_with_the_seconds)
{
	static const char *const args[] = {"--zone", "example.com", "--clock-offset", "1000", NULL};
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	module = dns_provider_find("route53");
	slow_clock = standin_start("fakes/route53.py", args);
	struct dns_provider *provider =
		standin_open(slow_clock, module, (const char *const[]){"api_url", "URL", KEYS, NULL});
	CHECK(!module->find_zone(provider, NAME, soon(), &id, &zone, &err));
	CHECK_CONTAINS(err.said, "s behind AWS's");
	CHECK_CONTAINS(err.hint, "clock");
	module->close(provider);
	error_clear(&err);
	/* With a right clock the same code means the secret. */
	module->close(begin());
	provider = standin_open(standin, module,
				(const char *const[]){"api_url", "URL", "access_key_id", "AKIALABORATORY000001",
						      "secret_access_key", "another-secret", NULL});
	CHECK(!module->find_zone(provider, NAME, soon(), &id, &zone, &err));
	CHECK_CONTAINS(err.said, "SignatureDoesNotMatch");
	CHECK_CONTAINS(err.hint, "secret access key");
	CHECK(strstr(err.said, "another-secret") == NULL && strstr(err.message, "another-secret") == NULL);
	module->close(provider);
}

TEST(foreign_values_are_written_back_exactly)
{
	struct error err = {0};
	struct provider_set was = {0}, next = {0};
	struct buf out;
	bool routed = true;
	static const char text[] =
		"<?xml version=\"1.0\"?><ListResourceRecordSetsResponse "
		"xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
		"<ResourceRecordSets><ResourceRecordSet><Name>_ACME-challenge.www.example.com.</Name><Type>TXT</Type>"
		"<TTL>300</TTL><ResourceRecords><ResourceRecord><Value>\"v=spf1 &lt;a&gt; \\\"&amp;\\\"\" \"b\"</Value>"
		"</ResourceRecord></ResourceRecords></ResourceRecordSet></ResourceRecordSets><IsTruncated>true</"
		"IsTruncated>"
		"</ListResourceRecordSetsResponse>";
	CHECK_OK(route53_read_set(text, strlen(text), NAME, &was, &routed, &err), err);
	CHECK(!routed && was.values.len == 1 && was.ttl == 300);
	buf_init(&out, 65536);
	CHECK_OK(route53_write_batch(NAME, &was, &next, &out, &err), err);
	CHECK_CONTAINS(buf_cstr(&out),
		       "<Action>DELETE</Action><ResourceRecordSet><Name>_acme-challenge.www.example.com.</Name>"
		       "<Type>TXT</Type><TTL>300</TTL><ResourceRecords><ResourceRecord><Value>\"v=spf1 "
		       "&lt;a&gt; \\\"&amp;\\\"\" \"b\"</Value>");
	CHECK(strstr(buf_cstr(&out), "CREATE") == NULL);
	buf_done(&out);
	provider_set_done(&was);
	/* Where a listing begins is not always the name asked for. */
	CHECK_OK(route53_read_set(text, strlen(text), "_acme-challenge.w.example.com", &was, &routed, &err), err);
	CHECK_INT(was.values.len, 0);
}

TEST_MAIN()

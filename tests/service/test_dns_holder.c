/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a name's value. The providers are ones whose settings name their zone, so that nobody has to be asked. */
#include "service/dns_holder.h"

#include "config/config.h"
#include "dns-providers/provider.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define CORP(zone) "{type: rfc2136, server: 127.0.0.1, zone: " zone "}"

static const char text[] =
	"email: a@example.com\n"
	"domains:\n"
	"  - {name: www.near.test, dns_provider: near}\n"
	"dns_providers:\n"
	"  program: {type: exec, program: /bin/true}\n"
	"  broken: {type: cloudflare}\n"
	"  above: " CORP(
		"test.test") "\n"
			     "  near: " CORP(
				     "near.test") "\n"
						  "  exact: " CORP(
							  "far.test.test") "\n"
									   "  later: " CORP(
										   "far.test.test") "\n"
												    "  given: {type: "
												    "route53, "
												    "access_key_id: a, "
												    "secret_access_key:"
												    " b, "
												    "hosted_zone_id: "
												    "Z1}\n";

struct world {
	struct config *config;
	struct service *service;
	struct dns_holders holders;
};

/* For a certificate whose own provider is OWN. */
static void start(struct world *world, const char *own)
{
	static struct str_list resolvers;
	static char dir[256];
	struct config_report report = {0};
	struct error err = {0};
	if (resolvers.len == 0)
		CHECK_OK(str_list_add(&resolvers, "127.0.0.1:9", &err), err);
	(void)snprintf(dir, sizeof(dir), "%s/state", test_temp_dir());
	world->config = config_parse(text, strlen(text), "test.yaml", &report, &err);
	CHECK_OK(world->config != NULL, err);
	const struct service_options options = {
		.config = world->config, .state_dir = dir, .create_store = true, .resolvers = &resolvers};
	world->service = service_open(&options, &err);
	CHECK_OK(world->service != NULL, err);
	CHECK_OK(dns_holders_open(world->service, own, NULL, &world->holders, &err), err);
	config_report_done(&report);
}

static void stop(struct world *world)
{
	dns_holders_done(&world->holders);
	service_close(world->service);
	config_free(world->config);
}

/* ASKED by the CA leads to NAME, which DNS has in the zone APEX: who gets it. */
static const char *holder(struct world *world, const char *asked, const char *name, const char *apex)
{
	const struct dns_place_wanted wanted = {.asked = asked, .name = name, .apex = apex};
	CLEANUP(dns_place_done) struct dns_place place = {0};
	struct error err = {0};
	CHECK_OK(dns_holders_find(&world->holders, &wanted, deadline_in(5000, NULL), &place, &err), err);
	return place.holder->name;
}

TEST(the_certificates_own_provider_comes_first)
{
	struct world world;
	start(&world, "near");
	CHECK_STR(holder(&world, "_acme-challenge.www.near.test", "_acme-challenge.www.near.test", "near.test"),
		  "near");
	CHECK_STR(holder(&world, "_acme-challenge.www.near.test", "_acme-challenge.www.near.test", ""), "near");
	/* Nobody else was opened for that. */
	for (size_t i = 1; i < world.holders.count; i++)
		CHECK(world.holders.items[i].provider == NULL && world.holders.items[i].trouble == NULL);
	stop(&world);
}

TEST(then_the_others_in_the_order_of_the_config)
{
	struct world world;
	start(&world, "near");
	CHECK_STR(holder(&world, "_acme-challenge.near.test", "a.far.test.test", "far.test.test"), "exact");
	/* The zone that DNS names goes before one above it. */
	CHECK_STR(holder(&world, "_acme-challenge.near.test", "a.test.test", "test.test"), "above");
	/* It is not known which: the first that holds the name. */
	CHECK_STR(holder(&world, "_acme-challenge.near.test", "a.far.test.test", ""), "above");
	/* Nobody has the very zone: one that has a zone above it. */
	CHECK_STR(holder(&world, "_acme-challenge.near.test", "a.b.test.test", "b.test.test"), "above");
	stop(&world);
}

TEST(one_that_takes_any_name_is_not_asked_for_those_of_others)
{
	struct world world;
	start(&world, "given");
	CHECK_STR(holder(&world, "_acme-challenge.a.org", "_acme-challenge.a.org", "a.org"), "given");
	CHECK_STR(holder(&world, "_acme-challenge.a.org", "a.far.test.test", "far.test.test"), "exact");
	/* What nobody else has may be in its zone. */
	CHECK_STR(holder(&world, "_acme-challenge.a.org", "a.b.org", "b.org"), "given");
	stop(&world);
	start(&world, "program");
	CHECK_STR(holder(&world, "_acme-challenge.a.org", "a.b.org", "b.org"), "program");
	stop(&world);
}

TEST(nobody_has_the_zone)
{
	const struct dns_place_wanted wanted = {
		.asked = "_acme-challenge.near.test", .name = "a.b.org", .apex = "b.org"};
	struct dns_place place = {0};
	struct error err = {0};
	struct world world;
	start(&world, "near");
	CHECK(!dns_holders_find(&world.holders, &wanted, deadline_in(5000, NULL), &place, &err));
	CHECK_INT(err.category, ERROR_DNS);
	CHECK_CONTAINS(err.message, "a.b.org is not in the configured zone near.test");
	CHECK_CONTAINS(err.message, "asked too: broken (");
	CHECK_CONTAINS(err.message, ", above, exact, later");
	CHECK_CONTAINS(err.hint, "the zone b.org");
	CHECK(place.holder == NULL);
	stop(&world);
}

TEST_MAIN()

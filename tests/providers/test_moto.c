/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route 53 against moto at $CERTFERRY_MOTO_URL, which tests/system/test_201_moto.py starts with a zone ferry.test;
 * without that variable there is nothing to do.
 */
#include "dns-providers/registry.h"
#include "tests/support/test.h"
#include "transport/http.h"

#include <stdlib.h>
#include <string.h>

static const char *const VALUES[] = {"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
				     "gDu-_x8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFUx"};

static struct deadline soon(void)
{
	return deadline_in(30 * 1000, /* cancel= */ NULL);
}

/*
 * Two values come and go; with ROLE, by the keys of a role. NAME is another one each time:
 * moto refuses a CREATE that it has seen before, even behind the DELETE that makes room for it.
 */
static void round_trip(const char *url, const char *name, const char *role)
{
	const struct dns_provider_module *module = dns_provider_find("route53");
	const struct http_client_options options = {0};
	struct error err = {0};
	struct secret address = {0}, arn = {0};
	char *zone = NULL, *apex = NULL, *record = NULL;
	struct http_client *client = http_client_new(&options, &err);

	CHECK_OK(client != NULL, err);
	CHECK_OK(secret_set(&address, url, strlen(url), &err) && secret_set(&arn, role, strlen(role), &err), err);
	const struct dns_setting settings[] = {{"api_url", &address}, {"sts_url", &address}, {"role_arn", &arn}};
	struct dns_provider *provider = module->open(settings, role[0] != '\0' ? 3 : 2, client, &err);
	CHECK_OK(provider != NULL, err);
	CHECK_OK(module->find_zone(provider, name, soon(), &zone, &apex, &err), err);
	CHECK_STR(apex, "ferry.test");
	for (size_t i = 0; i < 2; i++)
		CHECK_OK(module->add_txt(provider, zone, name, VALUES[i], soon(), &record, &err), err);
	CHECK_OK(module->add_txt(provider, zone, name, VALUES[0], soon(), &record, &err), err);
	for (size_t i = 0; i < 2; i++)
		CHECK_OK(module->remove_txt(provider, zone, name, VALUES[i], NULL, soon(), &err), err);
	CHECK_OK(module->remove_txt(provider, zone, name, VALUES[0], NULL, soon(), &err), err);
	module->close(provider);
	http_client_free(client);
	secret_done(&address);
	secret_done(&arn);
	free(zone);
	free(apex);
}

TEST(two_values_come_and_go)
{
	const char *url = getenv("CERTFERRY_MOTO_URL");
	if (url != NULL)
		round_trip(url, "_acme-challenge.www.ferry.test", "");
}

TEST(by_the_keys_of_a_role)
{
	const char *url = getenv("CERTFERRY_MOTO_URL");
	if (url != NULL)
		round_trip(url, "_acme-challenge.role.ferry.test", "arn:aws:iam::123456789012:role/acme");
}

TEST_MAIN()

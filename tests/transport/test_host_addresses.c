/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/host_addresses.h"

#include "base/limits.h"
#include "tests/support/test.h"

#include <arpa/inet.h>

static struct deadline soon(void)
{
	return deadline_in(60 * 1000, /* cancel= */ NULL);
}

TEST(given_addresses_are_taken_and_nobody_is_asked)
{
	char v6[] = "2001:db8::1", v4[] = "192.0.2.1";
	char *items[] = {v6, v4};
	const struct str_list given = {items, ARRAY_LEN(items)};
	struct error err = {0};
	size_t count = 0;
	struct dns_address *addresses =
		host_addresses("no-resolver-knows-this.invalid", 22, &given, soon(), &count, &err);
	CHECK_OK(addresses != NULL, err);
	CHECK_INT(count, 2);
	CHECK_STR(addresses[0].text, "[2001:db8::1]:22");
	CHECK_STR(addresses[1].text, "192.0.2.1:22");
	free(addresses);
}

TEST(without_them_the_system_is_asked)
{
	const struct str_list none = {0};
	struct error err = {0};
	size_t count = 0;
	struct dns_address *addresses = host_addresses("127.0.0.1", 443, &none, soon(), &count, &err);
	CHECK_OK(addresses != NULL, err);
	CHECK_INT(count, 1);
	CHECK_INT(ntohs(((struct sockaddr_in *)&addresses[0].addr)->sin_port), 443);
	free(addresses);
	addresses = host_addresses("::1", 443, NULL, soon(), &count, &err);
	CHECK_OK(addresses != NULL, err);
	CHECK_INT(ntohs(((struct sockaddr_in6 *)&addresses[0].addr)->sin6_port), 443);
	free(addresses);
	CHECK(host_addresses("no-resolver-knows-this.invalid", 443, NULL, soon(), &count, &err) == NULL);
	CHECK_INT(err.category, ERROR_NETWORK);
	CHECK_CONTAINS(err.message, "no-resolver-knows-this.invalid");
}

TEST(no_more_than_the_limit)
{
	char address[] = "192.0.2.1";
	char *items[LIMIT_HOST_ADDRESSES + 1];
	const struct str_list given = {items, ARRAY_LEN(items)};
	struct error err = {0};
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		items[i] = address;
	struct dns_address *addresses = host_addresses("a", 22, &given, soon(), &count, &err);
	CHECK_OK(addresses != NULL, err);
	CHECK_INT(count, LIMIT_HOST_ADDRESSES);
	free(addresses);
}

TEST_MAIN()

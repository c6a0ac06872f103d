/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud's metadata addresses are reached by who asks for them, and by nobody else. */
#include "tests/support/test.h"
#include "transport/http.h"
#include "transport/http_policy.h"

#include <string.h>

TEST(exactly_the_literal_addresses)
{
	CHECK(http_host_is_metadata("169.254.169.254") && http_host_is_metadata("169.254.170.2"));
	CHECK(http_host_is_metadata("169.254.170.23") && http_host_is_metadata("[fd00:ec2::254]"));
	CHECK(http_host_is_metadata("[FD00:0EC2::23]"));
	CHECK(!http_host_is_metadata("169.254.169.253") && !http_host_is_metadata("metadata.google.internal"));
	CHECK(!http_host_is_metadata("169.254.169.254.nip.io") && !http_host_is_metadata("[fd00:ec2::1]"));
	CHECK(!http_host_is_metadata("0xa9fea9fe") && !http_host_is_metadata("::ffff:169.254.169.254"));
}

/* How a request to URL fails where no cloud is around: by the policy, or by the network. */
static void try_url(const char *url, bool metadata, struct error *ret)
{
	struct http_client_options options = {0};
	struct error err = {0};
	struct http_client *client = http_client_new(&options, &err);
	CHECK_OK(client != NULL, err);
	struct http_exchange exchange = {.request = {.url = url, .max_response = 1024, .metadata = metadata}};
	(void)http_send(client, &exchange, 1, deadline_in(300, NULL), &err);
	*ret = exchange.error;
	http_response_done(&exchange.response);
	http_client_free(client);
}

TEST(only_a_request_that_says_so_may_go_there)
{
	struct error err;
	try_url("http://169.254.169.254/latest/api/token", false, &err);
	CHECK_CONTAINS(err.message, "only https is allowed");
	try_url("https://169.254.169.254/latest/api/token", false, &err);
	CHECK_CONTAINS(err.message, "link-local");
	try_url("http://192.0.2.1/", true, &err);
	CHECK_CONTAINS(err.message, "only https is allowed");
	try_url("https://169.254.1.1/", true, &err);
	CHECK_CONTAINS(err.message, "link-local");
	try_url("http://169.254.169.254/latest/api/token", true, &err);
	CHECK(strstr(err.message, "refused") == NULL && strstr(err.message, "only https") == NULL);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* The label of the draft's example, and of a real CA's form of URL. */
#include "acme/dns_account.h"

#include "tests/support/test.h"

#include <string.h>

TEST(labels)
{
	static const char *const cases[][2] = {
		{"https://example.com/acme/acct/ExampleAccount", "_ujmmovf2vn55tgye"},
		{"https://acme-v02.api.letsencrypt.org/acme/acct/1234567890", "_rhuccyogo34zlvsj"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char label[DNS_ACCOUNT_LABEL_SIZE];
		struct error err = {0};
		CHECK_OK(dns_account_label(cases[i][0], label, &err), err);
		CHECK_STR(label, cases[i][1]);
	}
}

/* Not normalised: an account URL is what Location said, byte for byte. */
TEST(spelling_counts)
{
	char label[DNS_ACCOUNT_LABEL_SIZE];
	struct error err = {0};
	CHECK_OK(dns_account_label("https://EXAMPLE.com/acme/acct/ExampleAccount", label, &err), err);
	CHECK(strcmp(label, "_ujmmovf2vn55tgye") != 0);
}

TEST_MAIN()

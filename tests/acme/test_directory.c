/* SPDX-License-Identifier: Apache-2.0 */
/* Directories: what may be missing, and what may not. */
#include "acme/directory.h"

#include "base/buf.h"
#include "base/limits.h"
#include "tests/support/test.h"

#include <string.h>

#define REQUIRED "\"newNonce\":\"https://ca/n\",\"newAccount\":\"https://ca/a\",\"newOrder\":\"https://ca/o\""

static bool parse(const char *text, struct acme_directory *ret, struct error *err)
{
	return directory_parse(text, strlen(text), ret, err);
}

TEST(whole)
{
	struct acme_directory directory = {0};
	struct error err = {0};
	CHECK_OK(parse("{" REQUIRED
		       ",\"revokeCert\":\"https://ca/r\",\"newAuthz\":\"https://ca/z\",\"keyChange\":\"https://ca/k\","
		       "\"renewalInfo\":\"https://ca/i\",\"meta\":{\"termsOfService\":\"https://"
		       "t\",\"website\":\"https://w\","
		       "\"externalAccountRequired\":true,\"caaIdentities\":[\"ca\"],\"profiles\":{\"x\":\"y\"}}}",
		       &directory, &err),
		 err);
	CHECK_STR(directory.new_order, "https://ca/o");
	CHECK_STR(directory.renewal_info, "https://ca/i");
	CHECK_STR(directory.terms_of_service, "https://t");
	CHECK(directory.external_account_required);
	CHECK_STR(directory.new_authz, "https://ca/z");
	CHECK_INT(directory.profiles.count, 1);
	CHECK_STR(directory.profiles.items[0].text, "y");
	directory_done(&directory);
}

TEST(names_of_the_ca)
{
	struct acme_directory directory = {0};
	struct error err = {0};
	CHECK_OK(parse("{" REQUIRED ",\"meta\":{\"caaIdentities\":[\"ca.example\",7,\"no name\",\"ca.example\"],"
		       "\"issuerDomainNames\":[\"ca.example\",\"two.example\"],\"accountHashPrefix\":\"https://p/\"}}",
		       &directory, &err),
		 err);
	CHECK_INT(directory.caa_identities.len, 1);
	CHECK_STR(directory.caa_identities.items[0], "ca.example");
	CHECK_INT(directory.issuer_names.len, 2);
	CHECK_STR(directory.account_hash_prefix, "https://p/");
	directory_done(&directory);
}

/* What is wrong with them costs nothing but what they are for. */
TEST(names_that_are_none)
{
	static const char *const cases[] = {
		"{\"caaIdentities\":\"ca.example\",\"issuerDomainNames\":[\"ca.example\",\"Two.example\"]}",
		"{\"caaIdentities\":null,\"issuerDomainNames\":[],\"accountHashPrefix\":7}",
		"{\"issuerDomainNames\":[\"ca.example\",null],\"accountHashPrefix\":\"a;b\"}",
		("{\"issuerDomainNames\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\"],"
		 "\"accountHashPrefix\":\"\"}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_done) struct buf text;
		struct acme_directory directory = {0};
		struct error err = {0};
		buf_init(&text, 4096);
		buf_printf(&text, "{" REQUIRED ",\"meta\":%s}", cases[i]);
		CHECK_OK(parse(buf_cstr(&text), &directory, &err), err);
		CHECK_INT(directory.caa_identities.len, 0);
		CHECK_INT(directory.issuer_names.len, 0);
		CHECK(directory.account_hash_prefix == NULL);
		directory_done(&directory);
	}
}

TEST(least)
{
	static const char *const cases[] = {
		"{" REQUIRED "}",
		"{" REQUIRED ",\"meta\":null,\"renewalInfo\":null}",
		"{" REQUIRED ",\"meta\":{},\"random\":{\"deep\":[1]}}",
		"{" REQUIRED ",\"meta\":{\"termsOfService\":null,\"externalAccountRequired\":null}}",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct acme_directory directory = {0};
		struct error err = {0};
		CHECK_OK(parse(cases[i], &directory, &err), err);
		CHECK(directory.terms_of_service == NULL && directory.renewal_info == NULL);
		CHECK(!directory.external_account_required);
		directory_done(&directory);
	}
}

TEST(refused)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"newNonce\":\"https://ca/n\",\"newAccount\":\"https://ca/a\"}",
		"{" REQUIRED ",\"newNonce\":\"https://twice\"}",
		"{\"newNonce\":7,\"newAccount\":\"https://ca/a\",\"newOrder\":\"https://ca/o\"}",
		"{\"newNonce\":null,\"newAccount\":\"https://ca/a\",\"newOrder\":\"https://ca/o\"}",
		"{" REQUIRED ",\"meta\":[]}",
		"{" REQUIRED "} trailing",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct acme_directory directory = {0};
		struct error err = {0};
		if (parse(cases[i], &directory, &err))
			test_fail(__FILE__, __LINE__, "taken: %s", cases[i]);
		CHECK_INT(err.category, ERROR_DATA);
	}
}

TEST_MAIN()

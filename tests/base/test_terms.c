/* SPDX-License-Identifier: Apache-2.0 */
#include "base/terms.h"

#include "tests/support/test.h"

TEST(key_types_have_one_word_each)
{
	static const char *const words[] = {"ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		enum key_type type = KEY_TYPE_RSA_4096;
		CHECK(key_type_parse(words[i], &type));
		CHECK_STR(key_type_name(type), words[i]);
	}
	enum key_type type = KEY_TYPE_RSA_3072;
	CHECK(!key_type_parse("rsa-1024", &type));
	CHECK(!key_type_parse("RSA-2048", &type));
	CHECK(!key_type_parse("", &type));
	CHECK_INT(type, KEY_TYPE_RSA_3072);
}

TEST(challenge_types_have_one_word_each)
{
	static const char *const words[] = {"http-01", "dns-01", "tls-alpn-01", "dns-account-01", "dns-persist-01"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		CHECK(challenge_type_parse(words[i]) != CHALLENGE_UNKNOWN);
		CHECK_STR(challenge_type_name(challenge_type_parse(words[i])), words[i]);
	}
	CHECK_INT(challenge_type_parse("tls-sni-01"), CHALLENGE_UNKNOWN);
	CHECK_INT(challenge_type_parse("unknown"), CHALLENGE_UNKNOWN);
	CHECK_STR(challenge_type_name(CHALLENGE_UNKNOWN), "unknown");
	CHECK(challenge_type_usage(CHALLENGE_UNKNOWN) == NULL && challenge_type_usage(CHALLENGE_HTTP_01) != NULL);
	CHECK(challenge_type_is_dns(CHALLENGE_DNS_PERSIST_01) && !challenge_type_is_dns(CHALLENGE_TLS_ALPN_01));
}

TEST_MAIN()

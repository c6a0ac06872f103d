/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: made, written, read back; what no CA takes is refused when it is read. */
#include "acme/key.h"

#include "base/buf.h"
#include "support_keys.h"
#include "tests/support/test.h"

#include <string.h>

static void refuse(const char *pem, const char *reason)
{
	struct error err = {0};
	struct secret secret = {0};
	CHECK_OK(secret_set(&secret, pem, strlen(pem), &err), err);
	CHECK(key_from_pem(&secret, &err) == NULL);
	CHECK_INT(err.category, ERROR_DATA);
	CHECK_CONTAINS(err.message, reason);
	secret_done(&secret);
}

TEST(every_type_survives_pem)
{
	static const struct {
		enum key_type type;
		const char *alg;
	} cases[] = {
		{KEY_TYPE_ECDSA_P256, "ES256"}, {KEY_TYPE_ECDSA_P384, "ES384"}, {KEY_TYPE_RSA_2048, "RS256"},
		{KEY_TYPE_RSA_3072, "RS256"},   {KEY_TYPE_RSA_4096, "RS256"},   {KEY_TYPE_ED25519, "EdDSA"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		struct secret pem = {0};
		struct acme_signer signer, again;
		struct key *key = key_generate(cases[i].type, &err);
		CHECK_OK(key != NULL, err);
		CHECK_OK(key_to_pem(key, &pem, &err), err);
		CHECK_CONTAINS(pem.data, "-----BEGIN PRIVATE KEY-----");
		struct key *copy = key_from_pem(&pem, &err);
		CHECK_OK(copy != NULL, err);
		CHECK_INT(key_get_type(copy), cases[i].type);
		CHECK_OK(key_signer(key, &signer, &err) && key_signer(copy, &again, &err), err);
		CHECK_STR(signer.alg, cases[i].alg);
		CHECK_STR(again.jwk, signer.jwk);
		secret_done(&pem);
		key_free(key);
		key_free(copy);
	}
}

TEST(two_generated_keys_differ)
{
	struct error err = {0};
	struct acme_signer a, b;
	struct key *first = key_generate(KEY_TYPE_ECDSA_P256, &err);
	struct key *second = key_generate(KEY_TYPE_ECDSA_P256, &err);
	CHECK_OK(key_signer(first, &a, &err) && key_signer(second, &b, &err), err);
	CHECK(strcmp(a.jwk, b.jwk) != 0);
	key_free(first);
	key_free(second);
}

TEST(traditional_pem_is_read)
{
	struct key *key = vector_key(vector_ec_traditional_pem);
	CHECK_INT(key_get_type(key), KEY_TYPE_ECDSA_P256);
	key_free(key);
}

/* Without a prompt: a test that waits for a terminal would hang here. */
TEST(encrypted_key_is_refused_without_asking)
{
	refuse(vector_ec_encrypted_pem, "encrypted");
}

TEST(other_keys_are_refused)
{
	refuse(vector_p521_pem, "neither P-256 nor P-384");
	refuse(vector_rsa_1024_pem, "1024 bits");
	refuse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key");
	refuse("hello", "no private key");
	refuse("", "no private key");
}

TEST(a_type_for_each_algorithm)
{
	enum key_type type = KEY_TYPE_ECDSA_P256;
	CHECK(key_type_for_algorithm("RS256", &type));
	CHECK_INT(type, KEY_TYPE_RSA_2048);
	CHECK(key_type_for_algorithm("ES384", &type));
	CHECK_INT(type, KEY_TYPE_ECDSA_P384);
	CHECK(key_type_for_algorithm("EdDSA", &type));
	CHECK_INT(type, KEY_TYPE_ED25519);
	CHECK(!key_type_for_algorithm("ES512", &type) && !key_type_for_algorithm("HS256", &type));
	CHECK(!key_type_for_algorithm("none", &type));
}

TEST_MAIN()

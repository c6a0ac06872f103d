/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS #12 as OpenSSL's own reader finds it, the same each time, and nothing of the key in plain sight. */
#include "acme/pkcs12.h"

#include "acme/openssl.h"
#include "base/limits.h"
#include "support_certificates.h"
#include "support_keys.h"
#include "tests/support/test.h"

#include <openssl/pkcs12.h>
#include <string.h>

enum { NOW = 1795478400, DAY = 86400 };

static struct chain *make_chain(struct key *leaf_key, struct key *ca_key, int64_t not_after)
{
	struct buf pem CLEANUP(buf_done);
	struct error err = {0};
	const struct certificate_spec ca_spec = {.subject = "Test Root",
						 .ca = true,
						 .key = ca_key,
						 .not_before = NOW - DAY,
						 .not_after = NOW + 2 * (int64_t)DAY};
	X509 *ca = make_certificate(&ca_spec);
	const struct certificate_spec spec = {.names = "DNS:a.example",
					      .key = leaf_key,
					      .issuer = ca,
					      .issuer_key = ca_key,
					      .not_before = NOW - DAY,
					      .not_after = not_after};
	X509 *leaf = make_certificate(&spec);
	buf_init(&pem, LIMIT_CHAIN_BODY);
	append_certificate(&pem, leaf);
	append_certificate(&pem, ca);
	X509_free(leaf);
	X509_free(ca);
	struct chain *chain = chain_parse(buf_cstr(&pem), pem.len, &err);
	CHECK_OK(chain != NULL, err);
	return chain;
}

static void make(const struct key *key, const struct chain *chain, const char *password, struct secret *ret)
{
	struct secret secret CLEANUP(secret_done) = {0};
	struct error err = {0};
	CHECK_OK(secret_set(&secret, password, strlen(password), &err), err);
	CHECK_OK(pkcs12_make(key, chain, "a.example", &secret, ret, &err), err);
}

/* The key and chain inside are KEY and CHAIN, and PASSWORD alone opens it. */
static void check_content(const struct secret *file, const struct key *key, const struct chain *chain,
			  const char *password)
{
	const unsigned char *at = (const unsigned char *)file->data;
	EVP_PKEY *got = NULL;
	X509 *leaf = NULL;
	STACK_OF(X509) *more = NULL;
	PKCS12 *pkcs12 = d2i_PKCS12(NULL, &at, (long)file->len);
	CHECK(pkcs12 != NULL && at == (const unsigned char *)file->data + file->len);
	CHECK(PKCS12_verify_mac(pkcs12, "wrong", -1) == 0);
	CHECK(PKCS12_parse(pkcs12, password, &got, &leaf, &more) == 1);
	CHECK(EVP_PKEY_eq(got, key->pkey) == 1);
	CHECK(X509_cmp(leaf, sk_X509_value(chain->certificates, 0)) == 0);
	CHECK_STR((const char *)X509_alias_get0(leaf, NULL), "a.example");
	CHECK_INT(sk_X509_num(more), 1);
	CHECK(X509_cmp(sk_X509_value(more, 0), sk_X509_value(chain->certificates, 1)) == 0);
	EVP_PKEY_free(got);
	X509_free(leaf);
	sk_X509_pop_free(more, X509_free);
	PKCS12_free(pkcs12);
}

TEST(key_and_chain_are_inside_and_the_file_is_the_same_each_time)
{
	static const char *const pems[] = {vector_ec_pem, vector_rsa_pem};
	struct key *ca_key CLEANUP(key_freep) = vector_key(vector_short_x_pem);
	for (size_t i = 0; i < ARRAY_LEN(pems); i++) {
		struct key *key CLEANUP(key_freep) = vector_key(pems[i]);
		struct chain *chain CLEANUP(chain_freep) = make_chain(key, ca_key, NOW + DAY);
		struct secret first CLEANUP(secret_done) = {0}, again CLEANUP(secret_done) = {0};
		make(key, chain, "change it", &first);
		make(key, chain, "change it", &again);
		check_content(&first, key, chain, "change it");
		CHECK(secret_equal(&first, &again));
	}
}

/* Salt and IV of the key's encryption: behind OBJECT IDENTIFIER PBKDF2 and aes256-CBC. */
static void find_salt(const struct secret *file, unsigned char salt[16])
{
	static const unsigned char pbkdf2[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C};
	const unsigned char *found = memmem(file->data, file->len, pbkdf2, sizeof(pbkdf2));
	CHECK(found != NULL);
	const unsigned char *octets = found + sizeof(pbkdf2) + 2; /* behind SEQUENCE and its length */
	CHECK(octets[0] == 0x04 && octets[1] == 16);
	memcpy(salt, octets + 2, 16);
}

TEST(another_certificate_has_another_salt)
{
	struct key *ca_key CLEANUP(key_freep) = vector_key(vector_short_x_pem);
	struct key *key CLEANUP(key_freep) = vector_key(vector_ec_pem);
	struct chain *one CLEANUP(chain_freep) = make_chain(key, ca_key, NOW + DAY);
	struct chain *other CLEANUP(chain_freep) = make_chain(key, ca_key, NOW + DAY + 1);
	struct secret first CLEANUP(secret_done) = {0}, second CLEANUP(secret_done) = {0};
	unsigned char salts[2][16];
	make(key, one, "x", &first);
	make(key, other, "x", &second);
	find_salt(&first, salts[0]);
	find_salt(&second, salts[1]);
	CHECK(memcmp(salts[0], salts[1], 16) != 0);
	/* The private part does not stand there as it is. */
	unsigned char d[32];
	BIGNUM *number = NULL;
	CHECK(EVP_PKEY_get_bn_param(key->pkey, "priv", &number) == 1 && BN_bn2binpad(number, d, sizeof(d)) == 32);
	CHECK(memmem(first.data, first.len, d, sizeof(d)) == NULL);
	BN_clear_free(number);
}

TEST(without_a_password_there_is_none)
{
	struct key *key CLEANUP(key_freep) = vector_key(vector_ec_pem);
	struct chain *chain CLEANUP(chain_freep) = make_chain(key, key, NOW + DAY);
	struct secret none = {0}, file = {0};
	struct error err = {0};
	CHECK(!pkcs12_make(key, chain, "a.example", &none, &file, &err));
	CHECK(file.data == NULL);
}

TEST_MAIN()

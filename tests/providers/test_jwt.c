/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens are verified here with the public key, as a token endpoint does. */
#include "base/base64url.h"
#include "dns-providers/jwt.h"
#include "tests/support/test.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

static EVP_PKEY *pkey;

/* PKEY_ as PEM, with a password unless that is NULL. */
static struct secret to_pem(EVP_PKEY *from, const char *password)
{
	struct secret ret = {0};
	struct error err = {0};
	char *data = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char word[16] = {0};
	size_t len = password != NULL ? strlen(password) : 0;
	if (len > 0)
		memcpy(word, password, len);
	CHECK_INT(PEM_write_bio_PKCS8PrivateKey(bio, from, len > 0 ? EVP_aes_128_cbc() : NULL, (char *)word, (int)len,
						NULL, NULL),
		  1);
	long size = BIO_get_mem_data(bio, &data);
	CHECK_OK(secret_set(&ret, data, (size_t)size, &err), err);
	BIO_free(bio);
	return ret;
}

static struct jwt_key *read_key(void)
{
	struct error err = {0};
	if (pkey == NULL)
		pkey = EVP_RSA_gen(2048);
	struct secret pem = to_pem(pkey, NULL);
	struct jwt_key *key = jwt_key_read(pem.data, pem.len, "the lab", &err);
	CHECK_OK(key != NULL, err);
	secret_done(&pem);
	return key;
}

static bool verifies(const char *token, bool pss)
{
	const char *dot = strrchr(token, '.');
	struct buf signature;
	EVP_PKEY_CTX *padding = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	buf_init(&signature, 4096);
	CHECK(base64url_decode(&signature, dot + 1, strlen(dot + 1)));
	CHECK_INT(EVP_DigestVerifyInit(ctx, &padding, EVP_sha256(), NULL, pkey), 1);
	if (pss) {
		CHECK_INT(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING), 1);
		CHECK_INT(EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, 32), 1);
	}
	bool ok = EVP_DigestVerify(ctx, (unsigned char *)signature.data, signature.len, (const unsigned char *)token,
				   (size_t)(dot - token)) == 1;
	EVP_MD_CTX_free(ctx);
	buf_done(&signature);
	return ok;
}

TEST(a_token_has_its_header_its_claims_and_a_signature_that_verifies)
{
	struct error err = {0};
	struct secret token = {0};
	struct buf text;
	struct jwt_key *key = read_key();
	buf_init(&text, 4096);
	CHECK_OK(jwt_sign(key, JWT_RS256, "kid", "k-1", "{\"iss\":\"me\"}", &token, &err), err);
	const char *first = strchr(token.data, '.'), *second = strchr(first + 1, '.');
	CHECK(base64url_decode(&text, token.data, (size_t)(first - token.data)));
	CHECK_STR(buf_cstr(&text), "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k-1\"}");
	buf_reset(&text);
	CHECK(base64url_decode(&text, first + 1, (size_t)(second - first - 1)));
	CHECK_STR(buf_cstr(&text), "{\"iss\":\"me\"}");
	CHECK(verifies(token.data, false) && !verifies(token.data, true));
	CHECK_OK(jwt_sign(key, JWT_PS256, NULL, NULL, "{}", &token, &err), err);
	CHECK(verifies(token.data, true) && !verifies(token.data, false));
	buf_done(&text);
	secret_done(&token);
	jwt_key_free(key);
}

TEST(keys_that_cannot_sign_are_refused_with_their_source)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256"), *weak = EVP_RSA_gen(1024), *good = EVP_RSA_gen(2048);
	struct secret pems[] = {to_pem(ec, NULL), to_pem(weak, NULL), to_pem(good, "hush"), {0}};
	static const char *const why[] = {"no RSA key of 2048 to 8192 bits", "no RSA key of 2048 to 8192 bits",
					  "no private key that can be read", "no private key that can be read"};
	for (size_t i = 0; i < 4; i++) {
		struct error err = {0};
		CHECK(jwt_key_read(pems[i].data != NULL ? pems[i].data : "", pems[i].len, "the setting x", &err) ==
		      NULL);
		CHECK_INT(err.category, ERROR_CONFIG);
		CHECK_CONTAINS(err.message, "the setting x");
		CHECK_CONTAINS(err.message, why[i]);
		secret_done(&pems[i]);
	}
	EVP_PKEY_free(ec);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(good);
}

/* A certificate for FOR_KEY, appended to PEM. */
static void add_certificate(EVP_PKEY *for_key, struct buf *pem, unsigned char hash[32])
{
	char *data = NULL;
	unsigned size = 0;
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *cert = X509_new();
	CHECK(X509_gmtime_adj(X509_getm_notBefore(cert), 0) != NULL);
	CHECK(X509_gmtime_adj(X509_getm_notAfter(cert), 3600) != NULL);
	CHECK_INT(X509_set_pubkey(cert, for_key), 1);
	CHECK(X509_sign(cert, for_key, EVP_sha256()) > 0);
	CHECK_INT(X509_digest(cert, EVP_sha256(), hash, &size), 1);
	CHECK_INT(PEM_write_bio_X509(bio, cert), 1);
	long len = BIO_get_mem_data(bio, &data);
	buf_append(pem, data, (size_t)len);
	BIO_free(bio);
	X509_free(cert);
}

TEST(the_thumbprint_is_of_the_certificate_that_belongs_to_the_key)
{
	struct error err = {0};
	struct buf pem, thumbprint, want;
	unsigned char other_hash[32], hash[32];
	struct jwt_key *key = read_key();
	EVP_PKEY *other = EVP_RSA_gen(2048);
	buf_init(&pem, 65536);
	buf_init(&thumbprint, 256);
	buf_init(&want, 256);
	add_certificate(other, &pem, other_hash);
	CHECK(!jwt_thumbprint(key, buf_cstr(&pem), pem.len, "the setting c", &thumbprint, &err));
	CHECK_CONTAINS(err.message, "the setting c holds no certificate for its key");
	add_certificate(pkey, &pem, hash);
	err = (struct error){0};
	CHECK_OK(jwt_thumbprint(key, buf_cstr(&pem), pem.len, "the setting c", &thumbprint, &err), err);
	base64url_encode(&want, hash, sizeof(hash));
	CHECK_STR(buf_cstr(&thumbprint), buf_cstr(&want));
	buf_done(&pem);
	buf_done(&thumbprint);
	buf_done(&want);
	EVP_PKEY_free(other);
	jwt_key_free(key);
	EVP_PKEY_free(pkey);
	pkey = NULL;
}

TEST_MAIN()

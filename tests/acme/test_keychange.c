/* SPDX-License-Identifier: Apache-2.0 */
/* Key rollover against a scripted CA: each TRANSCRIPT is tests/transcripts/<its name>.txt. */
#include "acme/keychange.h"

#include "acme/openssl.h"
#include "base/base64url.h"
#include "base/json.h"
#include "support_keys.h"
#include "support_transcript.h"
#include "tests/support/test.h"

#include <openssl/ec.h>
#include <stdio.h>
#include <string.h>

#define TRANSCRIPT(name)               \
	TEST(name)                     \
	{                              \
		transcript_run(#name); \
	}

TRANSCRIPT(key_change)
TRANSCRIPT(key_change_bad_nonce)
TRANSCRIPT(key_change_conflict)
TRANSCRIPT(key_change_lost)
TRANSCRIPT(key_change_not_offered)
TRANSCRIPT(key_change_without_effect)

static void sha256_of_base64url(const struct buf *bytes, char ret[65])
{
	unsigned char digest[32];
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, 16384);
	base64url_encode(&text, bytes->data, bytes->len);
	CHECK(EVP_Digest(text.data, text.len, digest, NULL, EVP_sha256(), NULL) == 1);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

/* The outer JWS of the vector around INNER, signed elsewhere with KEY. */
static void check_outer(struct key *key, const struct buf *inner, const char *signature)
{
	static const char protected[] =
		"{\"alg\":\"ES256\",\"kid\":\"https://example.com/acme/acct/evOfKhNU60wg\",\"nonce\":"
		"\"S9XaOcxP5McpnTcWPIhYuB\",\"url\":\"https://example.com/acme/key-change\"}";
	CLEANUP(buf_done) struct buf input, raw;
	unsigned char *der = NULL;
	buf_init(&input, 16384);
	buf_init(&raw, 128);
	base64url_encode(&input, protected, strlen(protected));
	buf_char(&input, '.');
	base64url_encode(&input, inner->data, inner->len);
	CHECK(base64url_decode(&raw, signature, strlen(signature)));
	CHECK_INT(raw.len, 64);
	const unsigned char *bytes = (const unsigned char *)raw.data;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	CHECK(ECDSA_SIG_set0(sig, BN_bin2bn(bytes, 32, NULL), BN_bin2bn(bytes + 32, 32, NULL)) == 1);
	int len = i2d_ECDSA_SIG(sig, &der);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	CHECK(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key->pkey) == 1);
	CHECK(EVP_DigestVerify(md, der, (size_t)len, (const unsigned char *)input.data, input.len) == 1);
	EVP_MD_CTX_free(md);
	ECDSA_SIG_free(sig);
	OPENSSL_free(der);
}

/* From K-EC to K-RSA: RS256 has one right signature, so every byte of the inner JWS is known. */
TEST(inner_jws_of_the_vector)
{
	struct error err = {0};
	struct acme_signer new_key, old_key;
	CLEANUP(buf_done) struct buf got;
	struct key *rsa = vector_key(vector_rsa_pem), *ec = vector_key(vector_ec_pem);
	buf_init(&got, 8192);
	CHECK_OK(key_signer(rsa, &new_key, &err) && key_signer(ec, &old_key, &err), err);
	CHECK_OK(keychange_build(&new_key, "https://example.com/acme/acct/evOfKhNU60wg", old_key.jwk,
				 "https://example.com/acme/key-change", &got, &err),
		 err);
	AUTO_JSON json_t *jws = json_read(got.data, got.len, "JWS", &err);
	CHECK_OK(jws != NULL, err);
	CHECK_STR(json_string_value(json_object_get(jws, "signature")),
		  "RRz8oJfQF5Wziz6dMSp2TBVXGrLfcZAKLgez0vLrwx4tryHLT8xRE17l5ZsSphdvwaBoPO4DVllIvuxXkBY8goycWyc5UIQoc-"
		  "qZt0z9tOPrAPzP9y_aN815Y_nSyQ2qZDYavFARiYGzR-Iy--9JA2O4JQNDHajFbvEWc8A3CgBYbRO3b1o7eeEpGdCgKZhfwQRR1"
		  "GeUElBQw8g49kpLlySu6RFA8Aq292bRd22NeiCriVDvJYzj315RLef4v2I5YGovJDUYBW_xVtubISNPGFLsHGoXBtr2WaAt247L"
		  "0tT5nYtz4eKWrRnt9TMbm6cUsFPMHCK4i7aO-318wy2iLA");
	/* The outer payload of the vector is the base64url of these very bytes: its digest is known. */
	char digest[65];
	sha256_of_base64url(&got, digest);
	CHECK_STR(digest, "04d6ad71bf972196f3ab5539308782e98bd435505618182fb63b147a4ff74246");
	check_outer(ec, &got, "GcTCHIfctzy6_-ZNcH__xn_6WzqrAVMih-Kbq6NZCj7Omq9or_y4KwErVUJY7wIWTq6KV9z3rsr-A8GUUu65rg");
	key_free(rsa);
	key_free(ec);
}

TEST_MAIN()

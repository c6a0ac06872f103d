/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as JWK, and thumbprints: the vectors of RFC 7638 and of keys whose coordinates begin with zero bytes. */
#include "acme/jwk.h"

#include "acme/openssl.h"
#include "base/secret.h"
#include "support_keys.h"
#include "tests/support/test.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

static void check(const char *pem, const char *jwk_part, const char *thumbprint)
{
	struct error err = {0};
	struct acme_signer signer;
	char got[44];
	struct key *key = vector_key(pem);
	CHECK_OK(key_signer(key, &signer, &err), err);
	CHECK_CONTAINS(signer.jwk, jwk_part);
	CHECK_OK(jwk_thumbprint(signer.jwk, got, &err), err);
	CHECK_STR(got, thumbprint);
	key_free(key);
}

TEST(rfc7638_example)
{
	struct error err = {0};
	char got[44];
	CHECK_OK(jwk_thumbprint(vector_rfc7638_jwk, got, &err), err);
	CHECK_STR(got, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(ec_key)
{
	check(vector_ec_pem,
	      "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	      "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	      "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

TEST(rsa_key)
{
	check(vector_rsa_pem, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0t",
	      "IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8");
}

TEST(ed25519_key)
{
	check(vector_ed_pem,
	      "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
	      "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/* The published text, and its digest with other members, another order or white space: those must differ. */
TEST(thumbprint_is_of_the_canonical_text_alone)
{
	static const char *const others[] = {
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		"{\"crv\":\"Ed25519\", \"kty\":\"OKP\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		("{\"alg\":\"EdDSA\",\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"11qYAYKxCrfVS_"
		 "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"),
	};
	struct error err = {0};
	char got[44];
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		CHECK_OK(jwk_thumbprint(others[i], got, &err), err);
		CHECK(strcmp(got, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k") != 0);
	}
}

/* RFC 7515 A.4: no account key of ours, but its y begins with a zero byte at 66 bytes. */
TEST(p521_key)
{
	struct error err = {0};
	char got[44];
	BIO *bio = BIO_new_mem_buf(vector_p521_public_pem, -1);
	EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	CHECK(pkey != NULL);
	char *jwk = jwk_from_key(pkey, &err);
	CHECK_OK(jwk != NULL, err);
	CHECK_CONTAINS(
		jwk,
		"\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"");
	CHECK_OK(jwk_thumbprint(jwk, got, &err), err);
	CHECK_STR(got, "u5YUSjQ2-2chBi51NSk3t3g7IM4o2KYcnPqPtCNGd3U");
	free(jwk);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
}

TEST(leading_zero_in_x_is_kept)
{
	check(vector_short_x_pem, "\"x\":\"AFVDiUrz0A7X10Cr29dclrBod7eH219w7qeLkKjXwAo\"",
	      "7Yxe6c_3bAa6kiaK1G-BZmi9EeNsUmlcbdnrtLeuK4E");
}

TEST(leading_zero_in_y_is_kept)
{
	check(vector_short_y_pem, "\"y\":\"ADzMwKZGDgrjKKTZfTx7YdhvxiicGJ8lJREMRBuwfpc\"",
	      "WZsjbh58q8kl1WsGShqtiycImZtCgGbukDn4RAacMig");
}

TEST_MAIN()

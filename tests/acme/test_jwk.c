/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as JWK, and thumbprints: the vectors of RFC 7638 and of keys whose coordinates begin with zero bytes. */
#include "acme/jwk.h"

#include "base/secret.h"
#include "support_keys.h"
#include "tests/support/test.h"

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

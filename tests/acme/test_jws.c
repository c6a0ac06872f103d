/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and JWS objects against the vectors of RFC 7515 and our own. ES256 is random, so it is verified. */
#include "acme/jws.h"

#include "acme/openssl.h"
#include "base/base64url.h"
#include "base/json.h"
#include "support_keys.h"
#include "tests/support/test.h"

#include <openssl/ec.h>
#include <string.h>

/* RFC 7515 A.2 and A.3: the payload both sign. */
static const char payload[] =
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

static void encode(const struct buf *bytes, struct buf *ret)
{
	buf_init(ret, 4096);
	base64url_encode(ret, bytes->data, bytes->len);
}

/* Whether SIGNATURE, r||s in base64url, is K-EC's over INPUT. */
static bool verify_es256(const char *input, const char *signature)
{
	struct buf raw;
	unsigned char *der = NULL;
	struct key *key = vector_key(vector_ec_pem);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	ECDSA_SIG *sig = ECDSA_SIG_new();
	buf_init(&raw, 1024);
	CHECK(base64url_decode(&raw, signature, strlen(signature)));
	CHECK_INT(raw.len, 64);
	const unsigned char *bytes = (const unsigned char *)raw.data;
	CHECK(ECDSA_SIG_set0(sig, BN_bin2bn(bytes, 32, NULL), BN_bin2bn(bytes + 32, 32, NULL)) == 1);
	int len = i2d_ECDSA_SIG(sig, &der);
	CHECK(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key->pkey) == 1);
	bool ok = EVP_DigestVerify(md, der, (size_t)len, (const unsigned char *)input, strlen(input)) == 1;
	EVP_MD_CTX_free(md);
	ECDSA_SIG_free(sig);
	OPENSSL_free(der);
	buf_done(&raw);
	key_free(key);
	return ok;
}

TEST(rs256_of_rfc7515)
{
	struct error err = {0};
	struct acme_signer signer;
	struct buf input, signature, text;
	struct key *key = vector_key(vector_rsa_pem);
	buf_init(&input, 4096);
	buf_init(&signature, 4096);
	buf_printf(&input, "eyJhbGciOiJSUzI1NiJ9.%s", payload);
	CHECK_OK(key_signer(key, &signer, &err), err);
	CHECK_STR(signer.alg, "RS256");
	CHECK_OK(signer.sign(signer.ctx, input.data, input.len, &signature, &err), err);
	encode(&signature, &text);
	CHECK_STR(buf_cstr(&text),
		  "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds"
		  "9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZR"
		  "mB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs9"
		  "8rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw");
	buf_done(&input);
	buf_done(&signature);
	buf_done(&text);
	key_free(key);
}

TEST(es256_of_rfc7515_verifies)
{
	struct buf input;
	buf_init(&input, 4096);
	buf_printf(&input, "eyJhbGciOiJFUzI1NiJ9.%s", payload);
	CHECK(verify_es256(buf_cstr(&input),
			   "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"));
	CHECK(verify_es256(buf_cstr(&input),
			   "e4ZrhZdbFQ7630Tq51E6RQiJaae9bFNGJszIhtusEwzvO21rzH76Wer6yRn2Zb34VjIm3cVRl0iQctbf4uBY3w"));
	buf_done(&input);
}

/* Often enough that r or s begins with a zero byte now and then: the length must not shrink. */
TEST(es256_of_ours_verifies)
{
	struct error err = {0};
	struct acme_signer signer;
	struct key *key = vector_key(vector_ec_pem);
	CHECK_OK(key_signer(key, &signer, &err), err);
	for (int i = 0; i < 600; i++) {
		struct buf signature, text;
		buf_init(&signature, 1024);
		CHECK_OK(signer.sign(signer.ctx, "input", 5, &signature, &err), err);
		CHECK_INT(signature.len, 64);
		encode(&signature, &text);
		CHECK(i >= 20 || verify_es256("input", buf_cstr(&text)));
		buf_done(&signature);
		buf_done(&text);
	}
	key_free(key);
}

static void check_raw(const char *hex, const char *want)
{
	struct error err = {0};
	long len = 0;
	struct buf raw, text;
	unsigned char *der = OPENSSL_hexstr2buf(hex, &len);
	buf_init(&raw, 1024);
	CHECK_OK(ecdsa_der_to_raw(der, (size_t)len, 32, &raw, &err), err);
	encode(&raw, &text);
	CHECK_STR(buf_cstr(&text), want);
	OPENSSL_free(der);
	buf_done(&raw);
	buf_done(&text);
}

TEST(ecdsa_der_to_fixed_width)
{
	check_raw(
		"3046022100b4a941c47bea77344d7e3464a033d7e4983bfbbb9c7602540d481b566bf80546022100b7e1ed5a941fe2e857200f"
		"e99072576805fc86733a0834c6a109b62727ee8e29",
		"tKlBxHvqdzRNfjRkoDPX5Jg7-7ucdgJUDUgbVmv4BUa34e1alB_i6FcgD-mQcldoBfyGczoINMahCbYnJ-6OKQ");
	check_raw(
		"3044021f65cb95ecacbb93716f642e381ed616a89a9a26fdb793da3ca1acf860fddf0f022100ae0886e704536e56bd63608226"
		"5d4fe54870828ae65547eb904d73ecbb4ed9db",
		"AGXLleysu5Nxb2QuOB7WFqiamib9t5PaPKGs-GD93w-uCIbnBFNuVr1jYIImXU_lSHCCiuZVR-uQTXPsu07Z2w");
	check_raw(
		"30430220583f5809e52781635966143bcf1fbb328e6dace6b7007ffa8c3d7a51d71826b7021f2c034cff787cf51a4388237770"
		"8c84b4902bff906268184043ca53ecd6b35a",
		"WD9YCeUngWNZZhQ7zx-7Mo5trOa3AH_6jD16UdcYJrcALANM_3h89RpDiCN3cIyEtJAr_5BiaBhAQ8pT7NazWg");
	check_raw(
		"3042021e22ebb0f47751343bc425d992b03690bf164805640c0a08c3998f863ab07a02200942726c970bfe8d4b17ec422a83a8"
		"02d6ae1f1e03df54f5e5e2888a327235b1",
		"AAAi67D0d1E0O8Ql2ZKwNpC_FkgFZAwKCMOZj4Y6sHoJQnJslwv-jUsX7EIqg6gC1q4fHgPfVPXl4oiKMnI1sQ");
}

TEST(ecdsa_der_garbage_is_refused)
{
	struct error err = {0};
	struct buf raw;
	buf_init(&raw, 1024);
	CHECK(!ecdsa_der_to_raw((const unsigned char *)"0\x03\x02\x01", 4, 32, &raw, &err));
	CHECK_INT(raw.len, 0);
}

/* POST-as-GET: the payload is empty, and the members stand in the vector's order. RS256 compares byte for byte. */
TEST(post_as_get_rs256)
{
	struct error err = {0};
	struct acme_signer signer;
	struct buf jws;
	struct key *key = vector_key(vector_rsa_pem);
	const struct jws_header header = {.kid = "https://example.com/acme/acct/evOfKhNU60wg",
					  .nonce = "uQpSjlRb4vQVCjVYAyyUWg",
					  .url = "https://example.com/acme/authz/PAniVnsZcis"};
	buf_init(&jws, 8192);
	CHECK_OK(key_signer(key, &signer, &err), err);
	CHECK_OK(jws_build(&signer, &header, "", &jws, &err), err);
	CHECK_STR(
		buf_cstr(&jws),
		"{\"protected\":"
		"\"eyJhbGciOiJSUzI1NiIsImtpZCI6Imh0dHBzOi8vZXhhbXBsZS5jb20vYWNtZS9hY2N0L2V2T2ZLaE5VNjB3ZyIs"
		"Im5vbmNlIjoidVFwU2psUmI0dlFWQ2pWWUF5eVVXZyIsInVybCI6Imh0dHBzOi8vZXhhbXBsZS5jb20vYWNtZS9hdXRoei9QQW5pVm"
		"5zWmNpcyJ9\",\"payload\":\"\",\"signature\":\"ae8xIuFfuhZA3AlrostHBzAYe3HDgZUorB7SGmTPSFoG765zE5cMO-"
		"wLz"
		"qTtVB7VI2EiHt4viC_h7GpH51pi5sIay1pmVg7JXUYiw57dV7MBsRqvhYOmOj23mIQqCYnQjUPcWpeiBG20pm9P8WGg6LmWpneYuZM"
		"P2aIZVjNfoCjgVPJ9aRbMBJbyIr12JrH8a-FdQpl4Ucddg9z2LntQz5UkepC58ELQeVJeBwMfCFgvt7g9HWmwwU2PS6FPgUQB9WQmA"
		"-6OJn4hngYB7Zz68FxNxXB1OS7dffO5x9CLSr1UWibhtx62Vcwh3p2n4dDlbts-Cjmn-ZUU_gI2rJPVOA\"}");
	buf_done(&jws);
	key_free(key);
}

/* The same request signed elsewhere; the dot ends the input, since the payload is empty. */
TEST(post_as_get_es256_verifies)
{
	CHECK(verify_es256("eyJhbGciOiJFUzI1NiIsImtpZCI6Imh0dHBzOi8vZXhhbXBsZS5jb20vYWNtZS9hY2N0L2V2T2ZLaE5VNjB3ZyIsIm"
			   "5vbmNlIjoidVFwU2psUmI0dlFWQ2pWWUF5eVVXZyIsInVybCI6Imh0dHBzOi8vZXhhbXBsZS5jb20vYWNtZS9hdXRo"
			   "ei9QQW5pVm5zWmNpcyJ9"
			   ".",
			   "WhXSNyN0ngHEgL4H5XGB4icCGoWShokjh8zeL7Q0KYTQ7jnn2AVaBeJ7RV7v6C8kNUfgmB_RUH8Ynt8DXEIJfg"));
}

TEST(new_account_carries_the_key)
{
	struct error err = {0};
	struct acme_signer signer;
	struct buf jws, header_text;
	struct key *key = vector_key(vector_ec_pem);
	const struct jws_header header = {.nonce = "6S8IqOGY7eL2lsGoTZYifg",
					  .url = "https://example.com/acme/new-account"};
	buf_init(&jws, 8192);
	buf_init(&header_text, 8192);
	CHECK_OK(key_signer(key, &signer, &err), err);
	CHECK_OK(jws_build(&signer, &header, "{\"a\":1}", &jws, &err), err);
	json_t *root = json_read(jws.data, jws.len, "JWS", &err);
	CHECK_OK(root != NULL, err);
	const char *protected = json_string_value(json_object_get(root, "protected"));
	CHECK_STR(json_string_value(json_object_get(root, "payload")), "eyJhIjoxfQ");
	CHECK(base64url_decode(&header_text, protected, strlen(protected)));
	CHECK_STR(buf_cstr(&header_text), "{\"alg\":\"ES256\",\"jwk\":{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":"
					  "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus"
					  "9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
					  "\"nonce\":\"6S8IqOGY7eL2lsGoTZYifg\""
					  ",\"url\":\"https://example.com/acme/new-account\"}");
	buf_reset(&header_text);
	buf_printf(&header_text, "%s.eyJhIjoxfQ", protected);
	CHECK(verify_es256(buf_cstr(&header_text), json_string_value(json_object_get(root, "signature"))));
	json_decref(root);
	buf_done(&jws);
	buf_done(&header_text);
	key_free(key);
}

TEST(nothing_breaks_out_of_the_header)
{
	struct error err = {0};
	struct acme_signer signer;
	struct buf jws;
	struct key *key = vector_key(vector_ec_pem);
	const struct jws_header header = {.kid = "https://ca.example/a\",\"x\":\"", .url = "https://ca.example/"};
	buf_init(&jws, 8192);
	CHECK_OK(key_signer(key, &signer, &err), err);
	CHECK(!jws_build(&signer, &header, "", &jws, &err));
	CHECK_CONTAINS(err.message, "kid");
	buf_done(&jws);
	key_free(key);
}

TEST_MAIN()

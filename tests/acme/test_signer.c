/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures against the published vectors and an independent verifier, and what must not verify. */
#include "acme/jws.h"
#include "acme/openssl.h"
#include "base/base64url.h"
#include "base/json.h"
#include "support_keys.h"
#include "tests/support/test.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <string.h>

/* Verify a JOSE signature in base64url over INPUT with PKEY: r||s of the field's width for EC. */
static bool verify(EVP_PKEY *pkey, const EVP_MD *digest, const char *input, const char *signature)
{
	CLEANUP(buf_done) struct buf raw;
	unsigned char *der = NULL;
	size_t width = ((size_t)EVP_PKEY_get_bits(pkey) + 7) / 8;
	bool is_ec = EVP_PKEY_is_a(pkey, "EC");
	buf_init(&raw, 1024);
	if (!base64url_decode(&raw, signature, strlen(signature)) || (is_ec && raw.len != 2 * width))
		return false;
	const unsigned char *bytes = (const unsigned char *)raw.data;
	size_t len = raw.len;
	if (is_ec) {
		ECDSA_SIG *sig = ECDSA_SIG_new();
		CHECK(ECDSA_SIG_set0(sig, BN_bin2bn(bytes, (int)width, NULL),
				     BN_bin2bn(bytes + width, (int)width, NULL)) == 1);
		len = (size_t)i2d_ECDSA_SIG(sig, &der);
		bytes = der;
		ECDSA_SIG_free(sig);
	}
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	CHECK(EVP_DigestVerifyInit(md, NULL, digest, NULL, pkey) == 1);
	bool ok = EVP_DigestVerify(md, bytes, len, (const unsigned char *)input, strlen(input)) == 1;
	EVP_MD_CTX_free(md);
	OPENSSL_free(der);
	return ok;
}

static bool verify_es256(const char *input, const char *signature)
{
	struct key *key = vector_key(vector_ec_pem);
	bool ok = verify(key->pkey, EVP_sha256(), input, signature);
	key_free(key);
	return ok;
}

static void sign_text(const char *pem, const char *input, struct buf *ret)
{
	struct error err = {0};
	struct acme_signer signer;
	CLEANUP(buf_done) struct buf raw;
	struct key *key = vector_key(pem);
	buf_init(&raw, 1024);
	buf_init(ret, 2048);
	CHECK_OK(key_signer(key, &signer, &err), err);
	CHECK_OK(signer.sign(signer.ctx, input, strlen(input), &raw, &err), err);
	base64url_encode(ret, raw.data, raw.len);
	key_free(key);
}

/* RFC 8037 A.4: EdDSA has one right answer. */
TEST(eddsa_of_rfc8037)
{
	CLEANUP(buf_done) struct buf got;
	sign_text(vector_ed_pem, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", &got);
	CHECK_STR(buf_cstr(&got),
		  "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
}

/* RFC 7515 A.4. We make no such keys; the verifier that the other tests trust handles their width too. */
TEST(es512_of_rfc7515_verifies)
{
	BIO *bio = BIO_new_mem_buf(vector_p521_public_pem, -1);
	EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	CHECK(pkey != NULL);
	CHECK(verify(
		pkey, EVP_sha512(), "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
		"AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCA"
		"PZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"));
	CHECK(!verify(
		pkey, EVP_sha512(), "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZB",
		"AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCA"
		"PZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"));
	EVP_PKEY_free(pkey);
	BIO_free(bio);
}

TEST(es384_of_ours_verifies)
{
	struct error err = {0};
	struct acme_signer signer;
	struct key *key = key_generate(KEY_TYPE_ECDSA_P384, &err);
	CHECK_OK(key != NULL && key_signer(key, &signer, &err), err);
	CHECK_STR(signer.alg, "ES384");
	for (int i = 0; i < 20; i++) {
		CLEANUP(buf_done) struct buf raw, text;
		buf_init(&raw, 1024);
		buf_init(&text, 1024);
		CHECK_OK(signer.sign(signer.ctx, "input", 5, &raw, &err), err);
		CHECK_INT(raw.len, 96);
		base64url_encode(&text, raw.data, raw.len);
		CHECK(verify(key->pkey, EVP_sha384(), "input", buf_cstr(&text)));
	}
	key_free(key);
}

/* A whole request by EdDSA, byte for byte: the header's members in the vector's order, the payload empty. */
TEST(post_as_get_eddsa)
{
	struct error err = {0};
	struct acme_signer signer;
	CLEANUP(buf_done) struct buf jws;
	struct key *key = vector_key(vector_ed_pem);
	const struct jws_header header = {.kid = "https://example.com/acme/acct/evOfKhNU60wg",
					  .nonce = "uQpSjlRb4vQVCjVYAyyUWg",
					  .url = "https://example.com/acme/authz/PAniVnsZcis"};
	buf_init(&jws, 8192);
	CHECK_OK(key_signer(key, &signer, &err), err);
	CHECK_OK(jws_build(&signer, &header, "", &jws, &err), err);
	CHECK_STR(buf_cstr(&jws),
		  "{\"protected\":\""
		  "eyJhbGciOiJFZERTQSIsImtpZCI6Imh0dHBzOi8vZXhhbXBsZS5jb20vYWNtZS9hY2N0L2V2T2ZLaE5VNjB3ZyIsIm5vbmNlIjoi"
		  "dVFwU2psUmI0dlFWQ2pWWUF5eVVXZyIsInVybCI6Imh0dHBzOi8vZXhhbXBsZS5jb20vYWNtZS9hdXRoei9QQW5pVm5zWmNpcyJ9"
		  "\",\"payload\":\"\",\"signature\":\""
		  "iEmCF3FCbWDbSOYvshSokbPUAdstYKSShfAkRV_1vH3vCY8-WHI1cBJYE94fAFgyf6TAoaDhMSs0zp5TO1zZBA"
		  "\"}");
	key_free(key);
}

/* newAccount with a binding, signed elsewhere. */
TEST(new_account_with_eab_verifies)
{
	static const char protected[] =
		"eyJhbGciOiJFUzI1NiIsImp3ayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImY4M09KM0QyeEYxQmc4dnViOXRMZTFn"
		"SE16Vjc2ZThUdXM5dVBIdlJWRVUiLCJ5IjoieF9GRXpSdTltMzZITE5fdHVlNjU5TE5wWFc2cEN5U3Rpa1lqS0lXSTVhMCJ9LCJu"
		"b25jZSI6IjZTOElxT0dZN2VMMmxzR29UWllpZmciLCJ1cmwiOiJodHRwczovL2V4YW1wbGUuY29tL2FjbWUvbmV3LWFjY291bnQi"
		"fQ";
	static const char payload[] =
		"eyJ0ZXJtc09mU2VydmljZUFncmVlZCI6dHJ1ZSwiY29udGFjdCI6WyJtYWlsdG86YWRtaW5AZXhhbXBsZS5vcmciXSwiZXh0ZXJu"
		"YWxBY2NvdW50QmluZGluZyI6eyJwcm90ZWN0ZWQiOiJleUpoYkdjaU9pSklVekkxTmlJc0ltdHBaQ0k2SW10cFpDMHhJaXdpZFhK"
		"c0lqb2lhSFIwY0hNNkx5OWxlR0Z0Y0d4bExtTnZiUzloWTIxbEwyNWxkeTFoWTJOdmRXNTBJbjAiLCJwYXlsb2FkIjoiZXlKamNu"
		"WWlPaUpRTFRJMU5pSXNJbXQwZVNJNklrVkRJaXdpZUNJNkltWTRNMDlLTTBReWVFWXhRbWM0ZG5WaU9YUk1aVEZuU0UxNlZqYzJa"
		"VGhVZFhNNWRWQklkbEpXUlZVaUxDSjVJam9pZUY5R1JYcFNkVGx0TXpaSVRFNWZkSFZsTmpVNVRFNXdXRmMyY0VONVUzUnBhMWxx"
		"UzBsWFNUVmhNQ0o5Iiwic2lnbmF0dXJlIjoiR1pxRXVjRUJjemZWOHRKUUxmS05TdzFrWnJReGhLMjA1bzFyMDBDTE1EOCJ9fQ";
	CLEANUP(buf_done) struct buf input;
	buf_init(&input, 8192);
	buf_printf(&input, "%s.%s", protected, payload);
	CHECK(verify_es256(buf_cstr(&input),
			   "5WZf7ot36xmWaOa8ArGqm5mmY6xw9Vd8qrSlZBy0YVxGVaNqKTQQjWZ2hkUO8J198zdoxgCMt2RRr805MwS7dQ"));
}

static const char a3_input[] =
	"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"
	"LmNvbS9pc19yb290Ijp0cnVlfQ";

/* RFC 7515 A.3 is right; with r and s all zero (CVE-2022-21449), a byte too few or too many, or DER, it is not. */
TEST(bad_es256_signatures_do_not_verify)
{
	CHECK(verify_es256(a3_input,
			   "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"));
	CHECK(!verify_es256(a3_input,
			    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			    "AA"));
	CHECK(!verify_es256(a3_input,
			    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU"));
	CHECK(!verify_es256(a3_input,
			    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1QA"));
	CHECK(!verify_es256(a3_input,
			    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU"
			    "1Q=="));
	CHECK(!verify_es256(a3_input,
			    "MEUCIA7RIVN5Y2xIPC9_FVgH1AKjsigDOvl8fheBmsMWnqZlAiEAxQoH04w8cOXY8S2vCEpUgKZlkMXyk1Ca"
			    "jz9_ioOjVNU"));
}

/* Section 6.3: "" reads, "{}" acts. */
TEST(empty_payload_is_not_an_empty_object)
{
	struct error err = {0};
	struct acme_signer signer;
	CLEANUP(buf_done) struct buf jws;
	struct key *key = vector_key(vector_ec_pem);
	const struct jws_header header = {
		.kid = "https://ca.example/acct/1", .nonce = "n", .url = "https://ca.example/"};
	buf_init(&jws, 8192);
	CHECK_OK(key_signer(key, &signer, &err), err);
	CHECK_OK(jws_build(&signer, &header, "", &jws, &err), err);
	CHECK_CONTAINS(buf_cstr(&jws), "\"payload\":\"\"");
	key_free(key);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* External account binding: a MAC has one right answer. */
#include "acme/eab.h"

#include "base/base64url.h"
#include "support_keys.h"
#include "tests/support/test.h"

#include <openssl/evp.h>
#include <string.h>

TEST(binding_of_the_vector)
{
	static const char mac_key[] = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
	struct error err = {0};
	struct acme_signer signer;
	struct buf decoded, got;
	struct key *key = vector_key(vector_ec_pem);
	buf_init(&decoded, 128);
	buf_init(&got, 4096);
	CHECK(base64url_decode(&decoded, mac_key, strlen(mac_key)));
	CHECK_OK(key_signer(key, &signer, &err), err);
	const struct acme_eab eab = {.kid = "kid-1", .hmac_key = decoded.data, .hmac_key_len = decoded.len};
	CHECK_OK(eab_build(&eab, signer.jwk, "https://example.com/acme/new-account", &got, &err), err);
	CHECK_STR(
		buf_cstr(&got),
		"{\"protected\":"
		"\"eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC0xIiwidXJsIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS9hY21lL25ldy1h"
		"Y2NvdW50In0\",\"payload\":\"eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImY4M09KM0QyeEYxQmc4dnViOXRMZTFnSE"
		"16Vjc2ZThUdXM5dVBIdlJWRVUiLCJ5IjoieF9GRXpSdTltMzZITE5fdHVlNjU5TE5wWFc2cEN5U3Rpa1lqS0lXSTVhMCJ9\","
		"\"sign"
		"ature\":\"GZqEucEBczfV8tJQLfKNSw1kZrQxhK205o1r00CLMD8\"}");
	buf_done(&decoded);
	buf_done(&got);
	key_free(key);
}

/* The same binding with the longer digests, checked against an independent HMAC. */
static void check_alg(const char *alg, const char *header, const char *signature)
{
	struct error err = {0};
	struct acme_signer signer;
	struct buf got;
	struct key *key = vector_key(vector_ec_pem);
	buf_init(&got, 4096);
	CHECK_OK(key_signer(key, &signer, &err), err);
	const struct acme_eab eab = {.kid = "kid-1", .alg = alg, .hmac_key = "secret", .hmac_key_len = 6};
	CHECK_OK(eab_build(&eab, signer.jwk, "https://example.com/acme/new-account", &got, &err), err);
	CHECK_CONTAINS(buf_cstr(&got), header);
	CHECK_CONTAINS(buf_cstr(&got), signature);
	buf_done(&got);
	key_free(key);
}

TEST(longer_digests)
{
	check_alg("HS384",
		  "\"protected\":"
		  "\"eyJhbGciOiJIUzM4NCIsImtpZCI6ImtpZC0xIiwidXJsIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS9hY21lL25ldy1hY2NvdW50In"
		  "0\"",
		  "\"signature\":\"1SeAQsdb5uxivtpoct2s5sjWW25BKJ1e-Zmy5fLKxI9kZ8yRybsYpcyyuIGRRgQT\"");
	check_alg("HS512",
		  "\"protected\":"
		  "\"eyJhbGciOiJIUzUxMiIsImtpZCI6ImtpZC0xIiwidXJsIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS9hY21lL25ldy1hY2NvdW50In"
		  "0\"",
		  "\"signature\":\"bpvSQBt_p5w4pdozUyKwgHZ9jt-xkX7rgk33ggCrD2nZRLoDQRFi_xBuT0F0sdrkFXQQQnA_"
		  "dA2Fx174W0uG0Q\"");
}

TEST(other_algorithms_are_refused)
{
	struct error err = {0};
	struct buf got;
	buf_init(&got, 4096);
	const struct acme_eab eab = {.kid = "kid-1", .alg = "none", .hmac_key = "secret", .hmac_key_len = 6};
	CHECK(!eab_build(&eab, "{}", "https://example.com/", &got, &err));
	CHECK_CONTAINS(err.message, "HS256, HS384, HS512");
	CHECK(!eab_alg_is_known("hs256") && eab_alg_is_known("HS512") && !eab_alg_is_known(NULL));
}

/* RFC 7515 A.1: HS256 itself, with the RFC's key and input. */
TEST(hs256_of_rfc7515)
{
	static const char input[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
				    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1"
				    "9yb290Ijp0cnVlfQ";
	struct error err = {0};
	struct secret key = {0};
	struct buf text;
	unsigned char mac[64];
	size_t len = 0;
	CLEANUP(secret_done) struct secret given = {0};
	CHECK_OK(secret_set(&given,
			    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
			    86, &err) &&
			 eab_key_decode(&given, &key, &err),
		 err);
	CHECK_INT(key.len, 64);
	CHECK(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.data, key.len, (const unsigned char *)input,
			strlen(input), mac, sizeof(mac), &len) != NULL);
	buf_init(&text, 128);
	base64url_encode(&text, mac, len);
	CHECK_STR(buf_cstr(&text), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	buf_done(&text);
	secret_done(&key);
}

static void check_decoded(const char *text, const char *want)
{
	struct error err = {0};
	CLEANUP(secret_done) struct secret given = {0};
	CLEANUP(secret_done) struct secret got = {0};
	CHECK_OK(secret_set(&given, text, strlen(text), &err) && eab_key_decode(&given, &got, &err), err);
	CHECK_MEM(got.data, got.len, want, strlen(want));
}

static void refuse_key(const char *text, const char *why)
{
	struct error err = {0};
	CLEANUP(secret_done) struct secret given = {0};
	CLEANUP(secret_done) struct secret got = {0};
	CHECK_OK(secret_set(&given, text, strlen(text), &err), err);
	CHECK(!eab_key_decode(&given, &got, &err));
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_CONTAINS(err.message, why);
	CHECK(strlen(text) < 4 || strstr(err.message, text) == NULL); /* the key stays out of messages */
}

TEST(mac_key_in_every_spelling)
{
	check_decoded("-_-_", "\xfb\xff\xbf");
	check_decoded("+/+/", "\xfb\xff\xbf");
	check_decoded("c2VjcmV0cw==", "secrets");
	check_decoded("c2VjcmV0cw", "secrets");
	check_decoded(" c2VjcmV0cw==\r\n", "secrets");
}

TEST(what_is_no_mac_key)
{
	refuse_key("", "empty");
	refuse_key(" \n", "empty");
	refuse_key("====", "empty");
	refuse_key("c2Vj cmV0cw", "not base64url");
	refuse_key("c2VjcmV0cx", "not base64url"); /* trailing bits */
	refuse_key("kid:1234", "not base64url");
	refuse_key("A", "not base64url");
}

TEST(empty_key_id_is_refused)
{
	struct error err = {0};
	struct buf got;
	buf_init(&got, 4096);
	const struct acme_eab eab = {.kid = "", .hmac_key = "secret", .hmac_key_len = 6};
	CHECK(!eab_build(&eab, "{}", "https://example.com/", &got, &err));
	CHECK_CONTAINS(err.message, "key id is empty");
}

TEST(empty_mac_key_is_refused)
{
	struct error err = {0};
	struct buf got;
	buf_init(&got, 4096);
	const struct acme_eab eab = {.kid = "kid-1", .hmac_key = "", .hmac_key_len = 0};
	CHECK(!eab_build(&eab, "{}", "https://example.com/", &got, &err));
	CHECK_INT(err.category, ERROR_CONFIG);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* External account binding: HS256 has one right answer. */
#include "acme/eab.h"

#include "base/base64url.h"
#include "support_keys.h"
#include "tests/support/test.h"

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

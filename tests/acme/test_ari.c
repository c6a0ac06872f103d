/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9773: identifiers, URLs, answers and when to ask again. The conversations are in tests/transcripts/ari_*.txt. */
#include "acme/ari.h"

#include "acme/openssl.h"
#include "base/limits.h"
#include "support_certificates.h"
#include "support_keys.h"
#include "tests/support/test.h"

#include <openssl/bn.h>
#include <string.h>

enum { START = 1735790400, END = 1735876800 }; /* 2025-01-02T04:00:00Z and a day later */

/* RFC 9773, appendix A. */
static const char appendix_a[] = "-----BEGIN CERTIFICATE-----\n"
				 "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
				 "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
				 "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
				 "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
				 "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
				 "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
				 "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
				 "-----END CERTIFICATE-----\n";

TEST(the_identifier_of_the_rfc)
{
	struct error err = {0};
	CLEANUP(chain_freep) struct chain *chain = chain_parse(appendix_a, strlen(appendix_a), &err);
	CHECK_OK(chain != NULL, err);
	AUTO_FREE char *id = ari_certificate_id(chain, &err);
	CHECK_OK(id != NULL, err);
	CHECK_STR(id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
}

/* A leaf with the serial number whose magnitude is HEX, and with the appendix's issuer key identifier if NAMED. */
static struct chain *leaf_with_serial(const char *hex, bool named)
{
	static const unsigned char authority[] = {0x30, 0x16, 0x80, 0x14, 0x69, 0x88, 0x5b, 0x6b,
						  0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84,
						  0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4};
	struct key *key = vector_key(vector_ec_pem);
	const struct certificate_spec spec = {
		.subject = "leaf", .names = "DNS:a.example", .key = key, .not_after = 4102444800};
	struct chain *chain = calloc(1, sizeof(*chain));
	BIGNUM *number = NULL;
	CHECK(chain != NULL);
	X509 *leaf = make_certificate(&spec);
	CHECK(BN_hex2bn(&number, hex) > 0);
	CHECK(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(leaf)) != NULL);
	if (named) {
		ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
		CHECK(ASN1_OCTET_STRING_set(value, authority, sizeof(authority)) == 1);
		X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, NID_authority_key_identifier, 0, value);
		CHECK(X509_add_ext(leaf, extension, -1) == 1);
		X509_EXTENSION_free(extension);
		ASN1_OCTET_STRING_free(value);
	}
	chain->certificates = sk_X509_new_null();
	CHECK(sk_X509_push(chain->certificates, leaf) > 0);
	BN_free(number);
	key_free(key);
	return chain;
}

/* The content octets count: a zero byte before a set top bit stays, and none is added elsewhere. */
TEST(serial_numbers_as_encoded)
{
	static const struct {
		const char *hex, *text;
	} cases[] = {
		{"01", "AQ"},
		{"7f", "fw"},
		{"80", "AIA"},
		{"ff", "AP8"},
		{"87654321", "AIdlQyE"},
		{"03ad7b0c4f1e2d3c4b5a69788796a5b4c3d2", "A617DE8eLTxLWml4h5altMPS"},
		{"f4c2a1b0998877665544332211ffeeddccbb", "APTCobCZiHdmVUQzIhH_7t3Muw"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		char want[128];
		CLEANUP(chain_freep) struct chain *chain = leaf_with_serial(cases[i].hex, true);
		AUTO_FREE char *id = ari_certificate_id(chain, &err);
		CHECK_OK(id != NULL, err);
		(void)snprintf(want, sizeof(want), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.%s", cases[i].text);
		CHECK_STR(id, want);
	}
}

TEST(no_issuer_key_identifier_no_renewal_information)
{
	struct error err = {0};
	CLEANUP(chain_freep) struct chain *chain = leaf_with_serial("01", false);
	CHECK(ari_certificate_id(chain, &err) == NULL);
	CHECK_INT(err.category, ERROR_DATA);
	CHECK_CONTAINS(err.message, "issuer");
}

TEST(exactly_one_slash)
{
	static const char *const bases[] = {"https://ca.example/renewal-info", "https://ca.example/renewal-info/",
					    "https://ca.example/renewal-info//"};
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		struct error err = {0};
		AUTO_FREE char *url = ari_url(bases[i], "a.b", &err);
		CHECK_OK(url != NULL, err);
		CHECK_STR(url, "https://ca.example/renewal-info/a.b");
	}
}

static bool parse(const char *text, struct ari_info *ret)
{
	struct error err = {0};
	bool ok = ari_parse(text, strlen(text), ret, &err);
	CHECK(ok || err.category == ERROR_DATA);
	return ok;
}

TEST(a_window_and_its_reason)
{
	CLEANUP(ari_info_done) struct ari_info info = {0};
	CHECK(parse("{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":\"2025-01-03T04:00:00Z\"},"
		    "\"explanationURL\":\"https://acme.example.com/docs/ari\",\"more\":[1]}",
		    &info));
	CHECK_INT(info.start, START);
	CHECK_INT(info.end, END);
	CHECK_STR(info.explanation, "https://acme.example.com/docs/ari");
}

TEST(the_reason_is_untrusted_text)
{
	CLEANUP(ari_info_done) struct ari_info info = {0}, odd = {0};
	CHECK(parse("{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":\"2025-01-03T04:00:00Z\"},"
		    "\"explanationURL\":\"https://ca.example/\\u001b[2Jx\"}",
		    &info));
	CHECK(strchr(info.explanation, '\033') == NULL);
	CHECK(parse("{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":\"2025-01-03T04:00:00Z\"},"
		    "\"explanationURL\":17}",
		    &odd));
	CHECK(odd.explanation == NULL);
}

TEST(no_answers)
{
	static const char *const cases[] = {
		"{\"suggestedWindow\":{\"start\":\"2025-01-03T04:00:00Z\",\"end\":\"2025-01-02T04:00:00Z\"}}",
		"{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":\"2025-01-02T04:00:00Z\"}}",
		"{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\"}}",
		"{\"suggestedWindow\":{\"start\":\"soon\",\"end\":\"2025-01-02T04:00:00Z\"}}",
		"{\"suggestedWindow\":null}",
		"{\"suggestedWindow\":\"now\"}",
		"{}",
		"[]",
		"<html>",
		"",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ari_info info = {0};
		CHECK(!parse(cases[i], &info));
	}
}

static int64_t retry_after(const char *value)
{
	struct error err = {0};
	CLEANUP(http_response_done) struct http_response response = {.status = 200};
	if (value != NULL)
		CHECK_OK(http_response_add_header(&response, "retry-after", strlen("retry-after"), value, strlen(value),
						  &err),
			 err);
	return ari_retry_after(&response, START);
}

/* Least and most to wait in one: seconds or a date, within a minute and a day. */
TEST(when_to_ask_again)
{
	CHECK_INT(retry_after("21600"), 21600);
	CHECK_INT(retry_after("Thu, 02 Jan 2025 05:00:00 GMT"), 3600);
	CHECK_INT(retry_after("Thursday, 02-Jan-25 05:00:00 GMT"), 3600);
	CHECK_INT(retry_after("0"), 60);
	CHECK_INT(retry_after("59"), 60);
	CHECK_INT(retry_after("86401"), 86400);
	CHECK_INT(retry_after("1000000000"), 86400);
	CHECK_INT(retry_after("Fri, 01 Jan 2027 00:00:00 GMT"), 86400);
	CHECK_INT(retry_after("Wed, 01 Jan 2025 00:00:00 GMT"), LIMIT_ARI_RETRY_LATER);
	CHECK_INT(retry_after("soon"), LIMIT_ARI_RETRY_LATER);
	CHECK_INT(retry_after("-5"), LIMIT_ARI_RETRY_LATER);
	CHECK_INT(retry_after(NULL), LIMIT_ARI_RETRY_LATER);
}

TEST(what_may_pass)
{
	CHECK(ari_is_passing(&(struct error){.category = ERROR_TIMEOUT}));
	CHECK(ari_is_passing(&(struct error){.category = ERROR_CA, .http_status = 503}));
	CHECK(ari_is_passing(&(struct error){.category = ERROR_NETWORK, .transient = true}));
	CHECK(!ari_is_passing(&(struct error){.category = ERROR_CA, .http_status = 404}));
	CHECK(!ari_is_passing(&(struct error){.category = ERROR_CA}));
	CHECK(!ari_is_passing(&(struct error){.category = ERROR_NETWORK}));
}

TEST_MAIN()

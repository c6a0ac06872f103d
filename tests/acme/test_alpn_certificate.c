/* SPDX-License-Identifier: Apache-2.0 */
/* The tls-alpn-01 certificate against bytes that were made elsewhere: extension, names, dates, key. */
#include "acme/alpn_certificate.h"

#include "acme/openssl.h"
#include "base/buf.h"
#include "tests/support/test.h"

#include <string.h>

#define TOKEN "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"

enum { NOW = 1796000000, DAY = 24 * 3600 };

/* A decoded certificate and its key. */
struct pair {
	X509 *certificate;
	EVP_PKEY *key;
	struct buf der;
};

static void pair_done(struct pair *pair)
{
	X509_free(pair->certificate);
	EVP_PKEY_free(pair->key);
	buf_done(&pair->der);
}

static struct pair make(const char *name, const char *key_authorization)
{
	struct pair pair = {0};
	struct identifier identifier;
	struct secret key CLEANUP(secret_done) = {0};
	struct error err = {0};
	buf_init(&pair.der, 4096);
	CHECK_OK(identifier_parse(name, &identifier, &err), err);
	CHECK_OK(alpn_certificate_make(&identifier, key_authorization, NOW, &pair.der, &key, &err), err);
	const unsigned char *at = (const unsigned char *)pair.der.data;
	pair.certificate = d2i_X509(NULL, &at, (long)pair.der.len);
	CHECK(pair.certificate != NULL && at == (const unsigned char *)pair.der.data + pair.der.len);
	at = (const unsigned char *)key.data;
	pair.key = d2i_AutoPrivateKey(NULL, &at, (long)key.len);
	CHECK(pair.key != NULL);
	return pair;
}

static bool holds(const struct pair *pair, const char *hex)
{
	long len = 0;
	unsigned char *bytes = OPENSSL_hexstr2buf(hex, &len);
	CHECK(bytes != NULL);
	bool found = memmem(pair->der.data, pair->der.len, bytes, (size_t)len) != NULL;
	OPENSSL_free(bytes);
	return found;
}

TEST(the_extension_is_that_of_the_vectors)
{
	static const char *const cases[][2] = {
		{TOKEN ".NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		 "303106082b0601050507011f0101ff04220420fdc0b9aef07dbccf2acd3dcc4c1713795a50c2d6cdca9057c909c4e1f84cf50"
		 "4"},
		{TOKEN ".oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
		 "303106082b0601050507011f0101ff042204204ec44aca7a6cf16476b7f9a0d78ffe6fd2803c8e73e9d552e82cca8a5d92b97"
		 "5"},
		{TOKEN ".kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		 "303106082b0601050507011f0101ff042204209f7af3b5f0ed4c03ad9727bb6d1754be3922ddac553b2452cf1c1801516e41a"
		 "8"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair pair CLEANUP(pair_done) = make("example.org", cases[i][0]);
		CHECK(holds(&pair, cases[i][1]));
	}
}

TEST(it_is_for_one_name_and_nothing_else)
{
	/* The OID, critical because the subject is empty, and the value. */
	static const char *const cases[][2] = {
		{"Example.ORG", "0603551d110101ff040f300d820b6578616d706c652e6f7267"},
		{"192.0.2.1", "0603551d110101ff040830068704c0000201"},
		{"2001:db8::1", "0603551d110101ff04143012871020010db8000000000000000000000001"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair pair CLEANUP(pair_done) = make(cases[i][0], TOKEN ".x");
		CHECK(holds(&pair, cases[i][1]));
		CHECK_INT(X509_get_ext_count(pair.certificate), 2);
		CHECK_INT(X509_NAME_entry_count(X509_get_subject_name(pair.certificate)), 0);
	}
}

TEST(it_signs_itself_with_a_fresh_p256_key_and_lasts_a_day_either_side)
{
	struct pair one CLEANUP(pair_done) = make("example.org", TOKEN ".x");
	struct pair two CLEANUP(pair_done) = make("example.org", TOKEN ".x");
	char group[32] = "";
	time_t begin = NOW - DAY, end = NOW + DAY;

	CHECK_INT(X509_check_private_key(one.certificate, one.key), 1);
	CHECK_INT(X509_verify(one.certificate, one.key), 1);
	CHECK(EVP_PKEY_get_utf8_string_param(one.key, "group", group, sizeof(group), NULL) == 1);
	CHECK_STR(group, "prime256v1");
	CHECK(EVP_PKEY_eq(one.key, two.key) != 1);
	CHECK_INT(ASN1_TIME_cmp_time_t(X509_get0_notBefore(one.certificate), begin), 0);
	CHECK_INT(ASN1_TIME_cmp_time_t(X509_get0_notAfter(one.certificate), end), 0);
	CHECK_INT(X509_get_version(one.certificate), X509_VERSION_3);
}

TEST(a_wildcard_has_none)
{
	struct identifier identifier;
	struct error err = {0};
	struct secret key CLEANUP(secret_done) = {0};
	struct buf der CLEANUP(buf_done);
	buf_init(&der, 4096);
	CHECK_OK(identifier_parse("*.example.org", &identifier, &err), err);
	CHECK(!alpn_certificate_make(&identifier, TOKEN ".x", NOW, &der, &key, &err));
	CHECK_CONTAINS(err.message, "*.example.org");
}

TEST_MAIN()

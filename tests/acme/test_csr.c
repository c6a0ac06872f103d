/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests, read back with OpenSSL: whose key, which names, nothing else. */
#include "acme/key.h"

#include "base/buf.h"
#include "tests/support/test.h"

#include <openssl/x509v3.h>
#include <string.h>

static struct identifier name(const char *text)
{
	struct identifier identifier;
	struct error err = {0};
	CHECK_OK(identifier_parse(text, &identifier, &err), err);
	return identifier;
}

static X509_REQ *make(enum key_type type, const struct identifier *identifiers, size_t count)
{
	struct error err = {0};
	struct buf der;
	struct key *key = key_generate(type, &err);
	CHECK_OK(key != NULL, err);
	buf_init(&der, 65536);
	CHECK_OK(key_make_csr(key, identifiers, count, &der, &err), err);
	const unsigned char *at = (const unsigned char *)der.data;
	X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der.len);
	CHECK(request != NULL && at == (const unsigned char *)der.data + der.len);
	CHECK(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)) == 1);
	buf_done(&der);
	key_free(key);
	return request;
}

/* The value of the one extension, which must be the subjectAltName. */
static void check_san(X509_REQ *request, const char *hex)
{
	STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
	CHECK_INT(sk_X509_EXTENSION_num(extensions), 1);
	X509_EXTENSION *extension = sk_X509_EXTENSION_value(extensions, 0);
	CHECK_INT(OBJ_obj2nid(X509_EXTENSION_get_object(extension)), NID_subject_alt_name);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
	long want_len = 0;
	unsigned char *want = OPENSSL_hexstr2buf(hex, &want_len);
	CHECK_MEM(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value), want, (size_t)want_len);
	OPENSSL_free(want);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

TEST(dns_name)
{
	struct identifier names[] = {name("example.org")};
	X509_REQ *request = make(KEY_TYPE_ECDSA_P256, names, 1);
	check_san(request, "300d820b6578616d706c652e6f7267");
	CHECK_INT(X509_NAME_entry_count(X509_REQ_get_subject_name(request)), 0);
	CHECK_INT(X509_REQ_get_signature_nid(request), NID_ecdsa_with_SHA256);
	X509_REQ_free(request);
}

TEST(ip_addresses)
{
	struct identifier v4[] = {name("192.0.2.1")}, v6[] = {name("2001:DB8::1")};
	X509_REQ *request = make(KEY_TYPE_ECDSA_P384, v4, 1);
	check_san(request, "30068704c0000201");
	CHECK_INT(X509_REQ_get_signature_nid(request), NID_ecdsa_with_SHA384);
	X509_REQ_free(request);
	request = make(KEY_TYPE_ECDSA_P256, v6, 1);
	check_san(request, "3012871020010db8000000000000000000000001");
	X509_REQ_free(request);
}

TEST(several_names_in_one_extension)
{
	struct identifier names[] = {name("*.a.example"), name("a.example"), name("192.0.2.1")};
	X509_REQ *request = make(KEY_TYPE_RSA_2048, names, 3);
	check_san(request, "301e820b2a2e612e6578616d706c658209612e6578616d706c658704c0000201");
	CHECK_INT(X509_REQ_get_signature_nid(request), NID_sha256WithRSAEncryption);
	X509_REQ_free(request);
}

TEST(no_names_no_request)
{
	struct error err = {0};
	struct buf der;
	struct key *key = key_generate(KEY_TYPE_ECDSA_P256, &err);
	buf_init(&der, 4096);
	CHECK(!key_make_csr(key, NULL, 0, &der, &err));
	CHECK_INT(der.len, 0);
	key_free(key);
}

TEST_MAIN()

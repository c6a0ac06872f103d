/* SPDX-License-Identifier: Apache-2.0 */
/* A small CA for the tests of chains. */
#include "support_certificates.h"

#include "acme/openssl.h"
#include "tests/support/test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, NULL, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	CHECK(extension != NULL);
	CHECK(X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

X509 *make_certificate(const struct certificate_spec *spec)
{
	static long serial = 0x1000;
	X509 *certificate = X509_new();
	struct key *issuer_key = spec->issuer_key != NULL ? spec->issuer_key : spec->key;
	CHECK(certificate != NULL);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
	ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)spec->not_before);
	ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)spec->not_after);
	if (spec->subject != NULL)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
					   (const unsigned char *)spec->subject, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(spec->issuer != NULL ? spec->issuer : certificate));
	X509_set_pubkey(certificate, spec->key->pkey);
	add_extension(certificate, NID_basic_constraints, spec->ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (spec->names != NULL)
		add_extension(certificate, NID_subject_alt_name, spec->names);
	CHECK(X509_sign(certificate, issuer_key->pkey, spec->digest != NULL ? spec->digest : EVP_sha256()) > 0);
	return certificate;
}

void append_certificate(struct buf *pem, X509 *certificate)
{
	char *text = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	CHECK(PEM_write_bio_X509(bio, certificate) == 1);
	long len = BIO_get_mem_data(bio, &text);
	buf_append(pem, text, (size_t)len);
	BIO_free(bio);
}

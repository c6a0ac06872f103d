/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tls-alpn-01 certificate, extension by extension. OpenSSL 3.0 has no name for acmeIdentifier, so its object is
 * made from the number.
 */
#include "acme/alpn_certificate.h"

#include "acme/openssl.h"
#include "base/buf.h"

#include <string.h>

enum { DAY = 24 * 3600, SERIAL_BITS = 64, DIGEST_SIZE = 32 };

DEFINE_FREEP(certificate_freep, X509, X509_free)
DEFINE_FREEP(extension_freep, X509_EXTENSION, X509_EXTENSION_free)
DEFINE_FREEP(object_freep, ASN1_OBJECT, ASN1_OBJECT_free)
DEFINE_FREEP(octets_freep, ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)

/* RFC 8737 §6.1: id-pe 31. */
static const char ACME_IDENTIFIER[] = "1.3.6.1.5.5.7.1.31";

/* §3: an OCTET STRING of the digest's 32 octets, which is wrapped in the extension's own OCTET STRING. */
static bool add_digest(X509 *certificate, const char *key_authorization, struct error *err)
{
	enum { TAG_OCTET_STRING = 0x04 };
	unsigned char value[2 + DIGEST_SIZE] = {TAG_OCTET_STRING, DIGEST_SIZE};
	CLEANUP(object_freep) ASN1_OBJECT *object = OBJ_txt2obj(ACME_IDENTIFIER, /* no_name= */ 1);
	CLEANUP(octets_freep) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();

	if (object == NULL || octets == NULL ||
	    EVP_Digest(key_authorization, strlen(key_authorization), value + 2, NULL, EVP_sha256(), NULL) != 1 ||
	    ASN1_OCTET_STRING_set(octets, value, sizeof(value)) != 1)
		return openssl_error(err, "cannot make the acmeIdentifier extension");
	CLEANUP(extension_freep)
	X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, /* critical= */ 1, octets);
	if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1)
		return openssl_error(err, "cannot make the acmeIdentifier extension");
	return true;
}

static bool add_name(X509 *certificate, const struct identifier *identifier, struct error *err)
{
	CLEANUP(names_freep) GENERAL_NAMES *names = names_from_identifiers(identifier, 1, err);
	if (names == NULL)
		return false;
	/* RFC 5280 §4.2.1.6: critical, because the subject is empty. */
	return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, /* critical= */ 1, X509V3_ADD_DEFAULT) ==
		       1 ||
	       openssl_error(err, "cannot put the name into the challenge's certificate");
}

static bool set_fields(X509 *certificate, EVP_PKEY *key, int64_t now, struct error *err)
{
	CLEANUP(bignum_freep) BIGNUM *serial = BN_new();
	bool ok = serial != NULL && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL &&
		  X509_set_version(certificate, X509_VERSION_3) == 1 &&
		  ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(now - DAY)) != NULL &&
		  ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(now + DAY)) != NULL &&
		  X509_set_pubkey(certificate, key) == 1;
	return ok || openssl_error(err, "cannot make the challenge's certificate");
}

static bool encode(X509 *certificate, EVP_PKEY *key, struct buf *ret_certificate, struct secret *ret_key,
		   struct error *err)
{
	unsigned char *der = NULL, *key_der = NULL;
	int len = i2d_X509(certificate, &der), key_len = i2d_PrivateKey(key, &key_der);
	bool ok = len > 0 && key_len > 0;

	if (!ok)
		openssl_error(err, "cannot encode the challenge's certificate");
	ok = ok && secret_set(ret_key, key_der, (size_t)key_len, err);
	if (ok)
		buf_append(ret_certificate, der, (size_t)len);
	OPENSSL_free(der);
	OPENSSL_clear_free(key_der, key_len > 0 ? (size_t)key_len : 0);
	return ok && buf_check(ret_certificate, "challenge certificate", err);
}

bool alpn_certificate_make(const struct identifier *identifier, const char *key_authorization, int64_t now,
			   struct buf *ret_certificate, struct secret *ret_key, struct error *err)
{
	if (identifier_is_wildcard(identifier))
		return error_set(err, ERROR_USAGE, NULL, "the wildcard %s cannot be validated by tls-alpn-01",
				 identifier->value);
	CLEANUP(pkey_freep) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	CLEANUP(certificate_freep) X509 *certificate = X509_new();
	if (key == NULL || certificate == NULL)
		return openssl_error(err, "cannot make a key for the challenge's certificate");
	if (!set_fields(certificate, key, now, err) || !add_name(certificate, identifier, err) ||
	    !add_digest(certificate, key_authorization, err))
		return false;
	if (X509_sign(certificate, key, EVP_sha256()) == 0)
		return openssl_error(err, "cannot sign the challenge's certificate");
	return encode(certificate, key, ret_certificate, ret_key, err);
}

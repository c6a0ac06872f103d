/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests: empty subject and one subjectAltName. */
#include "acme/openssl.h"
#include "base/buf.h"
#include "base/limits.h"

DEFINE_FREEP(request_freep, X509_REQ, X509_REQ_free)

static inline void extensions_freep(STACK_OF(X509_EXTENSION) * *extensions)
{
	sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
}

static bool add_names(X509_REQ *request, const struct identifier *identifiers, size_t count, struct error *err)
{
	CLEANUP(names_freep) GENERAL_NAMES *names = names_from_identifiers(identifiers, count, err);
	CLEANUP(extensions_freep) STACK_OF(X509_EXTENSION) *extensions = NULL;

	if (names == NULL)
		return false;
	if (X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, /* critical= */ 0, X509V3_ADD_DEFAULT) != 1 ||
	    X509_REQ_add_extensions(request, extensions) != 1)
		return openssl_error(err, "cannot put the names into the certificate request");
	return true;
}

bool key_make_csr(const struct key *key, const struct identifier *identifiers, size_t count, struct buf *ret,
		  struct error *err)
{
	const EVP_MD *digest = key->type == KEY_TYPE_ECDSA_P384 ? EVP_sha384() : EVP_sha256();
	unsigned char *der = NULL;

	if (count == 0 || count > LIMIT_IDENTIFIERS)
		return error_set(err, ERROR_USAGE, NULL, "a certificate request needs 1 to %d names",
				 LIMIT_IDENTIFIERS);
	if (key->type == KEY_TYPE_ED25519)
		return error_set(err, ERROR_USAGE, NULL, "no CA issues certificates for Ed25519 keys");
	CLEANUP(request_freep) X509_REQ *request = X509_REQ_new();
	if (request == NULL || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(request, key->pkey) != 1)
		return openssl_error(err, "cannot make a certificate request");
	if (!add_names(request, identifiers, count, err))
		return false;
	if (X509_REQ_sign(request, key->pkey, digest) == 0)
		return openssl_error(err, "cannot sign the certificate request");

	int len = i2d_X509_REQ(request, &der);
	if (len <= 0)
		return openssl_error(err, "cannot encode the certificate request");
	buf_append(ret, der, (size_t)len);
	OPENSSL_free(der);
	return buf_check(ret, "certificate request", err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files that use OpenSSL share: the key's inside, release functions, one way to report a failure. For
 * key.c, signer.c, jwk.c, names.c, csr.c, csr_parse.c, alpn_certificate.c, ari.c, chain.c, chain_verify.c and pkcs12.c
 * only.
 */
#ifndef ACME_OPENSSL_H
#define ACME_OPENSSL_H

#include "acme/key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

struct key {
	EVP_PKEY *pkey;
	enum key_type type;
	char *jwk; /* the public part, RFC 7638 canonical */
};

struct chain {
	STACK_OF(X509) * certificates; /* at least one, leaf first */
};

DEFINE_FREEP(bio_freep, BIO, BIO_free_all)
DEFINE_FREEP(pkey_freep, EVP_PKEY, EVP_PKEY_free)
DEFINE_FREEP(bignum_freep, BIGNUM, BN_free)

/* A key of which only the public part is known. Takes PKEY over, whatever comes of it. */
MUST_CHECK struct key *key_from_public(EVP_PKEY *take_pkey, struct error *err);

/* A failed OpenSSL call: SENTENCE and the library's own reason, as ERROR_INTERNAL; empties its error queue. False. */
bool openssl_error(struct error *err, const char *sentence);

/* A password callback that has none: an encrypted PEM block fails instead of asking a terminal. */
int openssl_no_password(char *buf, int size, int writing, void *ctx);

DEFINE_FREEP(names_freep, GENERAL_NAMES, GENERAL_NAMES_free)

/*
 * The names of a subjectAltName (NULL: there is none) as a malloc'd array: 1 to LIMIT_IDENTIFIERS DNS names and
 * addresses. ERROR_DATA beginning with WHAT ("the certificate") otherwise.
 */
MUST_CHECK bool names_to_identifiers(const GENERAL_NAMES *names, const char *what, struct identifier **ret,
				     size_t *ret_count, struct error *err);

/*
 * The other way: the content of a subjectAltName, put together name by name, since in OpenSSL's text form of extensions
 * a comma inside a name would become a second name. RFC 8555 §7.4; RFC 8738 §3 for addresses. NULL on failure.
 */
MUST_CHECK GENERAL_NAMES *names_from_identifiers(const struct identifier *identifiers, size_t count, struct error *err);

/* The public key as a JWK with its members in RFC 7638 order, malloc'd. EC, RSA and Ed25519. */
MUST_CHECK char *jwk_from_key(EVP_PKEY *pkey, struct error *err);

/*
 * An ECDSA signature from DER to r||s, each left-padded to WIDTH bytes (RFC 7518 §3.4), appended to RET.
 */
MUST_CHECK bool ecdsa_der_to_raw(const unsigned char *der, size_t len, size_t width, struct buf *ret,
				 struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys: made, read and written as PEM, signing JWS and certificate requests. Nobody else includes OpenSSL's key
 * types, and nobody reads the private part but key_to_pem().
 */
#ifndef ACME_KEY_H
#define ACME_KEY_H

#include "acme/port.h"
#include "base/secret.h"

API_BEGIN

struct key;

MUST_CHECK struct key *key_generate(enum key_type type, struct error *err);

/* One PKCS#8 or traditional PEM private key without a passphrase; EC P-256/P-384, RSA of 2048 bits or more, Ed25519. */
MUST_CHECK struct key *key_from_pem(const struct secret *pem, struct error *err);

/* PKCS#8 PEM. */
MUST_CHECK bool key_to_pem(const struct key *key, struct secret *ret, struct error *err);

void key_free(struct key *key);
DEFINE_FREEP(key_freep, struct key, key_free)

/* "ecdsa-p256", …; for display and for records. */
enum key_type key_get_type(const struct key *key);

/* A signer over KEY (borrowed: it must outlive the signer). RFC 7515, 7517, 7518, 8037. */
MUST_CHECK bool key_signer(struct key *key, struct acme_signer *ret, struct error *err);

/* "ES256", …: the JWS algorithm of a key of TYPE; and the first type that signs with ALG, false where there is none. */
const char *key_type_algorithm(enum key_type type);
MUST_CHECK bool key_type_for_algorithm(const char *alg, enum key_type *ret);

/* The public key, RFC 7517, canonical as RFC 7638 wants it. Borrowed from KEY. Two keys are the same when this is. */
const char *key_jwk(const struct key *key);

/* base64url(SHA-256(JWK)), RFC 7638, for a public JWK in canonical form: 43 characters and the NUL. */
MUST_CHECK bool jwk_thumbprint(const char *jwk, char ret[44], struct error *err);

/*
 * A PKCS#10 request (DER) for the identifiers: empty subject, one subjectAltName extension built name by name, SHA-256
 * (SHA-384 with P-384). Appended to RET. Not for Ed25519 keys. RFC 8555 §7.4, RFC 8738 §3.
 */
MUST_CHECK bool key_make_csr(const struct key *key, const struct identifier *identifiers, size_t count, struct buf *ret,
			     struct error *err);

API_END

#endif

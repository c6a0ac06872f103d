/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens by which a program proves its RSA key to a token endpoint (RFC 7519, RFC 7515 §7.1, RFC 7523 §3). The
 * one place where cloud vendors' private keys are handled.
 */
#ifndef DNS_PROVIDERS_JWT_H
#define DNS_PROVIDERS_JWT_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/secret.h"

enum jwt_algorithm {
	JWT_RS256, /* RFC 7518 §3.3 */
	JWT_PS256, /* §3.5 */
};

struct jwt_key;

/*
 * An RSA key of 2048 bits or more without a password from PEM, PKCS#1 or PKCS#8; what else stands there is passed over.
 * NULL, as ERROR_CONFIG naming SOURCE ("the setting credentials"), when there is none.
 */
MUST_CHECK struct jwt_key *jwt_key_read(const char *pem, size_t len, const char *source, struct error *err);
void jwt_key_free(struct jwt_key *key);
DEFINE_FREEP(jwt_key_freep, struct jwt_key, jwt_key_free)

/*
 * The token with CLAIMS, a JSON object, signed by KEY. The header says which key that is: NAME is "kid" or "x5t#S256",
 * ID its value; NAME NULL: it says nothing.
 */
MUST_CHECK bool jwt_sign(const struct jwt_key *key, enum jwt_algorithm algorithm, const char *name, const char *id,
			 const char *claims, struct secret *ret, struct error *err);

/*
 * "x5t#S256" (RFC 7515 §4.1.8): the SHA-256 of the first certificate in PEM whose key is KEY, in base64url, appended to
 * RET. ERROR_CONFIG naming SOURCE when there is none.
 */
MUST_CHECK bool jwt_thumbprint(const struct jwt_key *key, const char *pem, size_t len, const char *source,
			       struct buf *ret, struct error *err);

#endif

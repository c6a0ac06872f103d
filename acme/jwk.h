/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests as ACME writes them. The JWK of a key itself is made with the key, see acme/key.h.
 */
#ifndef ACME_JWK_H
#define ACME_JWK_H

#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	SHA256_SIZE = 32,
	SHA256_BASE64URL_SIZE = 44, /* 43 characters and the NUL */
};

/* SHA-256 of LEN bytes at DATA. */
MUST_CHECK bool sha256_digest(const void *data, size_t len, unsigned char ret[SHA256_SIZE], struct error *err);

/* base64url(SHA-256(TEXT)). */
MUST_CHECK bool sha256_base64url(const char *text, char ret[SHA256_BASE64URL_SIZE], struct error *err);

#endif

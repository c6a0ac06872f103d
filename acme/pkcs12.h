/* SPDX-License-Identifier: Apache-2.0 */
/* A key and its chain as a PKCS #12 file (RFC 7292), which Java and Windows read. */
#ifndef ACME_PKCS12_H
#define ACME_PKCS12_H

#include "acme/chain.h"

/*
 * KEY and CHAIN, whose leaf is KEY's, under the friendly name NAME (Java's alias). The key is encrypted with AES-256
 * (PBES2, PBKDF2 with HMAC-SHA256), the whole has an HMAC-SHA256; certificates, which are public, stand as they are.
 * PASSWORD is ASCII, which all readers understand alike. The same arguments give the same bytes, so that what is on a
 * server can be compared.
 */
MUST_CHECK bool pkcs12_make(const struct key *key, const struct chain *chain, const char *name,
			    const struct secret *password, struct secret *ret, struct error *err);

#endif

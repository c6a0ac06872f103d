/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate that answers a tls-alpn-01 challenge (RFC 8737 §3): self-signed, for one name, never trusted by
 * anybody, and served to nobody but a CA that asks for it by ALPN "acme-tls/1".
 */
#ifndef ACME_ALPN_CERTIFICATE_H
#define ACME_ALPN_CERTIFICATE_H

#include "acme/port.h"
#include "base/secret.h"

/*
 * The certificate (DER, appended to RET_CERTIFICATE) and its fresh P-256 key (PKCS #8 DER) for IDENTIFIER, which is no
 * wildcard: subjectAltName with this one name, or address (RFC 8738 §6), and the critical acmeIdentifier extension with
 * the SHA-256 of KEY_AUTHORIZATION. Valid from a day before NOW (wall clock seconds) to a day after it. The name that
 * the CA asks by is identifier_server_name().
 */
MUST_CHECK bool alpn_certificate_make(const struct identifier *identifier, const char *key_authorization, int64_t now,
				      struct buf *ret_certificate, struct secret *ret_key, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A throw-away certificate for servers inside tests. */
#ifndef TESTS_TRANSPORT_SUPPORT_PKI_H
#define TESTS_TRANSPORT_SUPPORT_PKI_H

#include <openssl/ssl.h>

/* A TLS server's context with a fresh self-signed certificate for localhost, 127.0.0.1 and ::1 that expires at
 * NOT_AFTER. */
SSL_CTX *pki_server_context(long not_after);

/* Write the context's certificate as PEM to PATH: trust anchor of the above. */
void pki_write_certificate(SSL_CTX *context, const char *path);

/* SHA-256 of the context's certificate, lower-case hex. */
void pki_fingerprint(SSL_CTX *context, char out[65]);

#endif

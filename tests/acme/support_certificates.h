/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made to measure: right by default, wrong where a test says so. */
#ifndef TESTS_ACME_SUPPORT_CERTIFICATES_H
#define TESTS_ACME_SUPPORT_CERTIFICATES_H

#include "acme/key.h"
#include "base/buf.h"

#include <openssl/x509.h>

struct certificate_spec {
	const char *subject; /* common name; NULL: empty subject */
	const char *names;   /* "DNS:a.example,IP:192.0.2.1"; NULL: no subjectAltName */
	bool ca;
	struct key *key;        /* its public part goes in */
	const X509 *issuer;     /* NULL: self-signed */
	struct key *issuer_key; /* NULL: key */
	const EVP_MD *digest;   /* NULL: SHA-256 */
	int64_t not_before;     /* wall clock seconds */
	int64_t not_after;
};

X509 *make_certificate(const struct certificate_spec *spec);

void append_certificate(struct buf *pem, X509 *certificate);

#endif

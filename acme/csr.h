/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate requests that somebody else made: their private key never comes here.
 */
#ifndef ACME_CSR_H
#define ACME_CSR_H

#include "acme/key.h"

API_BEGIN

struct csr;

/*
 * LEN bytes of DATA, one PKCS#10 request as PEM or DER and nothing else, at most LIMIT_CSR bytes of DER. Refused as
 * ERROR_DATA, with the reason, is what a CA would refuse later, or what would surprise: a wrong self-signature, or one
 * by an old digest; keys other than RSA of 2048 bits or more, P-256 and P-384; no subjectAltName, or names in it that
 * are neither DNS names nor addresses; a common name that is not among them; must-staple.
 */
MUST_CHECK struct csr *csr_parse(const void *data, size_t len, struct error *err);
void csr_free(struct csr *csr);
DEFINE_FREEP(csr_freep, struct csr, csr_free)

/* The names, each once. Borrowed. */
const struct identifier *csr_identifiers(const struct csr *csr, size_t *ret_count);

/* The public key: good for key_get_type(), key_jwk() and checking a chain, and for nothing that needs the private one.
 */
const struct key *csr_key(const struct csr *csr);

/* The same as a key of its own, for where it outlives the request. */
MUST_CHECK struct key *csr_copy_key(const struct csr *csr, struct error *err);

/* PKCS#10 DER, borrowed, *RET_LEN bytes; and as PEM, appended to RET. */
const void *csr_der(const struct csr *csr, size_t *ret_len);
MUST_CHECK bool csr_to_pem(const struct csr *csr, struct buf *ret, struct error *err);

API_END

#endif

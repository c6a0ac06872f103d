/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for a request that the user brought: how it is remembered, staged and held against our account keys.
 */
#ifndef SERVICE_OWN_CSR_H
#define SERVICE_OWN_CSR_H

#include "acme/csr.h"
#include "store/renewal.h"

/* CSR into RENEWAL's csr and key_type, so that a renewal can send it again. */
MUST_CHECK bool own_csr_remember(const struct csr *csr, struct renewal *renewal, struct error *err);

/* The request that WANTED remembers. NULL and ERR. */
MUST_CHECK struct csr *own_csr_open(const struct renewal *wanted, struct error *err);

/* ERROR_USAGE when the request's key is that of one of our accounts (RFC 8555 §11.1). */
MUST_CHECK bool own_csr_check_accounts(struct store *store, const struct csr *csr, struct error *err);

/* Whether NAME's staged request is CSR; and stage it. */
MUST_CHECK bool own_csr_is_staged(struct store *store, const char *name, const struct csr *csr, bool *ret,
				  struct error *err);
MUST_CHECK bool own_csr_stage(struct store *store, const char *name, const struct csr *csr, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate from order to download, straight down RFC 8555 §7.4: new order (or a resumed one), authorizations,
 * challenges, finalize, certificate.
 */
#ifndef ACME_FLOW_H
#define ACME_FLOW_H

#include "acme/session.h"

struct acme_certificate_request {
	const struct identifier *identifiers; /* borrowed; at least one, without duplicates */
	size_t identifier_count;
	const void *csr_der; /* PKCS#10 for exactly these identifiers */
	size_t csr_der_len;
	const char *resume_url; /* an order placed by an earlier run; NULL: place a new one */
	const char *profile;    /* NULL: the CA's default */
};

/*
 * Obtain the certificate. The order is resumed from whatever state it is in; one that is gone, expired or invalid is
 * replaced by a new order. Authorizations that are valid already need no challenge. The solver's cleanup has run by the
 * time this returns. *RET_CHAIN becomes the downloaded PEM chain, malloc'd, not yet checked: see acme/chain.h.
 *
 * Requests: for one name and a known account 9 in all at most, when every first poll finds the answer.
 */
MUST_CHECK bool acme_obtain_certificate(struct acme_session *session, const struct acme_identity *account,
					const struct acme_certificate_request *request,
					const struct acme_solver *solver, const struct acme_observer *observer,
					struct deadline deadline, char **ret_chain, struct error *err);

#endif

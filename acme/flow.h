/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate from order to download, straight down RFC 8555 §7.4: new order (or a resumed one), authorizations,
 * challenges, finalize, certificate.
 */
#ifndef ACME_FLOW_H
#define ACME_FLOW_H

#include "acme/session.h"

API_BEGIN

struct acme_certificate_request {
	const struct identifier *identifiers; /* borrowed; at least one, without duplicates */
	size_t identifier_count;
	const void *csr_der; /* PKCS#10 for exactly these identifiers */
	size_t csr_der_len;
	const char *resume_url; /* an order placed by an earlier run; NULL: place a new one */
	const char *profile;    /* NULL: the CA's default */
	int64_t not_before;     /* wall clock seconds; 0: the CA decides (RFC 8555 §7.4) */
	int64_t not_after;
	/*
	 * The certificate that this one replaces (ari_certificate_id()): of this CA and this account, with a name in
	 * common, not replaced by another order. Told where the CA offers renewal information; an order refused for it
	 * is placed once more without (RFC 9773 §5). NULL: none.
	 */
	const char *replaces;
	bool pre_authorize;          /* authorize the names before the order (§7.4.1); fails where the CA cannot */
	const char *preferred_chain; /* common name of the issuer at the chain's end; NULL: the CA's default chain */
};

/* What the CA gave. Not checked yet: see acme/chain.h. */
struct acme_certificate {
	char *chain;    /* PEM, malloc'd */
	char *fallback; /* the CA's default, where CHAIN is one of its alternates: of use when that fails the checks */
	char *profile;  /* the order's, as the CA echoed it; NULL: it did not */
};

void acme_certificate_done(struct acme_certificate *certificate);

/*
 * Obtain the certificate. The order is resumed from whatever state it is in; one that is gone, expired or invalid is
 * replaced by a new order. Authorizations that are valid already need no challenge. The solver's cleanup has run by the
 * time this returns. A wish that the CA did not grant (another profile, no chain under the issuer) is told to the
 * observer as a note.
 *
 * Requests: for one name and a known account 9 in all at most, when every first poll finds the answer; one more for
 * each alternate chain that is looked at.
 */
MUST_CHECK bool acme_obtain_certificate(struct acme_session *session, const struct acme_identity *account,
					const struct acme_certificate_request *request,
					const struct acme_solver *solver, const struct acme_observer *observer,
					struct deadline deadline, struct acme_certificate *ret, struct error *err);

/*
 * Give up the order at URL, placed by an earlier run for something that is no longer wanted: authorizations that still
 * wait are deactivated (§7.5.2), since they count against the CA's limits. As well as it goes, within a few seconds.
 */
void acme_abandon_order(struct acme_session *session, const struct acme_identity *account, const char *url,
			struct deadline deadline);

API_END

#endif

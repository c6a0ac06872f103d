/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal information, RFC 9773: when the CA would like a certificate to be renewed.
 */
#ifndef ACME_ARI_H
#define ACME_ARI_H

#include "acme/chain.h"
#include "acme/session.h"

API_BEGIN

/*
 * §4.1: how the CA knows the leaf of CHAIN: base64url(key identifier of its authorityKeyIdentifier) "."
 * base64url(content octets of its serial number). malloc'd. ERROR_DATA where the certificate names no issuer key: ARI
 * cannot be used for it then.
 */
MUST_CHECK char *ari_certificate_id(const struct chain *chain, struct error *err);

/* §4.1: BASE (the directory's renewalInfo) and ID with exactly one slash between them. malloc'd. */
MUST_CHECK char *ari_url(const char *base, const char *id, struct error *err);

/* §4.2. Times are wall clock seconds. */
struct ari_info {
	int64_t start, end;  /* the suggested window; start < end */
	char *explanation;   /* why, for the operator: a URL, terminal-safe, cut to LIMIT_URL; NULL: none was given */
	int64_t retry_after; /* seconds until the CA may be asked again: see ari_retry_after() */
};

void ari_info_done(struct ari_info *info);

/*
 * LEN bytes of TEXT as a RenewalInfo object: all but retry_after. A window that ends before it begins, or at once, is
 * no answer. ERROR_DATA otherwise.
 */
MUST_CHECK bool ari_parse(const char *text, size_t len, struct ari_info *ret, struct error *err);

/*
 * §4.3.2: RESPONSE's Retry-After, which is here both the least and the most to wait, in seconds within [1 minute, 1
 * day]. Missing or garbled it is LIMIT_ARI_RETRY_LATER (§4.3.3).
 */
int64_t ari_retry_after(const struct http_response *response, int64_t now);

/*
 * Ask the CA about the certificate ID by one GET without a signature (§4.1), and by one more for the directory when
 * the session has none yet. False also where the CA offers no renewal information: then *RET_OFFERED is false and ERR
 * is empty. Otherwise ERR says what went wrong (ari_is_passing() tells whether asking again soon may help).
 */
MUST_CHECK bool acme_renewal_info(struct acme_session *session, const char *id, struct deadline deadline,
				  struct ari_info *ret, bool *ret_offered, struct error *err);

/* §4.3.3: whether ERR is a temporary failure (a time-out, a broken connection, a 5xx) rather than a lasting one. */
bool ari_is_passing(const struct error *err);

API_END

#endif

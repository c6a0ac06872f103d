/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run's conversation with one CA: its directory, its nonces, and the policy of sending (a fresh nonce and a fresh
 * signature on every send, badNonce retried, URLs kept to the CA's own origins). Requests of several threads may use
 * one session at once; everything else about it is fixed after acme_session_open().
 */
#ifndef ACME_SESSION_H
#define ACME_SESSION_H

#include "acme/port.h"
#include "acme/profile.h"
#include "base/str.h"

API_BEGIN

/* RFC 8555 §7.1.1. Strings are owned by the session; NULL where the CA offers none. */
struct acme_directory {
	char *url;
	char *new_nonce;
	char *new_account;
	char *new_order;
	char *new_authz; /* §7.4.1: NULL where the CA has no pre-authorization; not checked yet */
	char *revoke_cert;
	char *key_change;
	char *renewal_info;     /* RFC 9773 */
	char *terms_of_service; /* meta */
	char *website;
	bool external_account_required;
	struct str_list caa_identities; /* names that CAA records know the CA by; none: the CA does not say */
	struct str_list issuer_names; /* dns-persist-01 -02: issuerDomainNames; none: not given, or not as it must be */
	char *account_hash_prefix;    /* dns-persist-01 -02 */
	struct acme_profiles profiles; /* meta; draft-ietf-acme-profiles §3 */
};

struct acme_session;

/*
 * A session with the CA whose directory is at URL (https, or http with a loopback literal as host). PORT is borrowed
 * and must outlive the session. Sends nothing yet.
 */
MUST_CHECK struct acme_session *acme_session_new(const struct acme_port *port, const char *url, struct error *err);
void acme_session_free(struct acme_session *session);
DEFINE_FREEP(acme_session_freep, struct acme_session, acme_session_free)

/* The directory, fetched by the first call. Borrowed from the session. NULL with ERR on failure. */
MUST_CHECK const struct acme_directory *acme_session_directory(struct acme_session *session, struct deadline deadline,
							       struct error *err);

/*
 * Who signs a request: by the account URL (`kid`), or with the public key itself where KID is NULL (newAccount).
 * RFC 8555 §6.2.
 */
struct acme_identity {
	const struct acme_signer *signer;
	const char *kid;
};

/* A signed POST. PAYLOAD NULL is POST-as-GET (§6.3). */
struct acme_post {
	const char *url;
	const char *payload;
	const char *accept;  /* NULL: application/json */
	size_t max_response; /* 0: LIMIT_JSON_BODY */
	bool repeatable;     /* doing it twice does no harm although PAYLOAD is set (newAccount, §7.3.1) */
	bool ok;
	struct http_response response; /* a 2xx answer; or, not ok, the refusal; status 0: none. Owned by the caller. */
	struct error error;            /* when not ok; its step is the one given to acme_session_post */
};

/*
 * Send COUNT signed POSTs, LIMIT_PARALLEL_REQUESTS side by side, each retried on badNonce with the nonce of the very
 * answer and a new signature; then each has a 2xx response or an error. A lost connection is tried again once where
 * that is safe: POST-as-GET and `repeatable`. For the rest (newOrder, finalize, a challenge) the CA may have acted
 * although its answer was lost, so the caller has to look first. Returns true when all are ok; otherwise ERR is a copy
 * of the first one's error. Every URL passes acme_session_check_url() first.
 */
MUST_CHECK bool acme_session_post(struct acme_session *session, const struct acme_identity *identity,
				  struct acme_post *posts, size_t count, const char *step, struct deadline deadline,
				  struct error *err);

void acme_post_done(struct acme_post *post);

/*
 * One GET without a signature, for the few resources that are read so (RFC 8555 §6.3, RFC 9773 §4.1); tried again once
 * when its connection breaks. URL passes acme_session_check_url() first. RET is a 2xx answer, owned by the caller.
 */
MUST_CHECK bool acme_session_get(struct acme_session *session, const char *url, const char *step,
				 struct deadline deadline, struct http_response *ret, struct error *err);

/*
 * Seconds that our clock is ahead of the CA's (behind: negative) by the Date of its latest answer; 0 while unknown.
 * Failures of this session's requests carry it where it is more than LIMIT_CLOCK_OFFSET; see error_clock().
 */
int64_t acme_session_clock_offset(const struct acme_session *session);

/* Whether URL may be asked: https (or http where the directory is http on a loopback literal), no user, no fragment, at
 * most LIMIT_URL bytes, and the directory's own host and port. ERROR_CA otherwise. */
MUST_CHECK bool acme_session_check_url(const struct acme_session *session, const char *url, const char *step,
				       struct error *err);

const struct acme_port *acme_session_port(const struct acme_session *session);

API_END

#endif

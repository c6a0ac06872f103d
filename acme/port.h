/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine asks of the world. It has no sockets, no files and no clock of its own: the program that uses it
 * fills these in. Interfaces are structs of functions with a context; every function may be called from the thread that
 * called the engine and from no other.
 */
#ifndef ACME_PORT_H
#define ACME_PORT_H

#include "base/clock.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/http_message.h"
#include "base/identifier.h"
#include "base/terms.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

API_BEGIN

/* The network and the time. All members MUST be set. */
struct acme_port {
	void *ctx;

	/*
	 * Perform COUNT exchanges side by side and return when each has its response or its own error. MUST use HTTPS
	 * with a verified certificate, send a User-Agent, follow no redirect unless request.follow, and keep the caps
	 * of limits.h. Returns false only when nothing could be tried at all (cancelled, deadline passed).
	 */
	bool (*send)(void *ctx, struct http_exchange *exchanges, size_t count, struct deadline deadline,
		     struct error *err);

	/* Wait MS milliseconds; false when DEADLINE passed or was cancelled. base's deadline_sleep() fits. */
	bool (*wait)(void *ctx, int64_t ms, struct deadline deadline, struct error *err);

	/* Wall clock seconds. */
	int64_t (*now)(void *ctx);
};

/* Signs with one account key, which the engine never sees. All members MUST be set. */
struct acme_signer {
	void *ctx;
	const char *alg; /* "ES256", "RS256": RFC 7518 §3.1 */
	const char *jwk; /* public key, members in RFC 7638 order without white space */

	/* Append the JWS signature (RFC 7518 §3.3, §3.4: r||s for ECDSA) over LEN bytes to RET. */
	bool (*sign)(void *ctx, const void *data, size_t len, struct buf *ret, struct error *err);
};

struct persist_expectation;

/* One challenge to be solved. Borrowed from the flow until cleanup has returned. */
struct acme_challenge_task {
	enum challenge_type type;
	struct identifier identifier;  /* as ordered, "*." included */
	const char *token;             /* RFC 8555 §8.1, already checked against its alphabet; NULL: dns-persist-01 */
	const char *key_authorization; /* NULL: dns-persist-01 */
	const struct persist_expectation *persist; /* dns-persist-01: the record that must stand; see acme/persist.h */
	char dns_name[IDENTIFIER_MAX + 40]; /* dns-01: _acme-challenge.<base name>, dns-account-01: below its label */
	char dns_value[64];                 /* dns-01, dns-account-01: base64url(SHA-256(key authorization)) */
};

/* Makes challenges answerable. */
struct acme_solver {
	void *ctx;
	enum challenge_type type; /* the one challenge type it solves */

	/*
	 * Provision all COUNT tasks and return when they are visible to the CA as far as can be known: publish all
	 * first, wait once for all. On failure whatever was provisioned stays for cleanup.
	 */
	bool (*present)(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct deadline deadline,
			struct error *err);

	/*
	 * MAY be NULL. Where the solver itself is asked: return when the CA has asked for all of it, or after the time
	 * in which a CA usually does. The order is looked at then (RFC 8555 §7.5.1). False when cancelled or past
	 * DEADLINE.
	 */
	bool (*await_asked)(void *ctx, struct deadline deadline, struct error *err);

	/*
	 * Remove what present provisioned, and nothing else. Called exactly once after present, whether it worked or
	 * not, also after cancellation: it must bound its own time. What cannot be removed is reported in ERR, which
	 * the flow hands to the observer and does not count as failure.
	 */
	bool (*cleanup)(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct error *err);
};

/* Hears of progress and of what must survive a crash. Members MAY be NULL. */
struct acme_observer {
	void *ctx;

	/* The order exists at URL: persist it before returning. False stops the flow. */
	bool (*order_placed)(void *ctx, const char *url, struct error *err);

	/* STEP begins: a static string such as "new-order", "authorize", "challenge", "validate", "finalize",
	 * "download". */
	void (*step)(void *ctx, const char *step);

	/* Something went wrong that does not fail the certificate (a record could not be removed). */
	void (*note)(void *ctx, const struct error *err);
};

API_END

#endif

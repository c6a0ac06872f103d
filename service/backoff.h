/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a certificate that failed may be tried again: pure functions on its record, which survives the process. A try is
 * written down before it is made, so that neither a crash nor a restart gets around any of this.
 */
#ifndef SERVICE_BACKOFF_H
#define SERVICE_BACKOFF_H

#include "store/renewal.h"

/* Who asks for a try. */
enum backoff_asked {
	BACKOFF_SCHEDULED, /* a run over many certificates, such as cron's */
	BACKOFF_BY_HAND,   /* `issue`: our own back-off does not hold it, the CA's word does */
	BACKOFF_FORCED,    /* --force: the operator's own decision; nothing holds it */
};

/*
 * Tries are counted for RECORD's names, the way they are validated, and the CA that is configured for it (CA_URL):
 * where one of these has changed since, whoever changed it wants to see what comes of it, and RECORD's failures are
 * forgotten.
 */
MUST_CHECK bool backoff_know(struct renewal *record, const char *ca_url, struct error *err);

/* Seconds to wait after FAILURES in a row: 1, 2, 5 … minutes up to a day, each 20 % more or less by RANDOM. */
int64_t backoff_delay(unsigned failures, uint64_t random);

/* The same for what fails on this side: nothing before the fourth failure, since nobody else is bothered by it. */
int64_t backoff_delay_ours(unsigned failures, uint64_t random);

/* Before when RECORD's certificate is not tried at RECORD's CA; 0: it may be. Times that cannot be meant hold nothing.
 */
int64_t backoff_until(const struct renewal *record, enum backoff_asked asked, int64_t now);

/* Whether it may be tried; ERR says until when not and why: the failure it comes of, in the CA's own last words. */
MUST_CHECK bool backoff_check(const struct renewal *record, enum backoff_asked asked, int64_t now, struct error *err);

/* A try begins; to be saved before anything is sent. PLACES_ORDER: none is in flight that it could take up. */
void backoff_begin(struct renewal *record, bool places_order, int64_t now);

/* An order was placed that backoff_begin() did not count: the one to be taken up was of no use, or a second was needed.
 */
void backoff_ordered(struct renewal *record, int64_t now);

/* It was given up by the user: as if it had not begun. */
void backoff_undone(struct renewal *record);

/*
 * It failed. What may pass waits by the table; what somebody has to change first waits a day; what failed on this side
 * waits only from the fourth time on, since nobody else is bothered by it and whoever mends it wants to see that. A
 * pause of the account (rateLimited with a link that lifts it) is tried daily. The CA's Retry-After holds beside that.
 */
MUST_CHECK bool backoff_failed(struct renewal *record, const struct error *cause, int64_t now, uint64_t random,
			       struct error *err);

/* Whether CAUSE is the CA's failure (it does not answer, errs, or limits this account) rather than one of our names. */
bool backoff_is_the_cas(const struct error *cause);

/*
 * Whether CAUSE may be over in seconds and trying again at once cannot place a second order: a broken connection, or a
 * server error without a time of the CA's own, before anything was ordered.
 */
bool backoff_may_pass_at_once(const struct error *cause);

#endif

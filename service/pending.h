/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deployment that has not succeeded stays pending, and is tried again by later runs without another issuance: when,
 * as pure functions on its record, which survives the process.
 */
#ifndef SERVICE_PENDING_H
#define SERVICE_PENDING_H

#include "store/renewal.h"
#include "transport/push.h"

/* Seconds to wait after FAILURES in a row: 1, 2, 4 … minutes up to 6 hours, each 20 % more or less by RANDOM. */
int64_t pending_delay(unsigned failures, uint64_t random);

/*
 * Before when SERVER is not tried by runs that nobody asked for by hand; 0: it may be. What held an earlier generation
 * does not hold a new one, which gets one try at once. Times that cannot be meant hold nothing.
 */
int64_t pending_until(const struct renewal *wanted, const struct renewal_server *server, int64_t now);

/* What is told of a SERVER that is held: until when, and the failure it comes of, in that server's own last words. */
void pending_held(const struct renewal *wanted, const struct renewal_server *server, int64_t until, struct error *err);

/*
 * The last try to bring SERVER the live generation failed on that server, rather than on the way to it: it says
 * something about the other servers too.
 */
bool pending_refused(const struct renewal *wanted, const struct renewal_server *server);

/* Who was deploying to SERVER when it was last to be tried, so that it was not; NULL: nobody. Borrowed. */
const struct error *pending_busy(const struct renewal_server *server);

/* SERVER could not be reached last time, whatever it was to be brought. */
bool pending_is_unreachable(const struct renewal_server *server);

/* CAUSE is that the rollout did not let it begin. */
bool pending_is_untried(const struct error *cause);

/* An outcome of that kind: the server was reached, and something went wrong there. */
bool pending_is_refusal(const struct push_outcome *outcome);

/* The server has what it was to have. */
bool pending_is_done(const struct push_outcome *outcome);

/*
 * A try to bring SERVER the generation WANTED ended as OUTCOME. A failure waits by the table; what failed before
 * anybody was asked (the config, an interruption) waits for nothing, since it bothers nobody. Another's lock is no try:
 * what is known of the server stays.
 */
void pending_ended(struct renewal_server *server, uint64_t wanted, const struct push_outcome *outcome, int64_t now,
		   uint64_t random);

#endif

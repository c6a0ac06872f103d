/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transaction at a time in a certificate's directory, whoever runs it: two installations that deploy the same
 * certificate to the same place take turns. The lock is a link, made in one instant or not at all, that says who has
 *it:
 *
 *	<home>/.certferry-lock -> <holder>
 *
 * Our own installation's transactions never meet here, since the store has a lock for that: our own lock found in place
 * tells that one was cut off, and may have left rubbish. Another's is waited for, and passed over once it is older than
 * any transaction lives.
 */
#ifndef TRANSPORT_LIVE_LOCK_H
#define TRANSPORT_LIVE_LOCK_H

#include "base/clock.h"
#include "base/error.h"

struct sftp;

/* What there was on the way to the lock. */
struct live_lock_news {
	bool waited;    /* another had it: what was seen before holds no longer */
	bool left_over; /* a transaction was cut off */
};

/* Whether a lock of HOLDER's was left in HOME. */
MUST_CHECK bool live_lock_is_left_over(struct sftp *sftp, const char *home, const char *holder, bool *ret,
				       struct error *err);

/* Lock HOME, which must be there. Waits for another's lock that is not STALE_MS old until DEADLINE, then ERROR_BUSY. */
MUST_CHECK bool live_lock_take(struct sftp *sftp, const char *home, const char *holder, int64_t stale_ms,
			       struct deadline deadline, struct live_lock_news *ret, struct error *err);

MUST_CHECK bool live_lock_release(struct sftp *sftp, const char *home, struct error *err);

#endif

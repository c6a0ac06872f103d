/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transaction at a time in a certificate's directory, or in one of virtual hosts, whoever runs it: two
 * installations that deploy the same certificate to the same place, or put sites beside each other, take turns. The
 * lock is a folder with one link in it, whose name says who has it and which of all turns this is:
 *
 *	<home>/.certferry-lock/<holder's hash>-<random>-<holder>
 *
 * It is made beside and moved into place, which one alone can do: a folder is renamed over an empty one or none. Who
 * passes over a lock renames the link: of several who saw the same turn one alone can, and the folder is then as young
 * as the new turn.
 *
 * Our own installation's transactions never meet here, since the store has a lock for that: our own lock found in place
 * tells that one was cut off, and may have left rubbish. Another's is waited for, and passed over once it is, by the
 *server's clock, older than any transaction lives.
 */
#ifndef TRANSPORT_LIVE_LOCK_H
#define TRANSPORT_LIVE_LOCK_H

#include "base/clock.h"
#include "base/error.h"

struct sftp;

/* A lock that is ours, and what there was on the way to it. Zeroed: none. */
struct live_lock {
	char *folder;
	char *turn;     /* the link in it; NULL: not ours */
	bool waited;    /* another had it: what was seen before holds no longer */
	bool left_over; /* a transaction was cut off */
};

void live_lock_done(struct live_lock *lock);

/* Whether a lock of HOLDER's was left in HOME. */
MUST_CHECK bool live_lock_is_left_over(struct sftp *sftp, const char *home, const char *holder, bool *ret,
				       struct error *err);

/* Lock HOME, which must be there. Waits for another's lock that is not STALE_MS old until DEADLINE, then ERROR_BUSY. */
MUST_CHECK bool live_lock_take(struct sftp *sftp, const char *home, const char *holder, int64_t stale_ms,
			       struct deadline deadline, struct live_lock *ret, struct error *err);

/* Let others have it. It is not ours any more then, whatever comes of that. */
MUST_CHECK bool live_lock_release(struct sftp *sftp, struct live_lock *lock, struct error *err);

#endif

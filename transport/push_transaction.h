/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the steps of a deployment share: the transaction, and each certificate's place in it. One file per step, called
 * as the step is, and push.c that runs them in their order. Only for the push_… files.
 */
#ifndef TRANSPORT_PUSH_TRANSACTION_H
#define TRANSPORT_PUSH_TRANSACTION_H

#include "base/buf.h"
#include "transport/live_copy.h"
#include "transport/live_dir.h"
#include "transport/live_lock.h"
#include "transport/push.h"
#include "transport/remote.h"
#include "transport/sftp.h"

struct placement {
	const struct push_certificate *certificate;
	struct push_outcome *outcome;
	struct live_files files;
	struct buf combined;  /* fullchain and key in one, where a copy wants it */
	struct live_dir live; /* .home NULL: only copies are written */
	struct live_copy *copies;
	size_t copy_count; /* of those inspected */
	bool live_same;    /* the directory has these files already */
	bool littered;     /* a transaction of ours was cut off there */
	bool made_home;    /* the directory was not there */
	bool wanted;       /* there is something to do */
	bool settled;      /* its files are proven, and nothing is gone back to any more */
	struct live_lock lock;
};

struct transaction {
	const struct push_job *job;
	const struct push_watch *watch; /* or NULL */
	struct cancel *cancel;          /* what is waited for is given up by it; NULL: not any more */
	struct deadline transfer;       /* for everything but commands and verification */
	struct remote remote;
	struct sftp_owner owner;
	struct placement *placements; /* certificate_count */
	bool compared;                /* it is known what there is to do */
	bool mute;                    /* where certificates are served, nobody answered in time */
	bool unchanged;               /* nothing, for any of them */
	bool switched;                /* what readers see may have changed */
	bool reloaded;                /* a reload was at least begun */
	bool interrupted;             /* and hence less patient */
	bool robbed;                  /* something removed what there is to go back to */
};

/* ERR concerns PLACEMENT. Returns false. */
bool push_blame(struct error *err, const struct placement *placement);

/* The same where something was to be written, which wants room. */
bool push_blame_writing(struct transaction *t, const struct placement *placement, struct error *err);

/* So much from now on for what is done with one certificate: a server that stalls is not waited for longer. */
void push_allow_time(struct transaction *t);

/* False, as ERROR_CANCELLED, once the transaction is interrupted: nothing new is begun. */
MUST_CHECK bool push_may_go_on(const struct transaction *t, struct error *err);

/* MS, but at most BRIEF_MS once it is interrupted. */
int64_t push_patience_ms(const struct transaction *t, int64_t ms, int64_t brief_ms);

/* Another connection in place of the one that is there, or was. */
MUST_CHECK bool push_reconnect(struct transaction *t, struct error *err);

/*
 * ACT, which can be repeated, within MS over the connection that is there, or over another where that one is lost. Its
 * loss may not have been noticed: a command that did not end in time may be one whose end was never heard of. So half
 * of the time is for the connection that is there.
 */
MUST_CHECK bool push_over_any(struct transaction *t, int64_t ms, bool (*act)(struct transaction *, struct error *),
			      struct error *err);

/* ---- one certificate's place (push_place.c) ---- */

/* What is there, and whether there is something to do. */
MUST_CHECK bool push_compare_place(struct transaction *t, struct placement *p, struct error *err);

/* Whether a transaction that was cut off left something to be swept up. */
bool push_place_is_littered(const struct placement *p);

/* What was compared, forgotten. */
void push_forget_place(struct placement *p);

/* Whether an earlier transaction was cut off there; asked before the switch. */
bool push_place_unsettled(const struct placement *p);

/* Whether there is something to put back. */
bool push_place_moved(const struct placement *p);

/* ---- turns (push_lock.c) ---- */

/*
 * From here to the end the directories of what is wanted are ours alone; what has changed since they were looked at is
 * looked at again.
 */
MUST_CHECK bool push_lock_all(struct transaction *t, struct error *err);

void push_unlock(struct transaction *t, struct placement *p);

/* Nothing to do but to take away what was left by a transaction that was cut off. */
void push_sweep_unchanged(struct transaction *t, struct placement *p);

/* ---- the steps ---- */

MUST_CHECK bool push_connect(struct transaction *t, struct error *err);
MUST_CHECK bool push_compare(struct transaction *t, struct error *err);
MUST_CHECK bool push_upload(struct transaction *t, struct error *err);
MUST_CHECK bool push_switch(struct transaction *t, struct error *err);
MUST_CHECK bool push_test(struct transaction *t, struct error *err);
MUST_CHECK bool push_reload(struct transaction *t, struct error *err);
MUST_CHECK bool push_verify(struct transaction *t, struct error *err);

/*
 * Is what is there served as well? A port where nobody answers is waited for once, and not for all the time: that it
 * cannot be seen is the verification's to say.
 */
bool push_is_served_already(struct transaction *t, struct placement *p);

/* The files that were live before live again; can be repeated. */
MUST_CHECK bool push_switch_back(struct transaction *t, struct error *err);

/* That over whatever connection there is, and reloaded. ERR stays the first cause. False: they could not be put back.
 */
bool push_roll_back(struct transaction *t, struct error *err);

/*
 * What was proven is final, over whatever connection there is: the journals end. False: it is live, but the next run
 * takes it for a transaction that was cut off.
 */
MUST_CHECK bool push_settle(struct transaction *t, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which order servers get their certificates, and when to stop: pure, without threads or clocks.
 *
 * A certificate's rule: its first `canary` servers one at a time, each verified, then the others side by side, until
 * more than `max_failures` refused it. Servers that refused it in an earlier run come first, as canaries. A server that
 * could not be reached has refused nothing: it does not count, another takes its place as a canary, as soon as it is
 * seen to stall, and next time its turn is last.
 *
 * All certificates that a server needs travel in one transaction. It is a canary for each of them when it is one for
 * any; where one of its certificates was stopped, the others go without it.
 */
#ifndef SERVICE_ROLLOUT_H
#define SERVICE_ROLLOUT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* How a certificate got on with a server last time. */
enum rollout_past { ROLLOUT_NOTHING, ROLLOUT_REFUSED, ROLLOUT_UNREACHED };

/* How it got on in this run. */
enum rollout_end { ROLLOUT_DONE, ROLLOUT_END_REFUSED, ROLLOUT_END_UNREACHED };

struct rollout_leg;
struct rollout_place;

/* One server's turn. */
struct rollout_stop {
	const char *server; /* borrowed */
	struct rollout_leg *legs;
	size_t count;
	enum { STOP_WAITING, STOP_RUNNING, STOP_ENDED } state;
	bool last; /* it could not be reached last time */
};

/* One certificate on its way through its servers. */
struct rollout_track {
	bool ruled; /* it has a rule: otherwise nothing waits and nothing stops */
	size_t canary, max_failures;
	size_t proven;                /* servers that have it */
	size_t refused;               /* servers that refused it, in this run or held back since an earlier one */
	size_t retrying;              /* servers still to be tried that refused it earlier */
	size_t canaries;              /* running */
	int64_t retry_at;             /* when the first of those that refused it is tried again; 0: unknown */
	char culprits[96];            /* their names, the first few */
	struct rollout_place *places; /* its stops in config order */
	size_t place_count;
};

struct rollout {
	struct rollout_track *tracks;
	size_t track_count;
	struct rollout_stop *stops;
	size_t stop_count;
	size_t first_waiting; /* no stop before it waits */
};

/* TRACKS tracks without a rule, and no stops. */
MUST_CHECK bool rollout_init(struct rollout *rollout, size_t tracks, struct error *err);
void rollout_done(struct rollout *rollout);

/* One more leg of SERVER's stop, added when there is none yet. *RET_STOP and *RET_LEG are its numbers. */
MUST_CHECK bool rollout_add(struct rollout *rollout, const char *server, size_t track, enum rollout_past past,
			    size_t *ret_stop, size_t *ret_leg, struct error *err);

/* SERVER has TRACK's certificate already; or it refused it and is held back until RETRY_AT. */
void rollout_has(struct rollout *rollout, size_t track);
void rollout_is_held(struct rollout *rollout, size_t track, const char *server, int64_t retry_at);

/*
 * A stop that may begin now, and is running from then on: false when none may before another has ended (or when none is
 * left, rollout_waiting()). Legs whose certificate was stopped are left out (rollout_leg_goes).
 */
MUST_CHECK bool rollout_next(struct rollout *rollout, size_t *ret_stop);
bool rollout_waiting(struct rollout *rollout);
bool rollout_leg_goes(const struct rollout *rollout, size_t stop, size_t leg);

/*
 * Whether a running stop may change something on its server now. WAIT: another one is the canary that it would be too;
 * ask again when one has ended. STOPPED: every certificate that it brings was stopped.
 */
enum rollout_leave { ROLLOUT_GO, ROLLOUT_WAIT, ROLLOUT_STOPPED };
enum rollout_leave rollout_may_change(struct rollout *rollout, size_t stop);

/* Why a stop that was STOPPED was not tried. */
void rollout_stopped(const struct rollout *rollout, size_t stop, struct error *err);

/* A running stop has not answered for long: whoever waits for it as a canary waits for the next one instead. */
void rollout_stalls(struct rollout *rollout, size_t stop);

/* One leg of a running stop came to its END; RETRY_AT as above, where it was refused. */
void rollout_leg_ended(struct rollout *rollout, size_t stop, size_t leg, enum rollout_end end, int64_t retry_at);

/* Why TRACK's certificate was not brought to a server: a failure at the step "rollout". */
void rollout_not_tried(const struct rollout_track *track, struct error *err);

#endif

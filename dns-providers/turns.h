/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast one account at a vendor is asked: so many requests at once, and none at all while the vendor asks to wait,
 * whichever of a run's threads it told. One for each instance of a provider.
 */
#ifndef DNS_PROVIDERS_TURNS_H
#define DNS_PROVIDERS_TURNS_H

#include "base/clock.h"
#include "base/error.h"

#include <pthread.h>

struct provider_turns {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned at_once; /* the most that are in flight */
	unsigned in_flight;
	int64_t held_until_ms; /* on the monotonic clock */
};

void provider_turns_init(struct provider_turns *turns, unsigned at_once);
void provider_turns_done(struct provider_turns *turns);

/*
 * Wait for one's turn; after it provider_turns_end(). When the vendor wants more time than DEADLINE leaves, ERROR_DNS,
 * transient, with the time when it may be asked again. TURNS NULL: at once.
 */
MUST_CHECK bool provider_turns_take(struct provider_turns *turns, const char *step, struct deadline deadline,
				    struct error *err);
void provider_turns_end(struct provider_turns *turns);

/* Nobody's turn comes before MS have passed. What is in flight is not touched. */
void provider_turns_hold(struct provider_turns *turns, int64_t ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A counter and a point in time, behind one lock. */
#include "dns-providers/turns.h"

#include <time.h>

enum { SLICE_MS = 100 /* a run that is cancelled wakes nobody here */ };

void provider_turns_init(struct provider_turns *turns, unsigned at_once)
{
	pthread_condattr_t attributes;
	*turns = (struct provider_turns){.at_once = at_once};
	(void)pthread_mutex_init(&turns->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&turns->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

void provider_turns_done(struct provider_turns *turns)
{
	(void)pthread_cond_destroy(&turns->changed);
	(void)pthread_mutex_destroy(&turns->lock);
}

/* Called with the lock. */
static void wait_a_little(struct provider_turns *turns, int64_t held_ms)
{
	int64_t until = clock_monotonic_ms() + (held_ms > 0 && held_ms < SLICE_MS ? held_ms : SLICE_MS);
	const struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000 * 1000};
	(void)pthread_cond_timedwait(&turns->changed, &turns->lock, &at);
}

static bool wants_too_long(int64_t held_ms, const char *step, struct error *err)
{
	int64_t seconds = (held_ms + 999) / 1000;
	err->transient = true;
	err->retry_at = clock_wall() + seconds;
	return error_set(err, ERROR_DNS, step, "it asks to be left alone for %lld s more", (long long)seconds);
}

bool provider_turns_take(struct provider_turns *turns, const char *step, struct deadline deadline, struct error *err)
{
	bool entered = false;
	if (turns == NULL)
		return true;
	(void)pthread_mutex_lock(&turns->lock);
	while (!entered && deadline_check(deadline, step, err)) {
		int64_t held_ms = turns->held_until_ms - clock_monotonic_ms();
		if (held_ms > 0 && held_ms >= deadline_left_ms(deadline) && !wants_too_long(held_ms, step, err))
			break;
		entered = held_ms <= 0 && turns->in_flight < turns->at_once;
		if (!entered)
			wait_a_little(turns, held_ms);
	}
	if (entered)
		turns->in_flight++;
	(void)pthread_mutex_unlock(&turns->lock);
	return entered;
}

void provider_turns_end(struct provider_turns *turns)
{
	if (turns == NULL)
		return;
	(void)pthread_mutex_lock(&turns->lock);
	turns->in_flight--;
	(void)pthread_cond_signal(&turns->changed);
	(void)pthread_mutex_unlock(&turns->lock);
}

void provider_turns_hold(struct provider_turns *turns, int64_t ms)
{
	int64_t until = clock_monotonic_ms() + ms;
	(void)pthread_mutex_lock(&turns->lock);
	if (until > turns->held_until_ms)
		turns->held_until_ms = until;
	(void)pthread_mutex_unlock(&turns->lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Taking turns at a vendor: no more at once than allowed, and nobody while it asks to wait. */
#include "dns-providers/turns.h"

#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { AT_ONCE = 3, THREADS = 8, TURNS = 20, HOLD_MS = 300 };

static struct provider_turns turns;
static atomic_uint running, most, done;

static void *take_turns(void *unused)
{
	for (int i = 0; i < TURNS; i++) {
		struct error err = {0};
		CHECK_OK(provider_turns_take(&turns, "step", deadline_in(20 * 1000, NULL), &err), err);
		unsigned now = atomic_fetch_add(&running, 1) + 1, seen = atomic_load(&most);
		while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
			;
		usleep(500);
		atomic_fetch_sub(&running, 1);
		atomic_fetch_add(&done, 1);
		provider_turns_end(&turns);
	}
	return unused;
}

TEST(so_many_are_in_flight_and_no_more)
{
	pthread_t threads[THREADS];
	provider_turns_init(&turns, AT_ONCE);
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, take_turns, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	CHECK_INT(done, THREADS * TURNS);
	CHECK_INT(most, AT_ONCE);
	provider_turns_done(&turns);
}

TEST(nobody_enters_while_the_vendor_asks_to_wait)
{
	struct error err = {0};
	provider_turns_init(&turns, AT_ONCE);
	int64_t begin = clock_monotonic_ms();
	provider_turns_hold(&turns, HOLD_MS);
	provider_turns_hold(&turns, 1); /* a shorter one takes nothing back */
	CHECK_OK(provider_turns_take(&turns, "step", deadline_in(20 * 1000, NULL), &err), err);
	CHECK(clock_monotonic_ms() - begin >= HOLD_MS);
	provider_turns_end(&turns);
	provider_turns_done(&turns);
}

TEST(a_wait_that_is_too_long_is_told_at_once)
{
	struct error err = {0};
	provider_turns_init(&turns, AT_ONCE);
	provider_turns_hold(&turns, 300 * 1000);
	int64_t begin = clock_monotonic_ms(), now = clock_wall();
	CHECK(!provider_turns_take(&turns, "step", deadline_in(60 * 1000, NULL), &err));
	CHECK(clock_monotonic_ms() - begin < 30 * 1000);
	CHECK(err.category == ERROR_DNS && err.transient && err.retry_at >= now + 299);
	CHECK_CONTAINS(err.message, "300 s");
	provider_turns_done(&turns);
}

TEST(waiting_ends_with_the_deadline)
{
	struct error err = {0};
	provider_turns_init(&turns, 1);
	CHECK_OK(provider_turns_take(&turns, "step", deadline_in(1000, NULL), &err), err);
	CHECK(!provider_turns_take(&turns, "step", deadline_in(50, NULL), &err));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	provider_turns_end(&turns);
	err = (struct error){0};
	CHECK_OK(provider_turns_take(&turns, "step", deadline_in(1000, NULL), &err), err);
	provider_turns_end(&turns);
	provider_turns_done(&turns);
	/* Where none is kept. */
	CHECK_OK(provider_turns_take(NULL, "step", deadline_in(1000, NULL), &err), err);
	provider_turns_end(NULL);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
#include "service/worker.h"

#include "tests/support/test.h"

#include <stdatomic.h>
#include <unistd.h>

struct tally {
	atomic_int done[200];
	atomic_int running, most;
};

static void job(void *ctx, size_t index)
{
	struct tally *tally = ctx;
	int now = atomic_fetch_add(&tally->running, 1) + 1;
	int most = atomic_load(&tally->most);
	while (now > most && !atomic_compare_exchange_weak(&tally->most, &most, now))
		;
	usleep(500);
	atomic_fetch_add(&tally->done[index], 1);
	atomic_fetch_sub(&tally->running, 1);
}

TEST(each_item_is_done_once_and_no_more_than_allowed_at_once)
{
	static struct tally tally;
	worker_run_all(200, 7, job, &tally);
	for (size_t i = 0; i < 200; i++)
		CHECK_INT(tally.done[i], 1);
	CHECK(tally.most <= 7);
}

TEST(one_item_runs_on_the_callers_thread)
{
	static struct tally tally;
	worker_run_all(1, 8, job, &tally);
	worker_run_all(0, 8, job, &tally);
	CHECK_INT(tally.done[0], 1);
	CHECK_INT(tally.most, 1);
}

TEST_MAIN()

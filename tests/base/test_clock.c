/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "tests/support/test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

TEST(a_deadline_passes)
{
	struct error err = {0};
	struct deadline deadline = deadline_in(0, NULL);
	CHECK_INT(deadline_left_ms(deadline), 0);
	CHECK(!deadline_check(deadline, "finalize", &err));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK_STR(err.step, "finalize");
	CHECK(err.transient);
	error_clear(&err);
	CHECK_OK(deadline_check(deadline_in(60000, NULL), "finalize", &err), err);
	CHECK(deadline_left_ms(deadline_in(INT64_MAX, NULL)) > INT64_MAX / 2);
}

TEST(the_sooner_deadline_counts)
{
	struct deadline deadline = deadline_in(60000, NULL);
	CHECK(deadline_left_ms(deadline_within(deadline, 1000)) <= 1000);
	CHECK(deadline_within(deadline, 120000).at_ms == deadline.at_ms);
}

TEST(sleeps_as_long_as_asked)
{
	struct error err = {0};
	int64_t start = clock_monotonic_ms();
	CHECK_OK(deadline_sleep(deadline_in(60000, NULL), 50, "poll", &err), err);
	CHECK(clock_monotonic_ms() - start >= 50);
}

TEST(sleeps_no_longer_than_the_deadline)
{
	struct error err = {0};
	int64_t start = clock_monotonic_ms();
	CHECK(!deadline_sleep(deadline_in(30, NULL), 60000, "poll", &err));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK(clock_monotonic_ms() - start < 10000);
}

static void *cancel_soon(void *cancel)
{
	(void)poll(NULL, 0, 30);
	cancel_request(cancel);
	return NULL;
}

TEST(a_cancellation_wakes_the_sleeper)
{
	struct cancel cancel;
	struct error err = {0};
	pthread_t thread;
	CHECK_OK(cancel_init(&cancel, &err), err);
	CHECK(!cancel_requested(&cancel));
	CHECK(pthread_create(&thread, NULL, cancel_soon, &cancel) == 0);
	CHECK(!deadline_sleep(deadline_in(60000, &cancel), 60000, "poll", &err));
	(void)pthread_join(thread, NULL);
	CHECK_INT(err.category, ERROR_CANCELLED);
	CHECK(cancel_requested(&cancel));
	CHECK_INT(deadline_left_ms(deadline_within(deadline_in(60000, &cancel), 500)), 0);
	cancel_request(&cancel);
	struct pollfd wait = {.fd = cancel.fd, .events = POLLIN};
	CHECK_INT(poll(&wait, 1, 0), 1);
	cancel_done(&cancel);
	cancel_done(&cancel);
}

TEST(done_on_a_zeroed_cancellation_closes_nothing)
{
	struct cancel cancel = {0};
	int fds[2];
	CHECK(pipe(fds) == 0);
	cancel_done(&cancel);
	CHECK(dup2(fds[0], fds[0]) == fds[0]);
	(void)close(fds[0]);
	(void)close(fds[1]);
	CHECK(!cancel_requested(NULL));
}

TEST_MAIN()

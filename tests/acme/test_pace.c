/* SPDX-License-Identifier: Apache-2.0 */
/* The pace of polling where transcripts do not reach: the deadline. */
#include "acme/pace.h"

#include "base/limits.h"
#include "tests/support/test.h"

static int64_t waited;

static bool wait_port(void *ctx, int64_t ms, struct deadline deadline, struct error *err)
{
	(void)ctx;
	waited = ms;
	return deadline_check(deadline, NULL, err);
}

static int64_t now_port(void *ctx)
{
	(void)ctx;
	return 1000;
}

static const struct acme_port port = {.wait = wait_port, .now = now_port};

TEST(passed_deadline_does_not_wait)
{
	struct pace pace = {0};
	struct error err = {0};
	waited = -1;
	pace_restart(&pace);
	CHECK(!pace_wait(&pace, &port, deadline_in(0, NULL), "validate", &err));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK(err.transient);
	CHECK_INT(waited, -1);
}

TEST(asked_wait_beyond_the_deadline)
{
	struct pace pace = {0};
	struct error err = {0};
	pace_restart(&pace);
	pace_retry_at(&pace, 1000 + 30, 1000);
	CHECK(!pace_wait(&pace, &port, deadline_in(10 * 1000, NULL), "validate", &err));
	CHECK_INT(err.retry_at, 1030);
	CHECK(err.transient);
}

TEST(asked_wait_counts_once)
{
	struct pace pace = {0};
	struct error err = {0};
	const struct deadline deadline = deadline_in(60 * 1000, NULL);
	pace_restart(&pace);
	pace_retry_at(&pace, 1002, 1000);
	CHECK_OK(pace_wait(&pace, &port, deadline, "validate", &err), err);
	CHECK_INT(waited, 2000);
	CHECK_OK(pace_wait(&pace, &port, deadline, "validate", &err), err);
	CHECK_INT(waited, 50);
	pace_retry_at(&pace, 900, 1000);
	CHECK_OK(pace_wait(&pace, &port, deadline, "validate", &err), err);
	CHECK_INT(waited, 100);
}

TEST_MAIN()

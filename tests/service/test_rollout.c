/* SPDX-License-Identifier: Apache-2.0 */
#include "service/rollout.h"

#include "tests/support/test.h"

#include <stdio.h>

enum { A, B, NONE = 99 };

static const char *const names[] = {"web-1", "web-2", "web-3", "web-4", "web-5", "web-6"};

static void add(struct rollout *rollout, size_t server, size_t track, enum rollout_past past)
{
	struct error err = {0};
	size_t stop = 0, leg = 0;
	CHECK_OK(rollout_add(rollout, names[server], track, past, &stop, &leg, &err), err);
	CHECK_STR(rollout->stops[stop].server, names[server]);
}

/* A fleet of COUNT new servers for track A, whose rule this is. */
static struct rollout fleet(size_t count, size_t canary, size_t max_failures)
{
	struct rollout rollout = {0};
	struct error err = {0};
	CHECK_OK(rollout_init(&rollout, 2, &err), err);
	rollout.tracks[A].ruled = true;
	rollout.tracks[A].canary = canary;
	rollout.tracks[A].max_failures = max_failures;
	for (size_t i = 0; i < count; i++)
		add(&rollout, i, A, ROLLOUT_NOTHING);
	return rollout;
}

/* The number in its name of the server that begins now. */
static int begins(struct rollout *rollout)
{
	size_t stop = 0;
	return rollout_next(rollout, &stop) ? rollout->stops[stop].server[4] - '0' : NONE;
}

static void ends(struct rollout *rollout, int server, enum rollout_end end)
{
	for (size_t i = 0; i < rollout->stop_count; i++) {
		if (rollout->stops[i].server[4] - '0' != server)
			continue;
		for (size_t leg = 0; leg < rollout->stops[i].count; leg++)
			rollout_leg_ended(rollout, i, leg, end, 1795000000 + server);
	}
}

static bool goes(const struct rollout *rollout, int server, size_t leg)
{
	for (size_t i = 0; i < rollout->stop_count; i++) {
		if (rollout->stops[i].server[4] - '0' == server)
			return rollout_leg_goes(rollout, i, leg);
	}
	return false;
}

TEST(without_a_rule_nothing_waits_and_nothing_stops)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(3, 1, 0);
	rollout.tracks[A].ruled = false;
	CHECK_INT(begins(&rollout), 1);
	CHECK_INT(begins(&rollout), 2);
	ends(&rollout, 1, ROLLOUT_END_REFUSED);
	CHECK_INT(begins(&rollout), 3);
	CHECK(goes(&rollout, 3, 0) && !rollout_waiting(&rollout));
}

TEST(canaries_go_one_at_a_time_then_the_others_together)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(5, 2, 0);
	CHECK_INT(begins(&rollout), 1);
	CHECK_INT(begins(&rollout), NONE);
	ends(&rollout, 1, ROLLOUT_DONE);
	CHECK_INT(begins(&rollout), 2);
	CHECK_INT(begins(&rollout), NONE);
	ends(&rollout, 2, ROLLOUT_DONE);
	CHECK_INT(begins(&rollout), 3);
	CHECK_INT(begins(&rollout), 4);
	CHECK_INT(begins(&rollout), 5);
}

TEST(a_canary_that_refuses_stops_it)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(3, 1, 0);
	struct error err = {0};
	CHECK_INT(begins(&rollout), 1);
	ends(&rollout, 1, ROLLOUT_END_REFUSED);
	CHECK_INT(begins(&rollout), 2);
	CHECK(!goes(&rollout, 2, 0));
	ends(&rollout, 2, ROLLOUT_END_UNREACHED);
	CHECK_INT(begins(&rollout), 3);
	CHECK(!goes(&rollout, 3, 0));
	rollout_not_tried(&rollout.tracks[A], &err);
	CHECK_STR(err.step, "rollout");
	CHECK_STR(err.message, "not tried: the rollout stopped when web-1 failed");
	CHECK_INT(err.retry_at, 1795000001);
}

TEST(as_many_failures_as_are_allowed_stop_nothing)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(6, 1, 1);
	struct error err = {0};
	CHECK_INT(begins(&rollout), 1);
	ends(&rollout, 1, ROLLOUT_END_REFUSED);
	CHECK_INT(begins(&rollout), 2); /* the next one is the canary */
	CHECK_INT(begins(&rollout), NONE);
	ends(&rollout, 2, ROLLOUT_DONE);
	CHECK_INT(begins(&rollout), 3);
	CHECK_INT(begins(&rollout), 4);
	ends(&rollout, 4, ROLLOUT_END_REFUSED);
	CHECK_INT(begins(&rollout), 5);
	CHECK(goes(&rollout, 3, 0) && !goes(&rollout, 5, 0));
	rollout_not_tried(&rollout.tracks[A], &err);
	CHECK_CONTAINS(err.message, "when 2 servers failed (web-1, web-4)");
}

TEST(one_that_cannot_be_reached_gives_its_place_to_the_next)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(3, 1, 0);
	CHECK_INT(begins(&rollout), 1);
	ends(&rollout, 1, ROLLOUT_END_UNREACHED);
	CHECK_INT(begins(&rollout), 2);
	CHECK_INT(begins(&rollout), NONE);
	ends(&rollout, 2, ROLLOUT_DONE);
	CHECK_INT(begins(&rollout), 3);
	CHECK(goes(&rollout, 3, 0));
}

TEST(one_that_stalls_gives_its_place_too_and_counts_when_it_refuses_after_all)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(5, 1, 0);
	CHECK_INT(begins(&rollout), 1);
	CHECK_INT(begins(&rollout), NONE);
	rollout_stalls(&rollout, 0);
	CHECK_INT(begins(&rollout), 2);
	CHECK_INT(begins(&rollout), NONE);
	ends(&rollout, 2, ROLLOUT_DONE);
	CHECK_INT(begins(&rollout), 3);
	ends(&rollout, 1, ROLLOUT_END_REFUSED);
	CHECK_INT(begins(&rollout), 4);
	CHECK(!goes(&rollout, 4, 0));
}

TEST(one_that_stalled_changes_nothing_beside_another_canary)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(5, 1, 0);
	CHECK_INT(begins(&rollout), 1);
	CHECK_INT(rollout_may_change(&rollout, 0), ROLLOUT_GO);
	rollout_stalls(&rollout, 0);
	CHECK_INT(begins(&rollout), 2);
	CHECK_INT(rollout_may_change(&rollout, 0), ROLLOUT_WAIT);
	CHECK_INT(rollout_may_change(&rollout, 1), ROLLOUT_GO);
	ends(&rollout, 2, ROLLOUT_END_UNREACHED);
	CHECK_INT(rollout_may_change(&rollout, 0), ROLLOUT_GO); /* it is the canary again */
	CHECK_INT(begins(&rollout), NONE);
	ends(&rollout, 1, ROLLOUT_DONE);
	CHECK_INT(begins(&rollout), 3);
}

TEST(what_runs_when_the_rollout_stops_changes_nothing_any_more)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(3, 0, 0);
	struct error err = {0};
	add(&rollout, 1, B, ROLLOUT_NOTHING);
	CHECK_INT(begins(&rollout), 1);
	CHECK_INT(begins(&rollout), 2);
	CHECK_INT(begins(&rollout), 3);
	CHECK_INT(rollout_may_change(&rollout, 2), ROLLOUT_GO);
	ends(&rollout, 1, ROLLOUT_END_REFUSED);
	CHECK_INT(rollout_may_change(&rollout, 2), ROLLOUT_STOPPED);
	rollout_stopped(&rollout, 2, &err);
	CHECK_STR(err.step, "rollout");
	CHECK_CONTAINS(err.message, "when web-1 failed");
	CHECK_INT(rollout_may_change(&rollout, 1), ROLLOUT_GO); /* B was not stopped */
}

TEST(one_that_refused_and_now_stalls_holds_nobody)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(3, 0, 1);
	add(&rollout, 3, A, ROLLOUT_REFUSED);
	CHECK_INT(begins(&rollout), 4);
	CHECK_INT(begins(&rollout), NONE);
	rollout_stalls(&rollout, 3);
	CHECK_INT(begins(&rollout), 1);
	CHECK_INT(begins(&rollout), 2);
	ends(&rollout, 4, ROLLOUT_END_UNREACHED);
	CHECK_INT(begins(&rollout), 3);
	CHECK(goes(&rollout, 3, 0));
}

TEST(the_next_run_begins_with_what_refused_and_ends_with_what_was_unreachable)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(0, 1, 0);
	rollout_has(&rollout, A); /* its canary of then */
	add(&rollout, 0, A, ROLLOUT_UNREACHED);
	add(&rollout, 1, A, ROLLOUT_NOTHING);
	add(&rollout, 2, A, ROLLOUT_REFUSED);
	add(&rollout, 3, A, ROLLOUT_NOTHING);
	CHECK_INT(begins(&rollout), 3);
	CHECK_INT(begins(&rollout), NONE);
	ends(&rollout, 3, ROLLOUT_DONE);
	CHECK_INT(begins(&rollout), 2);
	CHECK_INT(begins(&rollout), 4);
	CHECK_INT(begins(&rollout), 1);
}

TEST(what_refused_and_is_held_back_counts)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(2, 1, 0);
	struct error err = {0};
	rollout_is_held(&rollout, A, "web-9", 1795000100);
	CHECK_INT(begins(&rollout), 1);
	CHECK(!goes(&rollout, 1, 0));
	rollout_not_tried(&rollout.tracks[A], &err);
	CHECK_CONTAINS(err.message, "when web-9 failed");
	CHECK_INT(err.retry_at, 1795000100);
}

TEST(where_one_certificate_was_stopped_the_others_go_without_it)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(2, 1, 0);
	add(&rollout, 1, B, ROLLOUT_NOTHING);
	CHECK_INT(begins(&rollout), 1);
	CHECK_INT(begins(&rollout), NONE); /* B's only server waits for A's canary: it is one transaction */
	ends(&rollout, 1, ROLLOUT_END_REFUSED);
	CHECK_INT(begins(&rollout), 2);
	CHECK(!goes(&rollout, 2, 0) && goes(&rollout, 2, 1));
}

/* A's first server is B's second and the other way round: whoever begins is the canary of both. */
TEST(rollouts_that_cross_do_not_wait_for_each_other)
{
	struct rollout rollout CLEANUP(rollout_done) = fleet(2, 1, 0);
	rollout.tracks[B].ruled = true;
	rollout.tracks[B].canary = 1;
	add(&rollout, 1, B, ROLLOUT_NOTHING);
	add(&rollout, 0, B, ROLLOUT_NOTHING);
	CHECK_INT(begins(&rollout), 1);
	CHECK_INT(begins(&rollout), NONE);
	ends(&rollout, 1, ROLLOUT_DONE);
	CHECK_INT(begins(&rollout), 2);
	CHECK(!rollout_waiting(&rollout));
}

/* Whatever ends how: as long as servers wait and none runs, one may begin. */
TEST(nothing_ever_waits_for_nobody)
{
	uint32_t random = 1;
	for (int round = 0; round < 2000; round++) {
		struct rollout rollout CLEANUP(rollout_done) = fleet(0, 0, 0);
		size_t running = 0, left = 0;
		for (size_t track = A; track <= B; track++) {
			random = random * 1664525 + 1013904223;
			rollout.tracks[track].ruled = (random >> 8 & 3) != 0;
			rollout.tracks[track].canary = random >> 10 & 3;
			rollout.tracks[track].max_failures = random >> 12 & 1;
			for (size_t i = 0; i < ARRAY_LEN(names); i++) {
				size_t server = track == A ? i : ARRAY_LEN(names) - 1 - i;
				if ((random >> (14 + i) & 1) != 0)
					add(&rollout, server, track, (enum rollout_past)((random >> (i + 3)) % 3));
			}
		}
		left = rollout.stop_count;
		while (left > 0) {
			size_t stop = 0;
			random = random * 1664525 + 1013904223;
			if ((running == 0 || (random >> 20 & 1) != 0) && rollout_next(&rollout, &stop)) {
				running++;
				continue;
			}
			CHECK(running > 0);
			for (stop = 0; rollout.stops[stop].state != STOP_RUNNING;)
				stop++;
			for (size_t leg = 0; leg < rollout.stops[stop].count; leg++)
				rollout_leg_ended(&rollout, stop, leg, (enum rollout_end)((random >> 16) % 3), 0);
			running--;
			left--;
		}
		CHECK(!rollout_waiting(&rollout));
		CHECK(rollout.tracks[A].canaries == 0 && rollout.tracks[A].retrying == 0);
	}
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
#include "service/schedule.h"

#include "base/limits.h"
#include "tests/support/test.h"

static const int64_t HOUR = 3600, DAY = 24 * 3600;

TEST(by_lifetime)
{
	static const struct {
		int64_t lifetime_days;
		int days_before;
		int64_t want_hours;
	} cases[] = {
		{90, 30, 60 * 24},                              /* two thirds */
		{90, 10, 80 * 24},                              /* later where the config says so */
		{90, 60, 60 * 24},                              /* but never earlier than that */
		{45, 30, 30 * 24}, {10, 30, 160}, {9, 30, 108}, /* below ten days: a half */
		{6, 30, 72},       {6, 1, 120},   {90, 0, 90 * 24},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(schedule_by_lifetime(0, cases[i].lifetime_days * DAY, cases[i].days_before, 0),
			  cases[i].want_hours * HOUR);
}

TEST(jitter_only_brings_it_forward_and_by_a_hundredth_at_most)
{
	for (uint64_t random = 0; random < UINT64_MAX - (UINT64_MAX / 97); random += UINT64_MAX / 97) {
		int64_t at = schedule_by_lifetime(1000, 1000 + 90 * DAY, 30, random);
		CHECK(at <= 1000 + 60 * DAY);
		CHECK(at > 1000 + 60 * DAY - 90 * DAY / 100);
	}
}

TEST(dates_the_wrong_way_round_are_due_at_the_end)
{
	CHECK_INT(schedule_by_lifetime(500, 400, 30, 7), 400);
	CHECK_INT(schedule_in_window(300, 350, 500, 400, 0), 300);
}

/* Boulder's windows, in tenths of an hour after issuance: the first and the last point can be drawn, none outside. */
TEST(a_point_of_the_window)
{
	static const struct {
		int64_t lifetime, start, end;
	} windows[] = {
		{90 * 24, 14184, 14616},
		{64 * 24, 10086, 10394},
		{45 * 24, 7092, 7308},
		{160, 784, 816},
	};
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		int64_t start = windows[i].start * HOUR / 10, end = windows[i].end * HOUR / 10;
		int64_t not_after = windows[i].lifetime * HOUR;
		CHECK_INT(schedule_in_window(start, end, 0, not_after, 0), start);
		CHECK_INT(schedule_in_window(start, end, 0, not_after, (uint64_t)(end - start)), end);
		CHECK_INT(schedule_in_window(start, end, 0, not_after, (uint64_t)(end - start) + 1), start);
		for (uint64_t random = 1; random < UINT64_MAX / 2; random *= 3) {
			int64_t at = schedule_in_window(start, end, 0, not_after, random);
			CHECK(at >= start && at <= end);
		}
	}
}

TEST(a_past_window_is_now)
{
	CHECK(schedule_in_window(-7200, -5400, 0, 90 * DAY, UINT64_MAX) < 0);
}

TEST(a_late_window_leaves_a_sixth)
{
	CHECK_INT(schedule_in_window(80 * DAY, 85 * DAY, 0, 90 * DAY, 0), 75 * DAY);
	CHECK_INT(schedule_in_window(100 * DAY, 200 * DAY, 0, 90 * DAY, UINT64_MAX), 75 * DAY);
	CHECK_INT(schedule_in_window(5 * DAY, 6 * DAY, 0, 6 * DAY, 0), 5 * DAY);
}

TEST(the_widest_window_there_is)
{
	const int64_t first = -62167219200, last = 253402300799; /* years 0 to 9999 */
	int64_t at = schedule_in_window(first, last, 0, 90 * DAY, UINT64_MAX);
	CHECK(at >= first && at <= 75 * DAY);
}

TEST(a_wait_for_years_is_nobodys_wish)
{
	CHECK(schedule_is_sane(0, 1000));
	CHECK(schedule_is_sane(1000 + LIMIT_WAIT_SANE, 1000));
	CHECK(!schedule_is_sane(1001 + LIMIT_WAIT_SANE, 1000));
}

TEST_MAIN()

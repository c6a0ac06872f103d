/* SPDX-License-Identifier: Apache-2.0 */
#include "service/schedule.h"

#include "tests/support/test.h"

static const int64_t DAY = 24 * 3600;

TEST(a_ninety_day_certificate_renews_thirty_days_ahead)
{
	CHECK_INT(schedule_renew_at(0, 90 * DAY, 30, 0), 60 * DAY);
}

TEST(fewer_days_are_taken_when_the_config_says_so)
{
	CHECK_INT(schedule_renew_at(0, 90 * DAY, 10, 0), 80 * DAY);
}

TEST(a_six_day_certificate_renews_after_two_thirds)
{
	CHECK_INT(schedule_renew_at(0, 6 * DAY, 30, 0), 4 * DAY);
}

TEST(jitter_only_brings_it_forward_and_by_a_hundredth_at_most)
{
	for (uint32_t random = 0; random < 4000000000U; random += 123456789U) {
		int64_t at = schedule_renew_at(1000, 1000 + 90 * DAY, 30, random);
		CHECK(at <= 1000 + 60 * DAY);
		CHECK(at > 1000 + 60 * DAY - 90 * DAY / 100);
	}
}

TEST(dates_the_wrong_way_round_are_due_at_the_end)
{
	CHECK_INT(schedule_renew_at(500, 400, 30, 7), 400);
}

TEST_MAIN()

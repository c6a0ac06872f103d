/* SPDX-License-Identifier: Apache-2.0 */
#include "config/cron.h"
#include "tests/support/test.h"

#define BIT(n) ((uint64_t)1 << (n))

static struct cron parse(const char *text)
{
	struct cron cron = {0};
	struct error err = {0};
	CHECK_OK(cron_parse(text, &cron, &err), err);
	return cron;
}

static void check_refused(const char *text, const char *reason)
{
	struct cron cron = {0};
	struct error err = {0};
	if (cron_parse(text, &cron, &err))
		test_fail(__FILE__, __LINE__, "accepted: %s", text);
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_CONTAINS(err.message, reason);
}

TEST(every_night_at_two)
{
	struct cron cron = parse("0 2 * * *");
	CHECK_INT(cron.minutes, BIT(0));
	CHECK_INT(cron.hours, BIT(2));
	CHECK_INT(cron.days, (BIT(31) - 1) * 2);
	CHECK_INT(cron.months, (BIT(12) - 1) * 2);
	CHECK_INT(cron.weekdays, BIT(7) - 1);
	CHECK(cron.any_day && cron.any_weekday);
}

TEST(lists_ranges_and_steps)
{
	struct cron cron = parse("*/20 9-17/4,23 1,15 jan-Mar mon,FRI");
	CHECK_INT(cron.minutes, BIT(0) | BIT(20) | BIT(40));
	CHECK_INT(cron.hours, BIT(9) | BIT(13) | BIT(17) | BIT(23));
	CHECK_INT(cron.days, BIT(1) | BIT(15));
	CHECK_INT(cron.months, BIT(1) | BIT(2) | BIT(3));
	CHECK_INT(cron.weekdays, BIT(1) | BIT(5));
	CHECK(!cron.any_day && !cron.any_weekday);
}

TEST(sunday_is_zero_and_seven)
{
	CHECK_INT(parse("0 0 * * 7").weekdays, BIT(0));
	CHECK_INT(parse("0 0 * * 5-7").weekdays, BIT(0) | BIT(5) | BIT(6));
	CHECK_INT(parse("0 0 * * sun").weekdays, BIT(0));
}

TEST(shorthands)
{
	CHECK_INT(parse("@weekly").weekdays, BIT(0));
	CHECK_INT(parse("@hourly").minutes, BIT(0));
	CHECK_INT(parse("@yearly").months, BIT(1));
	CHECK_INT(parse(" 0\t0  1 * * ").days, BIT(1));
}

TEST(refused)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"", "five fields"},
		{"0 2 * *", "five fields"},
		{"0 2 * * * root", "five fields"},
		{"@reboot", "five fields"},
		{"60 * * * *", "\"60\" is no minute"},
		{"* 24 * * *", "\"24\" is no hour"},
		{"* * 0 * *", "\"0\" is no day of the month"},
		{"* * * 13 *", "\"13\" is no month"},
		{"* * * * 8", "\"8\" is no day of the week"},
		{"* * * * monday", "\"monday\" is no day of the week"},
		{"5-1 * * * *", "\"5-1\" is no minute"},
		{"*/0 * * * *", "\"*/0\" is no minute"},
		{"5/15 * * * *", "\"5/15\" is no minute"},
		{"1,,2 * * * *", "\"1,,2\" is no minute"},
		{"1, * * * *", "\"1,\" is no minute"},
		{"-1 * * * *", "\"-1\" is no minute"},
		{"99999999999999999999 * * * *", "is no minute"},
		{"* * * * *\x1b[2J", "is no day of the week"},
		{"0 0 30 2 *", "never happens"},
		{"0 0 31 4,6,9,11 *", "never happens"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_refused(cases[i].text, cases[i].reason);
}

TEST(a_leap_day_and_either_day_happen)
{
	(void)parse("0 0 29 2 *");
	(void)parse("0 0 31 2 mon");
}

TEST_MAIN()

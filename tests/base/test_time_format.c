/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct time_case {
	const char *text;
	int64_t want;
};

TEST(reads_rfc3339)
{
	static const struct time_case cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2016-01-05T14:09:07.99Z", 1452002947},
		{"2025-01-02T04:00:00Z", 1735790400},
		{"1996-12-19T16:39:57-08:00", 851042397},
		{"2024-02-29T00:00:00+05:30", 1709145000},
		{"2025-01-02t04:00:00z", 1735790400},
		{"1990-12-31T23:59:60Z", 662688000},
		{"1990-12-31T15:59:60-08:00", 662688000},
		{"0000-01-01T00:00:00Z", -62167219200},
		{"9999-12-31T23:59:59Z", 253402300799},
		{"2038-01-19T03:14:08Z", 2147483648},
		{"2025-01-02T04:00:00.123456789123456789Z", 1735790400},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = 1;
		CHECK(rfc3339_parse(cases[i].text, strlen(cases[i].text), &got));
		CHECK_INT(got, cases[i].want);
	}
}

TEST(refuses_what_is_no_rfc3339)
{
	static const char *const cases[] = {
		"",
		"2025-01-02",
		"2025-01-02T04:00:00",
		"2025-01-02 04:00:00Z",
		"2025-1-2T04:00:00Z",
		"2025-13-02T04:00:00Z",
		"2025-00-02T04:00:00Z",
		"2025-02-29T04:00:00Z",
		"1900-02-29T04:00:00Z",
		"2025-04-31T04:00:00Z",
		"2025-01-00T04:00:00Z",
		"2025-01-02T24:00:00Z",
		"2025-01-02T04:60:00Z",
		"2025-01-02T04:00:60Z",
		"2025-01-02T04:00:61Z",
		"2025-01-02T04:00:00.Z",
		"2025-01-02T04:00:00,5Z",
		"2025-01-02T04:00:00+24:00",
		"2025-01-02T04:00:00+00:60",
		"2025-01-02T04:00:00+0000",
		"2025-01-02T04:00:00ZZ",
		"2025-01-02T04:00:00Z ",
		"+025-01-02T04:00:00Z",
		"12025-01-02T04:00:00Z",
		"2025-01-02T-4:00:00Z",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = 77;
		if (rfc3339_parse(cases[i], strlen(cases[i]), &got) || got != 77)
			test_fail(__FILE__, __LINE__, "accepted: %s", cases[i]);
	}
}

TEST(reads_only_the_bytes_it_is_given)
{
	int64_t got = 0;
	CHECK(rfc3339_parse("2025-01-02T04:00:00Zgarbage", 20, &got));
	CHECK(!rfc3339_parse("2025-01-02T04:00:00Z", 19, &got));
	CHECK(!rfc3339_parse("2025-01-02T04:00:00Z\0", 21, &got));
}

TEST(writes_what_libc_writes)
{
	char out[RFC3339_SIZE], want[64];
	for (int64_t wall = -62167219200; wall <= 253402300799; wall += 86400LL * 9 + 12345) {
		time_t at = (time_t)wall;
		struct tm tm;
		int64_t back = 0;
		CHECK(gmtime_r(&at, &tm) != NULL);
		(void)snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
			       tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		CHECK_STR(rfc3339_format(wall, out), want);
		CHECK(rfc3339_parse(out, strlen(out), &back));
		CHECK_INT(back, wall);
	}
}

TEST(writes_times_out_of_range_as_the_nearest_in_range)
{
	char out[RFC3339_SIZE];
	CHECK_STR(rfc3339_format(INT64_MAX, out), "9999-12-31T23:59:59Z");
	CHECK_STR(rfc3339_format(253402300800, out), "9999-12-31T23:59:59Z");
	CHECK_STR(rfc3339_format(INT64_MIN, out), "0000-01-01T00:00:00Z");
}

TEST(reads_the_three_forms_of_http_dates)
{
	static const struct time_case cases[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"Sun Nov  6 08:49:37 1994", 784111777},
		{"Wed Nov 16 08:49:37 1994", 784975777},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = 1;
		CHECK(http_date_parse(cases[i].text, strlen(cases[i].text), &got));
		CHECK_INT(got, cases[i].want);
	}
}

TEST(two_digit_years_lie_at_most_fifty_years_ahead)
{
	int64_t now = clock_wall(), got = 0;
	for (int year = 0; year < 100; year++) {
		char text[64];
		(void)snprintf(text, sizeof(text), "Sunday, 06-Nov-%02d 08:49:37 GMT", year);
		CHECK(http_date_parse(text, strlen(text), &got));
		CHECK(got < now + 51LL * 366 * 86400 && got > now - 51LL * 366 * 86400);
	}
}

TEST(refuses_what_is_no_http_date)
{
	static const char *const cases[] = {
		"",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"sun, 06 nov 1994 08:49:37 gmt",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Thu, 32 Jan 2026 00:00:00 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun, 06 Nov 1994",
		"Xyz, 06 Nov 1994 08:49:37 GMT",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = 77;
		if (http_date_parse(cases[i], strlen(cases[i]), &got) || got != 77)
			test_fail(__FILE__, __LINE__, "accepted: %s", cases[i]);
	}
}

TEST(retry_after_in_seconds_or_as_a_date)
{
	int64_t seconds = 0;
	CHECK(retry_after_parse("120", 0, &seconds) && seconds == 120);
	CHECK(retry_after_parse("0", 0, &seconds) && seconds == 0);
	CHECK(retry_after_parse("2147483647", 0, &seconds) && seconds == 2147483647);
	CHECK(!retry_after_parse("2147483648", 0, &seconds));
	CHECK(retry_after_parse("Sun, 06 Nov 1994 08:49:37 GMT", 784111700, &seconds) && seconds == 77);
	CHECK(retry_after_parse("Sun, 06 Nov 1994 08:49:37 GMT", 784111777, &seconds) && seconds == 0);
	CHECK(!retry_after_parse("Sun, 06 Nov 1994 08:49:37 GMT", 784111778, &seconds));
}

TEST(garbled_retry_after_counts_as_absent)
{
	static const char *const cases[] = {
		"", "-5", "12abc", "1e3", "Thu, 32 Jan 2026 00:00:00 GMT", " ", "1.5", "+5", "99999999999999999999"};
	int64_t seconds = 77;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK(!retry_after_parse(cases[i], 0, &seconds));
	CHECK(!retry_after_parse(NULL, 0, &seconds));
	CHECK_INT(seconds, 77);
}

TEST_MAIN()

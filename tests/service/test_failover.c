/* SPDX-License-Identifier: Apache-2.0 */
/* When the next CA of the list is asked. */
#include "service/failover.h"

#include "tests/support/test.h"

static const int64_t HOUR = 3600, DAY = 24 * 3600;

static char url_a[] = "https://a.example/dir", url_b[] = "https://b.example/dir", url_c[] = "https://c.example/dir";
static const char *const urls[] = {url_a, url_b, url_c};

/* Valid from 0 to day 90, due on day 60; in danger from day 80 on. */
static struct renewal record(struct renewal_ca *cas, size_t count, bool live)
{
	return (struct renewal){.generation = live ? 1 : 0,
				.not_after = 90 * DAY,
				.renew_at = 60 * DAY,
				.tries = {.cas = cas, .ca_count = count}};
}

TEST(when_a_ca_is_given_up)
{
	static const struct {
		const char *what;
		bool live;
		int64_t now;
		unsigned failures;
		int64_t since, retry_at;
		bool given_up;
	} cases[] = {
		{"never failed", true, 61 * DAY, 0, 0, 0, false},
		{"failed often, but not for long", true, 61 * DAY, 9, 61 * DAY - 23 * HOUR, 0, false},
		{"for long, but not often", true, 61 * DAY, 2, 59 * DAY, 0, false},
		{"often and for long", true, 61 * DAY, 3, 60 * DAY, 0, true},
		{"once, when time runs out", true, 81 * DAY, 1, 81 * DAY, 0, true},
		{"once, just before", true, 79 * DAY, 1, 79 * DAY, 0, false},
		{"expired: as with nothing", true, 91 * DAY, 1, 91 * DAY, 0, false},
		{"expired: often", true, 91 * DAY, 3, 91 * DAY, 0, true},
		{"nothing is live", false, DAY, 2, DAY, 0, false},
		{"nothing is live, often", false, DAY, 3, DAY, 0, true},
		{"a rate limit with time left", true, 61 * DAY, 1, 61 * DAY, 66 * DAY, false},
		{"a rate limit with nothing live", false, DAY, 1, DAY, 2 * DAY, true},
		{"a short one with nothing live", false, DAY, 1, DAY, DAY + HOUR, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct renewal_ca ca = {.url = url_a,
					.failures = cases[i].failures,
					.since = cases[i].since,
					.retry_at = cases[i].retry_at};
		struct renewal renewal = record(&ca, 1, cases[i].live);
		if (failover_gives_up(&renewal, url_a, cases[i].now) != cases[i].given_up)
			test_fail(__FILE__, __LINE__, "%s", cases[i].what);
		CHECK(!failover_gives_up(&renewal, url_b, cases[i].now));
	}
}

TEST(the_first_that_is_not_given_up)
{
	struct renewal_ca cas[] = {{.url = url_a, .failures = 3}, {.url = url_b, .failures = 3}};
	struct renewal renewal = record(cas, 0, false);
	CHECK_INT(failover_choose(&renewal, urls, 3, DAY), 0);
	renewal.tries.ca_count = 1;
	CHECK_INT(failover_choose(&renewal, urls, 3, DAY), 1);
	renewal.tries.ca_count = 2;
	CHECK_INT(failover_choose(&renewal, urls, 3, DAY), 2);
	CHECK_INT(failover_choose(&renewal, urls, 2, DAY), 0);
	/* All are given up: in turn. */
	cas[0].failures = 4;
	CHECK_INT(failover_choose(&renewal, urls, 2, DAY), 1);
	cas[1].failures = 4;
	CHECK_INT(failover_choose(&renewal, urls, 2, DAY), 0);
	CHECK_INT(failover_choose(&renewal, urls, 1, DAY), 0);
}

TEST_MAIN()

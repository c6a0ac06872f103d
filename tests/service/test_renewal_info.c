/* SPDX-License-Identifier: Apache-2.0 */
/* What the CA's word on renewal changes in a record. */
#include "service/renewal_info.h"

#include "base/limits.h"
#include "tests/support/test.h"

static const int64_t DAY = 24 * 3600, NOW = 1795478400;

static struct ari_info answer(int64_t start, int64_t end, char *explanation)
{
	return (struct ari_info){.start = start, .end = end, .explanation = explanation, .retry_after = 21600};
}

/* Valid for ninety days from NOW, due at NOW + 60 days by its lifetime. */
static struct renewal record(void)
{
	return (struct renewal){
		.generation = 1, .not_before = NOW, .not_after = NOW + 90 * DAY, .renew_at = NOW + 60 * DAY};
}

static void take(struct renewal *renewal, struct ari_info info, int64_t now, uint64_t random)
{
	struct error err = {0};
	CHECK_OK(renewal_info_take(renewal, &info, now, random, &err), err);
}

TEST(a_point_is_drawn_once_per_window)
{
	struct renewal renewal = record();
	take(&renewal, answer(NOW + 50 * DAY, NOW + 52 * DAY, NULL), NOW, 1000);
	CHECK_INT(renewal.renew_at, NOW + 50 * DAY + 1000);
	CHECK_INT(renewal.ari.next, NOW + 21600);
	/* The same window again: the point stays, whatever would be drawn now. */
	take(&renewal, answer(NOW + 50 * DAY, NOW + 52 * DAY, NULL), NOW + DAY, 0);
	CHECK_INT(renewal.renew_at, NOW + 50 * DAY + 1000);
	CHECK_INT(renewal.ari.next, NOW + DAY + 21600);
	/* Another one: another point. */
	take(&renewal, answer(NOW + 50 * DAY, NOW + 51 * DAY, NULL), NOW + 2 * DAY, 7);
	CHECK_INT(renewal.renew_at, NOW + 50 * DAY + 7);
	renewal_done(&renewal);
}

TEST(a_past_window_makes_it_due_and_says_why)
{
	struct renewal renewal = record();
	char why[] = "https://ca.example/incident";
	take(&renewal, answer(NOW - 7200, NOW - 5400, why), NOW, UINT64_MAX);
	CHECK(renewal.renew_at <= NOW);
	CHECK_STR(renewal.ari.explanation, why);
	take(&renewal, answer(NOW + DAY, NOW + 2 * DAY, NULL), NOW, 0);
	CHECK(renewal.ari.explanation == NULL);
	CHECK_INT(renewal.renew_at, NOW + DAY);
	renewal_done(&renewal);
}

TEST(no_suggestion_eats_into_the_last_sixth)
{
	struct renewal renewal = record();
	take(&renewal, answer(NOW + 200 * DAY, NOW + 300 * DAY, NULL), NOW, 12345);
	CHECK_INT(renewal.renew_at, NOW + 75 * DAY);
	renewal_done(&renewal);
}

TEST(passing_failures_back_off_and_lasting_ones_wait_six_hours)
{
	struct renewal renewal = record();
	const struct error passing = {.category = ERROR_CA, .http_status = 503, .transient = true};
	const struct error lasting = {.category = ERROR_CA, .http_status = 404};
	static const int64_t waits[] = {600, 1200, 2400, 4800, 9600, 19200, 21600, 21600};
	take(&renewal, answer(NOW + 50 * DAY, NOW + 52 * DAY, NULL), NOW, 5);
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		renewal_info_failed(&renewal, &passing, NOW);
		CHECK_INT(renewal.ari.next - NOW, waits[i]);
	}
	/* What was suggested before stays. */
	CHECK_INT(renewal.renew_at, NOW + 50 * DAY + 5);
	CHECK_INT(renewal.ari.start, NOW + 50 * DAY);
	take(&renewal, answer(NOW + 50 * DAY, NOW + 52 * DAY, NULL), NOW, 5);
	renewal_info_failed(&renewal, &lasting, NOW);
	CHECK_INT(renewal.ari.next - NOW, LIMIT_ARI_RETRY_LATER);
	renewal_done(&renewal);
}

TEST(a_busy_cas_own_time_holds_within_a_day)
{
	struct renewal renewal = record();
	struct error busy = {.category = ERROR_CA, .http_status = 503, .transient = true, .retry_at = NOW + 7200};
	renewal_info_failed(&renewal, &busy, NOW);
	CHECK_INT(renewal.ari.next - NOW, 7200);
	busy.retry_at = NOW + 7 * DAY;
	renewal_info_failed(&renewal, &busy, NOW);
	CHECK_INT(renewal.ari.next - NOW, DAY);
}

TEST(when_to_ask)
{
	char none[] = "-", id[] = "a.b";
	struct renewal renewal = record();
	CHECK(renewal_info_is_due(&renewal, NOW)); /* right after issuance */
	renewal.ari.id = id;
	renewal.ari.next = NOW + 100;
	CHECK(!renewal_info_is_due(&renewal, NOW));
	CHECK(!renewal_info_is_due(&renewal, NOW + 99));
	CHECK(renewal_info_is_due(&renewal, NOW + 100));
	CHECK(!renewal_info_is_due(&renewal, NOW + 90 * DAY)); /* expired */
	renewal.ari.next = NOW + 1000 * DAY;                   /* a clock was wrong once */
	CHECK(renewal_info_is_due(&renewal, NOW));
	renewal.ari.id = none;
	CHECK(!renewal_info_is_due(&renewal, NOW));
	CHECK(renewal_info_id(&renewal) == NULL);
	renewal.ari.id = id;
	renewal.generation = 0;
	CHECK(!renewal_info_is_due(&renewal, NOW));
	renewal_info_not_offered(&renewal, NOW);
	CHECK_INT(renewal.ari.next - NOW, LIMIT_ARI_OFFERED_LATER);
}

TEST_MAIN()

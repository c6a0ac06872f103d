/* SPDX-License-Identifier: Apache-2.0 */
#include "service/places.h"

#include "base/limits.h"
#include "tests/support/test.h"

static struct place list[64];
static size_t count;
static int64_t wake;

static struct places start(size_t parallel)
{
	count = 0;
	return (struct places){.parallel = parallel};
}

static struct place *enter(struct places *places, int64_t now)
{
	struct place *place = &list[count++];
	*place = (struct place){0};
	places_enter(places, place, now);
	return place;
}

TEST(as_many_as_may_at_once)
{
	struct places places = start(2);
	CHECK(places_free(&places, 0, &wake));
	CHECK_INT(wake, INT64_MAX);
	struct place *first = enter(&places, 0);
	CHECK(places_free(&places, 0, &wake));
	(void)enter(&places, 0);
	CHECK(!places_free(&places, 0, &wake));
	places_leave(&places, first);
	CHECK(places_free(&places, 0, &wake));
}

TEST(who_is_silent_for_long_gives_its_place_away_and_takes_one_again)
{
	struct places places = start(1);
	struct place *silent = enter(&places, 0);
	CHECK(!places_free(&places, 2999, &wake));
	CHECK_INT(wake, 3000);
	CHECK(places_free(&places, 3000, &wake));
	struct place *other = enter(&places, 3000);
	places_heard(&places, silent, true, 3100);
	CHECK(!places_keep(&places, silent, 3200));
	CHECK(places_keep(&places, other, 3300));
	places_leave(&places, other);
	CHECK(!places_free(&places, 3400, &wake)); /* it is for the one that asked */
	CHECK(places_keep(&places, silent, 3400));
	CHECK(!places_free(&places, 1000 * 1000, &wake)); /* and kept however long it takes */
	CHECK_INT(wake, INT64_MAX);
}

TEST(how_long_is_long_depends_on_the_others)
{
	struct places places = start(3);
	struct place *quick = enter(&places, 0);
	struct place *slower = enter(&places, 0);
	(void)enter(&places, 0);
	places_heard(&places, quick, true, 50);
	CHECK(!places_free(&places, 60, &wake));
	CHECK_INT(wake, 250); /* four times 50 is too little */
	places_heard(&places, quick, true, 100);
	places_heard(&places, slower, true, 150);
	CHECK(!places_free(&places, 160, &wake)); /* 100 on average: what was heard later counts no more */
	CHECK_INT(wake, 400);
	CHECK(places_free(&places, 400, &wake));
	for (int i = 0; i < 2; i++) {
		struct place *slow = enter(&places, 1000);
		places_heard(&places, slow, true, 9000);
		places_leave(&places, slow);
	}
	places_leave(&places, quick);
	places_leave(&places, slower);
	(void)enter(&places, 9000);
	CHECK(places_free(&places, 9000, &wake));
	CHECK_INT(wake, 9000 + 3000);
}

TEST(only_so_many_wait_beside_the_others)
{
	enum { BESIDE = LIMIT_COURIERS - 5 };
	struct places places = start(5);
	CHECK_INT(places_most(&places), LIMIT_COURIERS);
	for (size_t i = 0; i < BESIDE + 4; i++)
		(void)enter(&places, 0);
	CHECK(places_free(&places, 3000, &wake));
	struct place *well = enter(&places, 3000);
	CHECK(!places_free(&places, 9000, &wake));
	CHECK_INT(wake, INT64_MAX);
	CHECK(places_keep(&places, well, 9000));
	places_leave(&places, &list[BESIDE + 3]); /* the last to come gave its place away first */
	CHECK(places_free(&places, 9000, &wake));
}

TEST(where_many_may_at_once_none_wait_beside_them)
{
	struct places places = start(LIMIT_COURIERS + 1);
	CHECK_INT(places_most(&places), LIMIT_COURIERS + 1);
	for (size_t i = 0; i < LIMIT_COURIERS + 1; i++)
		(void)enter(&places, 0);
	CHECK(!places_free(&places, 9000, &wake));
	CHECK_INT(wake, INT64_MAX);
}

TEST_MAIN()

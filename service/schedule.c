/* SPDX-License-Identifier: Apache-2.0 */
/* Due times, by lifetime or by the CA's word. */
#include "service/schedule.h"

#include "base/limits.h"

#include <sys/random.h>

enum {
	DAY = 24 * 3600,
	SHORT_LIVED = 10 * DAY, /* of which a third is too little to notice a failure and mend it */
	LEAST_LEFT = 6,         /* an n-th of the lifetime that no CA's suggestion may eat into */
};

static int64_t lifetime_of(int64_t not_before, int64_t not_after)
{
	/* Before 1970 there were none; and a record may hold any number. */
	if (not_before < 0)
		not_before = 0;
	return not_after > not_before ? not_after - not_before : 0;
}

int64_t schedule_by_lifetime(int64_t not_before, int64_t not_after, int days_before_expiry, uint64_t random)
{
	int64_t lifetime = lifetime_of(not_before, not_after);
	int64_t ahead = lifetime < SHORT_LIVED ? lifetime / 2 : lifetime / 3;
	int64_t wanted = (int64_t)days_before_expiry * DAY;
	if (wanted < ahead)
		ahead = wanted;
	int64_t spread = lifetime / 100;
	return not_after - ahead - (spread > 0 ? (int64_t)(random % (uint64_t)spread) : 0);
}

int64_t schedule_in_window(int64_t start, int64_t end, int64_t not_before, int64_t not_after, uint64_t random)
{
	int64_t latest = not_after - lifetime_of(not_before, not_after) / LEAST_LEFT;
	int64_t drawn = end > start ? start + (int64_t)(random % ((uint64_t)(end - start) + 1)) : start;
	return drawn < latest ? drawn : latest;
}

uint64_t schedule_random(void)
{
	uint64_t random = 0;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		return 0;
	return random;
}

bool schedule_is_sane(int64_t at, int64_t now)
{
	return at <= now + LIMIT_WAIT_SANE;
}

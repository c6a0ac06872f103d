/* SPDX-License-Identifier: Apache-2.0 */
/* Due times by lifetime. */
#include "service/schedule.h"

#include <sys/random.h>

int64_t schedule_renew_at(int64_t not_before, int64_t not_after, int days_before_expiry, uint32_t random)
{
	int64_t lifetime = not_after > not_before ? not_after - not_before : 0;
	int64_t ahead = lifetime / 3;
	int64_t wanted = (int64_t)days_before_expiry * 24 * 3600;
	if (wanted < ahead)
		ahead = wanted;
	int64_t spread = lifetime / 100;
	return not_after - ahead - (spread > 0 ? (int64_t)random % spread : 0);
}

uint32_t schedule_random(void)
{
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		return 0;
	return random;
}

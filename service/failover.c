/* SPDX-License-Identifier: Apache-2.0 */
/* When to leave a CA for the next one. Whatever is issued clears the record: a renewal begins with the first again. */
#include "service/failover.h"

#include "service/key_guard.h"

enum {
	HOUR = 3600,
	PATIENCE = 24 * HOUR,
	ENOUGH_FAILURES = 3,
	DANGER = 3, /* an n-th of the time between due and expired */
};

bool failover_gives_up(const struct renewal *record, const char *url, int64_t now)
{
	const struct renewal_ca *ca = renewal_find_ca(record, url);
	int64_t due = record->renew_at > 0 ? record->renew_at : 0;
	bool nothing_live = record->generation == 0 || now >= record->not_after || is_live_revoked(record);
	bool in_danger = nothing_live || record->not_after - now < (record->not_after - due) / DANGER;

	if (ca == NULL)
		return false;
	if (in_danger && ca->failures > 0 && ca->retry_at > now + HOUR)
		return true;
	if (nothing_live)
		return ca->failures >= ENOUGH_FAILURES;
	if (in_danger)
		return ca->failures > 0;
	return ca->failures >= ENOUGH_FAILURES && ca->since <= now - PATIENCE;
}

size_t failover_choose(const struct renewal *record, const char *const *urls, size_t count, int64_t now)
{
	size_t best = 0;
	unsigned fewest = UINT32_MAX;
	for (size_t i = 0; i < count; i++) {
		const struct renewal_ca *ca = renewal_find_ca(record, urls[i]);
		if (!failover_gives_up(record, urls[i], now))
			return i;
		if (ca->failures < fewest) {
			fewest = ca->failures;
			best = i;
		}
	}
	return best;
}

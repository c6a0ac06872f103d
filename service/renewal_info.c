/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal information in the records: pure functions on one of them. renewal_info_ask.c asks.
 */
#include "service/renewal_info.h"

#include "base/limits.h"
#include "service/key_guard.h"
#include "service/schedule.h"

enum {
	FIRST_RETRY = 10 * 60, /* seconds, after a passing failure; doubles */
	DOUBLINGS_MAX = 6,     /* beyond LIMIT_ARI_RETRY_LATER */
};

static const char no_id[] = "-";

bool renewal_info_identify(struct renewal *record, const struct chain *chain, struct error *err)
{
	struct error none = {0};
	AUTO_FREE char *id = chain != NULL ? ari_certificate_id(chain, &none) : NULL;
	if (id == NULL && none.category == ERROR_INTERNAL) {
		*err = none;
		return false;
	}
	return str_set(&record->ari.id, id != NULL ? id : no_id, err);
}

const char *renewal_info_id(const struct renewal *record)
{
	return str_equal(record->ari.id, no_id) ? NULL : record->ari.id;
}

bool renewal_info_is_due(const struct renewal *record, int64_t now)
{
	if (record->generation == 0 || now >= record->not_after || is_live_revoked(record) ||
	    str_equal(record->ari.id, no_id))
		return false;
	return record->ari.next <= now || !schedule_is_sane(record->ari.next, now);
}

bool renewal_info_take(struct renewal *record, const struct ari_info *info, int64_t now, uint64_t random,
		       struct error *err)
{
	struct renewal_ari *ari = &record->ari;
	if (!str_set(&ari->explanation, info->explanation, err))
		return false;
	if (info->start != ari->start || info->end != ari->end) {
		ari->start = info->start;
		ari->end = info->end;
		record->renew_at =
			schedule_in_window(info->start, info->end, record->not_before, record->not_after, random);
	}
	ari->next = now + info->retry_after;
	ari->failures = 0;
	return true;
}

void renewal_info_failed(struct renewal *record, const struct error *cause, int64_t now)
{
	struct renewal_ari *ari = &record->ari;
	int64_t wait = LIMIT_ARI_RETRY_LATER;

	if (ari_is_passing(cause) && ari->failures < DOUBLINGS_MAX && FIRST_RETRY << ari->failures < wait)
		wait = FIRST_RETRY << ari->failures;
	if (cause->retry_at > now + wait)
		wait = cause->retry_at - now < LIMIT_ARI_RETRY_MOST ? cause->retry_at - now : LIMIT_ARI_RETRY_MOST;
	if (ari->failures < UINT32_MAX)
		ari->failures++;
	ari->next = now + wait;
}

void renewal_info_not_offered(struct renewal *record, int64_t now)
{
	record->ari.next = now + LIMIT_ARI_OFFERED_LATER;
	record->ari.failures = 0;
}

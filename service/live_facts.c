/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that reads a record's facts off a certificate. */
#include "service/live_facts.h"

#include "config/config.h"
#include "service/renewal_info.h"
#include "service/schedule.h"

static int days_before_expiry(const struct service *service)
{
	enum { DEFAULT_DAYS = 30 };
	const struct config *config = service_options(service)->config;
	return config != NULL ? config->renewal.days_before_expiry : DEFAULT_DAYS;
}

bool live_facts_take(const struct service *service, const struct chain *chain, struct renewal *record,
		     struct error *err)
{
	struct chain_info info;

	if (!chain_info(chain, &info, err) || !str_set(&record->serial, info.serial, err) ||
	    !str_set(&record->issuer, info.issuer, err) ||
	    !str_set(&record->fingerprint_sha256, info.fingerprint_sha256, err))
		return false;
	record->not_before = info.not_before;
	record->not_after = info.not_after;
	record->renew_at =
		schedule_by_lifetime(info.not_before, info.not_after, days_before_expiry(service), schedule_random());
	renewal_ari_done(&record->ari);
	return renewal_info_identify(record, chain, err);
}

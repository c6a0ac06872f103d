/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate's record knows of the one that is live, taken from the certificate itself.
 */
#ifndef SERVICE_LIVE_FACTS_H
#define SERVICE_LIVE_FACTS_H

#include "acme/chain.h"
#include "service/service.h"
#include "store/renewal.h"

/*
 * CHAIN is (or is about to be) RECORD's live certificate: its serial, issuer, fingerprint and dates, a time of renewal
 * drawn by its lifetime, and how its CA knows it. What was known of another one's renewal is forgotten; how it was
 * issued is left alone.
 */
MUST_CHECK bool live_facts_take(const struct service *service, const struct chain *chain, struct renewal *record,
				struct error *err);

#endif

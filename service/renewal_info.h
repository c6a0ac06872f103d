/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CA's word on when to renew (RFC 9773): when to ask for it, what an answer changes in a certificate's record. The
 * window's point is drawn once and kept as renew_at; the record keeps what it was drawn from.
 */
#ifndef SERVICE_RENEWAL_INFO_H
#define SERVICE_RENEWAL_INFO_H

#include "acme/ari.h"
#include "acme/chain.h"
#include "store/renewal.h"

/*
 * CHAIN is RECORD's live certificate (NULL: there is none): keep how the CA knows it. One that ARI cannot be used for
 * is noted as such.
 */
MUST_CHECK bool renewal_info_identify(struct renewal *record, const struct chain *chain, struct error *err);

/* RECORD's live certificate as the CA knows it; NULL where it does not, or that is not known here. Borrowed. */
const char *renewal_info_id(const struct renewal *record);

/*
 * Whether the CA is to be asked about RECORD's live certificate at NOW: not before the time it gave, and never for one
 * that has expired or was revoked (§4.3) or that it cannot know.
 */
bool renewal_info_is_due(const struct renewal *record, int64_t now);

/* The CA answered INFO at NOW. RANDOM draws the point of the window, where that is not the one known already. */
MUST_CHECK bool renewal_info_take(struct renewal *record, const struct ari_info *info, int64_t now, uint64_t random,
				  struct error *err);

/* It did not: CAUSE (§4.3.3). What it suggested before stays; a passing failure is tried again soon, then ever later.
 */
void renewal_info_failed(struct renewal *record, const struct error *cause, int64_t now);

/* It offers no renewal information: looked at again much later. */
void renewal_info_not_offered(struct renewal *record, int64_t now);

#endif

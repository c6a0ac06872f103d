/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What form of dns-persist-01 record a CA wants, where its directory does not say: a challenge shows it.
 */
#ifndef ACME_PERSIST_LEARN_H
#define ACME_PERSIST_LEARN_H

#include "acme/persist.h"
#include "acme/session.h"

/*
 * Place an order for IDENTIFIER (borrowed), read the offer in its challenge, and give the order up: nothing is
 * answered, and what waits is deactivated (RFC 8555 §7.5.2), so that the CA holds nothing against us. *RET_FOUND false
 * when the CA counts the name as authorized already and therefore shows no such challenge. ERROR_CA naming what is on
 * offer where dns-persist-01 is not.
 */
MUST_CHECK bool acme_persist_learn(struct acme_session *session, const struct acme_identity *account,
				   const struct identifier *identifier, struct deadline deadline,
				   struct persist_offer *ret, bool *ret_found, struct error *err);

#endif

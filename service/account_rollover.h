/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another key for an account, so that no crash and no lost answer can lose the account.
 */
#ifndef SERVICE_ACCOUNT_ROLLOVER_H
#define SERVICE_ACCOUNT_ROLLOVER_H

#include "acme/key.h"
#include "acme/session.h"
#include "store/store.h"

/*
 * Give account NAME (its lock is held, ACCOUNT signs with its key) a new key of TYPE: stored beside the old one, then
 * told to the CA, then proven by a request signed with it, then made the one in force. Where the CA's answer leaves
 * doubt, it is asked which key it knows; where it cannot be asked, both stay, and the next use of the account asks
 * (account_open_key()).
 */
MUST_CHECK bool account_rollover(struct store *store, struct acme_session *session, const char *name,
				 const struct acme_identity *account, enum key_type type, struct deadline deadline,
				 struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking CAs when to renew (RFC 9773). What an answer changes is renewal_info.h's.
 */
#ifndef SERVICE_RENEWAL_INFO_ASK_H
#define SERVICE_RENEWAL_INFO_ASK_H

#include "service/plan.h"

/*
 * Ask about every certificate of PLAN that is not due and whose time to be asked about has come, a few at once, over
 * one conversation per CA. Answers go into the records, under each certificate's lock, and PLAN's items are decided
 * anew. Sends nothing where no such time has come. A failure is a warning and no more.
 */
void renewal_info_ask(struct service *service, struct plan *plan);

/*
 * The same for the certificate that RECORD has just been issued, over SESSION, under the certificate's lock, which the
 * caller holds. Saves RECORD where that changed it.
 */
void renewal_info_ask_first(struct service *service, struct acme_session *session, struct renewal *record);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate: from "it is due" to a checked, live generation in the store.
 */
#ifndef SERVICE_ISSUE_H
#define SERVICE_ISSUE_H

#include "service/backoff.h"
#include "service/hooks.h"
#include "service/plan.h"
#include "service/result.h"

/*
 * Issue or renew ITEM's certificate under its lock, after looking again whether that is still needed (another run may
 * have done it, or an earlier one may have been killed just before the end). An order in flight is resumed. One
 * that failed before is held back as ASKED deserves (backoff.h); where the config lists several CAs, the next one is
 * asked when the earlier ones have failed for too long (failover.h). HOOKS' pre hooks run before it is tried. ITEM's
 * wanted state is up to date afterwards; the outcome is in RET. Never makes anything live that fails the checks; the
 * failure is remembered in the record.
 */
void issue_certificate(struct service *service, struct plan_item *item, enum backoff_asked asked,
		       struct hook_run *hooks, struct certificate_result *ret);

#endif

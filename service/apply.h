/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of it: what is due is issued, what differs is deployed.
 */
#ifndef SERVICE_APPLY_H
#define SERVICE_APPLY_H

#include "service/deploy.h"

struct apply_options {
	bool force;   /* renew even what is not due, and what is held back */
	bool by_hand; /* asked for by hand: our own back-off does not hold it */
	struct deploy_options deploy;
};

/*
 * Carry PLAN out: issue its due certificates, a few at once, with their hooks, then deploy to every server that lacks
 * one. A failure of one certificate or server never stops the others; RET says what came of each. False only when
 * nothing could be tried.
 */
MUST_CHECK bool apply_plan(struct service *service, struct plan *plan, const struct apply_options *options,
			   struct run_result *ret, struct error *err);

/* Only the second half: deploy what is live, and run the deploy hooks that failed; issue nothing. */
MUST_CHECK bool deploy_only(struct service *service, struct plan *plan, const struct deploy_options *options,
			    struct run_result *ret, struct error *err);

#endif

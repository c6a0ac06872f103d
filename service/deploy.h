/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates to servers: everything that one server needs goes in one transaction, run by a courier.
 */
#ifndef SERVICE_DEPLOY_H
#define SERVICE_DEPLOY_H

#include "service/plan.h"
#include "service/result.h"

struct deploy_options {
	const struct str_list *only; /* servers to deploy to; NULL or empty: all */
	bool compare;                /* also where the record says nothing differs (the `deploy` command) */
	bool force;                  /* push even where the server has and serves it already */
	bool by_hand;                /* also where earlier failures hold it back (pending.h) */
	bool unverified;             /* no handshake: nothing serves it there yet */
};

/*
 * Bring PLAN's certificates to their servers. RESULTS has an entry per item; items whose result is RESULT_FAILED and
 * that have no live generation are skipped, others get a server_result per server. Servers are independent of one
 * another; a deployment that failed stays pending in the record, and one that is held back has failed as far as this
 * run is concerned.
 */
MUST_CHECK bool deploy_plan(struct service *service, const struct plan *plan, const struct deploy_options *options,
			    struct run_result *results, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One server's share of a deployment: its certificates in one transaction, run by a courier, and written down.
 */
#ifndef SERVICE_SHIPMENT_H
#define SERVICE_SHIPMENT_H

#include "service/deploy.h"
#include "transport/push.h"

struct shipment {
	const char *server;
	const size_t *items; /* of the plan: the certificates that go there */
	size_t count;
	struct push_outcome *outcomes; /* count, zeroed by the caller */
};

/*
 * Bring it there under the server's lock, so that two runs never deploy to it at once; what is pushed is read from the
 * store under that lock, so it is always the newest. Whatever becomes of it is in the outcomes, with server and
 * certificate and, where it failed, the time of the next try; and in the certificates' records, but for what WATCH did
 * not let change anything, which counts as not tried.
 */
void shipment_run(struct service *service, const struct plan *plan, const struct deploy_options *options,
		  struct shipment *shipment, const struct push_watch *watch);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An earlier generation of a certificate live again, here and then on its servers. The record says so from before the
 * switch on (renewal.h: rolled_back_from), so that no later run takes the newer ones for a switch that was cut off.
 * How the certificate is issued next stays as it is: only what is live goes back.
 */
#ifndef SERVICE_ROLLBACK_H
#define SERVICE_ROLLBACK_H

#include "service/result.h"
#include "service/service.h"
#include "store/store.h"

struct rollback_request {
	const char *name;
	uint64_t to; /* generation; 0: the one before the live one, or the live one where it was rolled back already */
	bool force;  /* also to one that has expired, was revoked, or lacks a name */
};

/*
 * Do it: RET has one certificate's result. False, with nothing changed unless ERR says so, with ERROR_USAGE for a NAME
 * or generation that is not there (the hint says which are), else with why that one may not become live. Live already
 * is success: then its servers get what they lack.
 */
MUST_CHECK bool rollback_certificate(struct service *service, const struct rollback_request *request,
				     struct run_result *ret, struct error *err);

#endif

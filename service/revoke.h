/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revoke the live certificate of a name.
 */
#ifndef SERVICE_REVOKE_H
#define SERVICE_REVOKE_H

#include "acme/revoke.h"
#include "service/service.h"

struct revoke_request {
	const char *name;
	enum revocation_reason reason;
	bool with_certificate_key; /* instead of the account's; else only where the account cannot do it */
};

struct revoke_result {
	char *serial;
	uint64_t generation;
	bool already;            /* it was revoked before */
	bool by_certificate_key; /* that signed the request */
};

void revoke_result_done(struct revoke_result *result);

/*
 * Revoke it at the CA that issued it, by the account that ordered it or else by its own key. Then its record says so:
 * it is due, and is renewed with a new key; after keyCompromise its key is never used again. Nothing is registered.
 */
MUST_CHECK bool revoke_certificate(struct service *service, const struct revoke_request *request,
				   struct revoke_result *ret, struct error *err);

#endif

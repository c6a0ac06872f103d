/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forget a certificate.
 */
#ifndef SERVICE_DELETE_H
#define SERVICE_DELETE_H

#include "service/service.h"

/* Whether something is stored of NAME: ERROR_USAGE otherwise. */
MUST_CHECK bool delete_check(struct service *service, const char *name, struct error *err);

/*
 * Remove NAME's key, certificates, order and record from the store, under its lock. Neither the CA nor a server hears
 * of it: what servers have, they go on serving until it expires.
 */
MUST_CHECK bool delete_certificate(struct service *service, const char *name, struct error *err);

#endif

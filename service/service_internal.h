/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of one run's world. For service.c, which hands out what all others need, and wiring.c, which makes and
 * ends it and keeps the connections.
 */
#ifndef SERVICE_SERVICE_INTERNAL_H
#define SERVICE_SERVICE_INTERNAL_H

#include "service/responders.h"
#include "service/service.h"

#include <pthread.h>

struct service {
	struct service_options options;
	struct store *store;
	struct responders responders;
	pthread_mutex_t lock; /* over everything below */
	struct dns_resolver *resolver;
	struct http_client *provider_http;
	struct ca_connection *cas; /* this and the next are wiring.c's */
	struct provider_connection *providers;
};

/* Whether look-ups go to resolvers that the operator named. */
bool service_has_resolvers(const struct service *service);

/* service_http() for who holds the service's lock. */
MUST_CHECK struct http_client *service_http_locked(struct service *service, struct error *err);

#endif

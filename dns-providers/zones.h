/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vendor's zone that holds a name, by longest match. What a name turned out to be is remembered for the instance's
 * life, so that a run asks for each once, whatever number of certificates it works on side by side.
 */
#ifndef DNS_PROVIDERS_ZONES_H
#define DNS_PROVIDERS_ZONES_H

#include "base/buf.h"
#include "dns-providers/provider.h"

#include <pthread.h>

struct provider_zones {
	pthread_mutex_t lock;
	struct provider_zone *known;
	size_t count;
};

void provider_zones_init(struct provider_zones *zones);
void provider_zones_done(struct provider_zones *zones);

struct provider_zone_search {
	const char *title;         /* the vendor's, for messages */
	const char *source;        /* who asks, for messages: "the setting api_token" */
	const char *hint;          /* when nothing is found */
	const char *unusable_hint; /* when only zones are found that cannot be used */

	/*
	 * Ask the vendor for its zone called exactly NAME. *RET_ID stays NULL when there is none. Where there is one
	 * that cannot be used, UNUSABLE gets the reason ("its status is "pending""); that is told, and not remembered.
	 */
	bool (*ask)(struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
		    struct buf *unusable, struct error *err);
};

/* A module's find_zone (provider.h). Searches wait for each other, within their deadlines. */
MUST_CHECK bool provider_zones_find(struct provider_zones *zones, const struct provider_zone_search *search,
				    struct dns_provider *provider, const char *name, struct deadline deadline,
				    char **ret_id, char **ret_zone, struct error *err);

/* NAME relative to ZONE, malloc'd: "_acme-challenge.www" in "example.com", "@" at the apex. ERROR_DNS outside of it. */
MUST_CHECK bool provider_relative_name(const char *name, const char *zone, char **ret, struct error *err);

/* pthread_mutex_lock() that gives up at DEADLINE. */
MUST_CHECK bool provider_lock(pthread_mutex_t *lock, const char *step, struct deadline deadline, struct error *err);

#endif

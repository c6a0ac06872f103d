/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One account at Cloudflare as the config describes it: its credentials checked, its API reached. What is done there is
 * cloudflare.c's.
 */
#ifndef DNS_PROVIDERS_CLOUDFLARE_ACCOUNT_H
#define DNS_PROVIDERS_CLOUDFLARE_ACCOUNT_H

#include "dns-providers/cloudflare_message.h"
#include "dns-providers/common.h"
#include "dns-providers/turns.h"
#include "dns-providers/zones.h"

#include <stdatomic.h>

#define CLOUDFLARE_API_URL "https://api.cloudflare.com/client/v4"

struct dns_provider {
	char *base;                  /* the API's address without a final "/" */
	atomic_bool path_added;      /* BASE was a bare host, and the API turned out to live below API_PATH there */
	char *zone_id;               /* as configured; NULL: look it up */
	char *account_id;            /* or NULL */
	char source[128];            /* which credential is used, for messages */
	struct secret auth[2];       /* header lines for records */
	struct secret zone_auth;     /* for zones, where another token does that; else empty */
	struct provider_api records; /* both borrow the above */
	struct provider_api zones;
	struct provider_turns turns;
	struct provider_zones found;
};

/* The check, open and close (provider.h) of MODULE, cloudflare.c's. */
bool cloudflare_account_check(const struct dns_provider_module *module, const struct dns_setting *settings,
			      size_t count, size_t *ret_index, struct error *err);
struct dns_provider *cloudflare_account_open(const struct dns_provider_module *module,
					     const struct dns_setting *settings, size_t count,
					     struct http_client *client, struct error *err);
void cloudflare_account_close(struct dns_provider *provider);

/* CALL, whose url is filled in here, to PATH below the API's address, as provider_call_api(). API is one of PROVIDER's
 * two. */
enum provider_result cloudflare_account_call(struct dns_provider *provider, const struct provider_api *api,
					     struct provider_call *call, const char *path, struct deadline deadline,
					     struct http_response *ret, struct provider_failure *ret_failure,
					     struct error *err);

#endif

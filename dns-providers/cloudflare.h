/* SPDX-License-Identifier: Apache-2.0 */
/* Cloudflare, API v4: https://developers.cloudflare.com/api/ */
#ifndef DNS_PROVIDERS_CLOUDFLARE_H
#define DNS_PROVIDERS_CLOUDFLARE_H

#include "dns-providers/provider.h"

extern const struct dns_provider_module cloudflare_module;

#endif

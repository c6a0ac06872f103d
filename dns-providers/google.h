/* SPDX-License-Identifier: Apache-2.0 */
/* Google Cloud DNS, API v1: https://cloud.google.com/dns/docs/reference/rest/v1 */
#ifndef DNS_PROVIDERS_GOOGLE_H
#define DNS_PROVIDERS_GOOGLE_H

#include "dns-providers/provider.h"

extern const struct dns_provider_module google_module;

#endif

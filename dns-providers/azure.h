/* SPDX-License-Identifier: Apache-2.0 */
/* Azure DNS, API version 2018-05-01: https://learn.microsoft.com/en-us/rest/api/dns/ */
#ifndef DNS_PROVIDERS_AZURE_H
#define DNS_PROVIDERS_AZURE_H

#include "dns-providers/provider.h"

extern const struct dns_provider_module azure_module;

#endif

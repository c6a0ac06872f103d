/* SPDX-License-Identifier: Apache-2.0 */
/* Any name server that takes dynamic updates (RFC 2136), signed by TSIG (RFC 8945) or allowed by address. */
#ifndef DNS_PROVIDERS_RFC2136_H
#define DNS_PROVIDERS_RFC2136_H

#include "dns-providers/provider.h"

extern const struct dns_provider_module rfc2136_module;

#endif

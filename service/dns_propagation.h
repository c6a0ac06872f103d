/* SPDX-License-Identifier: Apache-2.0 */
/* The wait until what a DNS provider published can be seen, as the provider's settings want it. */
#ifndef SERVICE_DNS_PROPAGATION_H
#define SERVICE_DNS_PROPAGATION_H

#include "dns-providers/provider.h"
#include "transport/dns_zone.h"

/* How long the slowest vendor's servers may take: it is about a minute. */
enum { DNS_PROPAGATION_MS = 180 * 1000 };

/* dns_wait_published() for at most DNS_PROPAGATION_MS unless PROVIDER wants no check, then its fixed delay. */
MUST_CHECK bool dns_propagation_wait(const struct dns_provider_module *module, const struct dns_provider *provider,
				     struct dns_resolver *resolver, const struct dns_expectation *expectations,
				     size_t count, struct deadline deadline, dns_progress *progress, void *ctx,
				     struct error *err);

#endif

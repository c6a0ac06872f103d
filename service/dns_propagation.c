/* SPDX-License-Identifier: Apache-2.0 */
/* A check, a delay, both or none. */
#include "service/dns_propagation.h"

#include "base/log.h"

bool dns_propagation_wait(const struct dns_provider_module *module, const struct dns_provider *provider,
			  struct dns_resolver *resolver, const struct dns_expectation *expectations, size_t count,
			  struct deadline deadline, dns_progress *progress, void *ctx, struct error *err)
{
	struct dns_propagation wanted = {0};
	if (module->propagation != NULL)
		module->propagation(provider, &wanted);
	if (!wanted.unchecked && !dns_wait_published(resolver, expectations, count,
						     deadline_within(deadline, DNS_PROPAGATION_MS), progress, ctx, err))
		return false;
	if (wanted.delay_ms == 0)
		return true;
	log_debug("%s: waiting %lld s more, as configured", module->title, (long long)wanted.delay_ms / 1000);
	return deadline_sleep(deadline, wanted.delay_ms, "propagation", err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* DigitalOcean, API v2: https://docs.digitalocean.com/reference/api/ */
#ifndef DNS_PROVIDERS_DIGITALOCEAN_H
#define DNS_PROVIDERS_DIGITALOCEAN_H

#include "base/str.h"
#include "dns-providers/common.h"

extern const struct dns_provider_module digitalocean_module;

/*
 * Readers of its answers, pure and fuzzed; they fail with ERROR_DATA. A domain, which must be NAME. One page of
 * records: the ids of the TXT records called RELATIVE (to the domain) with VALUE are added to IDS. A creation: the new
 * record's id.
 */
MUST_CHECK bool digitalocean_read_domain(const char *text, size_t len, const char *name, struct error *err);
MUST_CHECK bool digitalocean_read_records(const char *text, size_t len, const char *relative, const char *value,
					  struct str_list *ids, struct provider_pages *pages, struct error *err);
MUST_CHECK bool digitalocean_read_created(const char *text, size_t len, char **ret_id, struct error *err);

#endif

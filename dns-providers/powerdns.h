/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PowerDNS Authoritative Server, HTTP API v1: https://doc.powerdns.com/authoritative/http-api/. The readers of its
 * answers are pure and fuzzed; they fail with ERROR_DATA.
 */
#ifndef DNS_PROVIDERS_POWERDNS_H
#define DNS_PROVIDERS_POWERDNS_H

#include "base/buf.h"
#include "dns-providers/recordset.h"

extern const struct dns_provider_module powerdns_module;

/*
 * A listing of zones. *RET_ID (malloc'd) is the id of the one called CANONICAL ("example.com."), safe in a URL; NULL
 * when there is none that can be written, and UNUSABLE then says why not.
 */
MUST_CHECK bool powerdns_read_zones(const char *text, size_t len, const char *canonical, char **ret_id,
				    struct buf *unusable, struct error *err);

/* A zone with record sets: the TXT values at CANONICAL, each as one record's compact JSON. */
MUST_CHECK bool powerdns_read_set(const char *text, size_t len, const char *canonical, struct provider_set *ret,
				  struct error *err);

/* A search's results: the disabled TXT values at CANONICAL are added to SET, unless they are there. */
MUST_CHECK bool powerdns_read_disabled(const char *text, size_t len, const char *canonical, struct provider_set *set,
				       struct error *err);

/* The body that makes NEXT the TXT values at CANONICAL. */
MUST_CHECK bool powerdns_write_set(const char *canonical, const struct provider_set *next, struct buf *out,
				   struct error *err);

#endif

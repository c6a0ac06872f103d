/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CAA set that holds for a name (RFC 8659 §3): its own, else that of the nearest name above it that has one.
 */
#ifndef TRANSPORT_DNS_CAA_H
#define TRANSPORT_DNS_CAA_H

#include "transport/dns.h"

struct dns_caa {
	const char *name;            /* borrowed; a wildcard's without "*." */
	bool known;                  /* it could be told; otherwise reason says why not */
	char owner[256];             /* where the set was asked for; empty: there is none up to the root */
	struct str_list records;     /* "FLAGS TAG VALUE", the tag in lower case */
	char reason[ERROR_NAME_MAX]; /* one sentence */
};

void dns_caa_done(struct dns_caa *caa);

/*
 * Look for the sets of COUNT names; their names are filled in, the rest is zeroed. Each name and all names above it are
 * asked side by side, every name once. A CNAME's target answers for its name; what is above the target does not (§3).
 * False only when cancelled, past DEADLINE or out of memory: what was known by then stays known.
 */
MUST_CHECK bool dns_find_caa(struct dns_resolver *resolver, struct dns_caa *sets, size_t count,
			     struct deadline deadline, struct error *err);

#endif

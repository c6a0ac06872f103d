/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to connect to for a host: what the caller has looked up with the resolver of its choice (dns_addresses), else
 * what the system's resolver says.
 */
#ifndef TRANSPORT_HOST_ADDRESSES_H
#define TRANSPORT_HOST_ADDRESSES_H

#include "transport/dns.h"

/*
 * ADDRESSES (text without port; NULL or empty: ask the system for HOST, until DEADLINE) with PORT, malloc'd, in the
 * order in which they are to be tried; *RET_COUNT is at least one. NULL with ERR (ERROR_NETWORK) saying why there is
 * none.
 */
MUST_CHECK struct dns_address *host_addresses(const char *host, uint16_t port, const struct str_list *addresses,
					      struct deadline deadline, size_t *ret_count, struct error *err);

#endif

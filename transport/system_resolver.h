/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names as the system looks them up (hosts file, nsswitch.conf, resolv.conf), within a deadline, which getaddrinfo()
 * has none of.
 */
#ifndef TRANSPORT_SYSTEM_RESOLVER_H
#define TRANSPORT_SYSTEM_RESOLVER_H

#include "base/clock.h"
#include "base/error.h"

#include <netdb.h>

/*
 * The addresses of HOST, a name or an address, for stream sockets, to be freed with freeaddrinfo(). NULL with ERR:
 * ERROR_NETWORK where there are none or nobody answered by DEADLINE, ERROR_CANCELLED when it was interrupted.
 */
MUST_CHECK struct addrinfo *system_resolver_ask(const char *host, struct deadline deadline, struct error *err);

#endif

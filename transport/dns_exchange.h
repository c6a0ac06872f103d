/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One DNS message to one server and its answer, for what a resolver library does not send: updates and signed messages.
 */
#ifndef TRANSPORT_DNS_EXCHANGE_H
#define TRANSPORT_DNS_EXCHANGE_H

#include "base/buf.h"
#include "transport/dns.h"

/*
 * Send the message of LEN bytes to SERVER over TCP, and over UDP where TCP gives no answer; *RET (initialized) is the
 * answer with the same id. A message may arrive more than once: it must be one that can be repeated. ERROR_NETWORK.
 */
MUST_CHECK bool dns_exchange(const struct dns_address *server, const void *message, size_t len,
			     struct deadline deadline, struct buf *ret, struct error *err);

#endif

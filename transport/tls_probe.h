/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server really serves, seen by a TLS handshake with SNI. The chain is not judged here, only reported: the
 * caller compares it with what it expects.
 */
#ifndef TRANSPORT_TLS_PROBE_H
#define TRANSPORT_TLS_PROBE_H

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "transport/starttls.h"

#include <stdint.h>

struct tls_probe_target {
	const char *address;              /* host or address */
	const struct str_list *addresses; /* of the host, where it was looked up already; NULL or empty: not */
	uint16_t port;
	const char *server_name; /* SNI */
	enum starttls_protocol starttls;
};

struct tls_probe_result {
	char fingerprint_sha256[65]; /* of the served leaf's DER, lower-case hex */
	int64_t not_after;           /* wall clock seconds */
};

/*
 * One handshake, behind what the protocol says before TLS. ERROR_NETWORK, naming the address and what failed,
 * otherwise. Blocking no longer than DEADLINE.
 */
MUST_CHECK bool tls_probe(const struct tls_probe_target *target, struct deadline deadline, struct tls_probe_result *ret,
			  struct error *err);

/* The same over TAKE_FD, non-blocking and connected there already, which is closed. */
MUST_CHECK bool tls_probe_over(int take_fd, const struct tls_probe_target *target, struct deadline deadline,
			       struct tls_probe_result *ret, struct error *err);

#endif

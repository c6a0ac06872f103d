/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a responder of our own listens, as config, command line and records write it: ":80", "192.0.2.1:80",
 * "[2001:db8::1]:80".
 */
#ifndef BASE_LISTEN_ADDRESS_H
#define BASE_LISTEN_ADDRESS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

enum { LISTEN_HOST_SIZE = 46, LISTEN_ADDRESS_SIZE = LISTEN_HOST_SIZE + sizeof("[]:65535") };

/* A plain value: copy it. */
struct listen_address {
	char host[LISTEN_HOST_SIZE]; /* an address as inet_ntop prints it; empty: every IPv4 and IPv6 address */
	uint16_t port;
};

/* "PORT", ":PORT", "ADDRESS:PORT" or "[IPV6]:PORT", the port from 1 to 65535. False for anything else. */
MUST_CHECK bool listen_address_parse(const char *text, struct listen_address *ret);

/* The one way it is written: parsing gives ADDRESS again. Returns OUT. */
const char *listen_address_format(const struct listen_address *address, char out[LISTEN_ADDRESS_SIZE]);

#endif

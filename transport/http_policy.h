/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses an HTTP request may go to. A URL from outside, or a name that suddenly resolves elsewhere, must not
 * lead to services of this host or of its link. Pure.
 */
#ifndef TRANSPORT_HTTP_POLICY_H
#define TRANSPORT_HTTP_POLICY_H

#include "base/compiler.h"

#include <stdbool.h>
#include <sys/socket.h>

/* HOST is an address of the loopback network, IPv6 with or without brackets. "localhost" is a name, and is not. */
bool http_host_is_loopback(const char *host);

/*
 * HOST is one of the literal link-local and unique local addresses where a cloud answers its own machines about
 * credentials: 169.254.169.254 (all clouds), 169.254.170.2 and .23, fd00:ec2::254 and ::23 (AWS, containers and IPv6).
 */
bool http_host_is_metadata(const char *host);

/* HOST is an address of either family, IPv6 with or without brackets. */
bool http_host_is_address(const char *host);

/* NULL when a connection to ADDR is fine; else what kind of address it is: "loopback", "link-local", … */
const char *http_address_refused(const struct sockaddr *addr, socklen_t len, bool allow_loopback);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP over libcurl: one I/O thread drives a multi handle for the whole process, so that all requests to a host share
 * few kept-alive connections (HTTP/2 where offered); callers, on any thread, see straight-line calls. Nothing outside
 * http.c and its parts (http_multi.c, http_transfer.c, http_target.c) knows libcurl.
 */
#ifndef TRANSPORT_HTTP_H
#define TRANSPORT_HTTP_H

#include "base/clock.h"
#include "base/http_message.h"
#include "base/str.h"

struct dns_resolver;
struct http_client;

struct http_client_options {
	const char *ca_bundle;         /* extra trust anchors, PEM file; NULL: the system's alone */
	struct dns_resolver *resolver; /* looks up every host; NULL: the system's resolver. Borrowed. */
	bool allow_loopback; /* hosts may resolve to loopback addresses (a CA of one's own); literals always may */
};

/* Starts the I/O thread with the first request. Only one client should exist per kind of peer (a CA; DNS providers). */
MUST_CHECK struct http_client *http_client_new(const struct http_client_options *options, struct error *err);
void http_client_free(struct http_client *client);
DEFINE_FREEP(http_client_freep, struct http_client, http_client_free)

/* The resolver it was made with, for look-ups of its users' own; NULL: none. Borrowed. */
struct dns_resolver *http_client_resolver(const struct http_client *client);

/*
 * Perform COUNT exchanges side by side; returns when each is ok (any status) or has its error. https only, or http with
 * a loopback literal as host (request.metadata: or a cloud's metadata address); no proxy, no cookies, no compression,
 * no redirect unless request.follow; the caps of limits.h and request.max_response are enforced while receiving.
 * Returns false only when cancelled or past DEADLINE before any was finished. Matches struct acme_port's send.
 */
bool http_send(void *client, struct http_exchange *exchanges, size_t count, struct deadline deadline,
	       struct error *err);

/* Requests sent and connections opened since the client was made: for the bench and for verbose output. */
void http_client_counts(const struct http_client *client, unsigned *ret_requests, unsigned *ret_connections);

#endif

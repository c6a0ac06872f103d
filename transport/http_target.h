/* SPDX-License-Identifier: Apache-2.0 */
/* A request's destination, checked. Internal to http.c. */
#ifndef TRANSPORT_HTTP_TARGET_H
#define TRANSPORT_HTTP_TARGET_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Strings of libcurl's. */
struct http_target {
	char *url;
	char *scheme;
	char *host; /* IPv6 addresses in brackets */
	char *port;
};

/*
 * https, or http to a literal loopback address or, with METADATA, to a cloud's metadata address; no userinfo, no
 * fragment. BASE: what URL is relative to, or NULL.
 */
MUST_CHECK bool http_target_parse(const char *base, const char *url, bool metadata, struct http_target *ret,
				  struct error *err);
void http_target_done(struct http_target *target);
bool http_target_same_origin(const struct http_target *a, const struct http_target *b);

/* "host" or "host:port", for messages. In OUT of SIZE bytes, terminal-safe. */
const char *http_target_name(const struct http_target *target, char *out, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests and responses as values. transport/ performs them; the engine and the DNS providers build and read
 * them. Knows no sockets.
 */
#ifndef BASE_HTTP_MESSAGE_H
#define BASE_HTTP_MESSAGE_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

API_BEGIN

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };

const char *http_method_name(enum http_method method);

enum { HTTP_REQUEST_HEADERS_MAX = 8 };

struct http_request {
	enum http_method method;
	const char *url;          /* borrowed, absolute */
	const char *content_type; /* borrowed; NULL: none */
	const char *accept;       /* borrowed; NULL: none */
	const char *body;         /* borrowed; NULL: none */
	size_t body_len;
	size_t max_response; /* cap on the response's body, bytes */
	bool follow;         /* follow up to 3 redirects to the same origin; only for GET */
	bool once; /* must not be sent twice, not even where a kept-alive connection turns out dead: uses a new one */
	/*
	 * A body that is good for one delivery (a JWS holds its nonce): where a kept-alive connection breaks, that is
	 * an error for the caller instead of a second delivery.
	 */
	bool unrepeatable;
	bool metadata; /* http to a cloud's metadata addresses is allowed too (transport/http_policy.h) */
	/* More headers as whole "Name: value" lines, borrowed. They may hold credentials: never logged. */
	const char *headers[HTTP_REQUEST_HEADERS_MAX];
	size_t header_count;
};

struct http_header {
	char *name;
	char *value;
};

struct http_response {
	long status;
	struct http_header *headers; /* owned */
	size_t header_count;
	struct buf body;
};

void http_response_done(struct http_response *response);

/* Keep one header; the caps of limits.h apply. */
MUST_CHECK bool http_response_add_header(struct http_response *response, const char *name, size_t name_len,
					 const char *value, size_t value_len, struct error *err);

/* The INDEX-th header called NAME (any case), counted from 0; NULL when there is none. Borrowed. */
const char *http_response_header(const struct http_response *response, const char *name, size_t index);

/* Whether the response's media type is TYPE: parameters ignored, any case. */
bool http_response_is(const struct http_response *response, const char *type);

/* One request and what came of it. `ok` false: no response, `error` says why. */
struct http_exchange {
	struct http_request request;
	bool ok;
	struct http_response response; /* owned by whoever owns the exchange */
	struct error error;
};

API_END

#endif

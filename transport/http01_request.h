/* SPDX-License-Identifier: Apache-2.0 */
/* The one request that the http-01 responder knows (RFC 8555 §8.3, RFC 9112), and everything else told apart from it.
 */
#ifndef TRANSPORT_HTTP01_REQUEST_H
#define TRANSPORT_HTTP01_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum http01_verdict {
	HTTP01_INCOMPLETE, /* so far it may become a request */
	HTTP01_MALFORMED,
	HTTP01_METHOD, /* neither GET nor HEAD */
	HTTP01_OTHER,  /* for anything but a challenge */
	HTTP01_TOKEN,  /* for this token */
};

struct http01_request {
	enum http01_verdict verdict;
	bool head;         /* HEAD: the answer has no body */
	const char *token; /* HTTP01_TOKEN: borrowed from the request, of base64url's alphabet */
	size_t token_len;
};

/*
 * The first LEN bytes of a connection (pure; fuzzed). Complete when the head is; header fields are not looked at: a CA
 * may ask for an address or in brackets (RFC 8738 §5), a proxy may send anything.
 */
struct http01_request http01_parse_request(const char *data, size_t len);

#endif

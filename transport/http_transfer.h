/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange as one libcurl transfer: the options, the callbacks with their caps, and what a libcurl result means to
 * a user. Internal to http.c.
 */
#ifndef TRANSPORT_HTTP_TRANSFER_H
#define TRANSPORT_HTTP_TRANSFER_H

#include "base/http_message.h"
#include "transport/http_multi.h"
#include "transport/http_target.h"
#include "transport/http_trust.h"

/* What all transfers of a client have in common. */
struct http_settings {
	struct http_trust trust;
	bool allow_loopback;
	char agent[64];
};

struct http_transfer {
	struct http_job job; /* first: the I/O thread hands it back */
	const struct http_settings *settings;
	struct http_exchange *exchange;
	struct http_target target;
	struct curl_slist *headers;
	struct curl_slist *addresses;
	size_t header_bytes;
	size_t body_sent;
	bool headers_complete;
	bool own_error;           /* a callback gave up; the exchange's error says why */
	const char *refused_kind; /* of an address that was not connected to; NULL: none */
	char text[CURL_ERROR_SIZE];
	int redirects;
	bool wanted; /* takes part in the next round */
};

/* ADDRESSES: what the host resolves to, comma-separated; NULL: libcurl looks it up. */
MUST_CHECK bool http_transfer_prepare(struct http_transfer *transfer, const char *addresses, struct deadline deadline,
				      struct error *err);

/* Read the result of a finished transfer into its exchange: ok, or its error. */
void http_transfer_finish(struct http_transfer *transfer, struct deadline deadline);

/* Frees everything but the easy handle and the exchange. */
void http_transfer_done(struct http_transfer *transfer);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html): pure, tested against
 * the published vectors. Signs Content-Type where there is one, Host, X-Amz-Date and, for temporary keys,
 * X-Amz-Security-Token.
 */
#ifndef DNS_PROVIDERS_SIGV4_H
#define DNS_PROVIDERS_SIGV4_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A key of an account or, with a token, of a session. */
struct sigv4_key {
	struct secret id;
	struct secret secret;
	struct secret token; /* empty: none */
};

void sigv4_key_done(struct sigv4_key *key);

struct sigv4_request {
	const char *method;
	const char *host;         /* as in the Host header, with its port where that is not the usual one */
	const char *path;         /* as in the URL; "" is "/" */
	const char *query;        /* as in the URL, percent-encoded, without "?"; in any order */
	const char *content_type; /* NULL: none */
	const char *body;
	size_t body_len;
};

struct sigv4_scope {
	const char *region;
	const char *service;
	int64_t time; /* wall clock, seconds */
};

/* The header lines that a signed request carries. */
struct sigv4_headers {
	struct secret authorization;
	struct secret date;
	struct secret token; /* empty: none */
};

void sigv4_headers_done(struct sigv4_headers *headers);

/* What is signed, for tests and to understand a SignatureDoesNotMatch. Appended to OUT; TOKEN NULL: none. */
MUST_CHECK bool sigv4_canonical(const struct sigv4_request *request, const struct secret *token, int64_t time,
				struct buf *out, struct error *err);

MUST_CHECK bool sigv4_sign(const struct sigv4_request *request, const struct sigv4_key *key,
			   const struct sigv4_scope *scope, struct sigv4_headers *ret, struct error *err);

/* TEXT appended to OUT percent-encoded but for A-Z a-z 0-9 - _ . ~ (RFC 3986 §2.3). */
void sigv4_encode(const char *text, struct buf *out);

#endif

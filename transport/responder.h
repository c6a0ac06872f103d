/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own answers to a CA: an http-01 responder (RFC 8555 §8.3) or a tls-alpn-01 responder (RFC 8737 §4) on a port of
 * this machine. One per address serves any number of certificates at once. Nothing in a request reaches an answer, a
 * file or a log: it is compared with what was added, and refused otherwise.
 */
#ifndef TRANSPORT_RESPONDER_H
#define TRANSPORT_RESPONDER_H

#include "base/clock.h"
#include "base/error.h"
#include "base/listen_address.h"
#include "base/secret.h"

#include <stddef.h>

struct responder;
struct responder_type;

extern const struct responder_type responder_http01;
extern const struct responder_type responder_alpn01;

/* Bind ADDRESS and serve. ERROR_CONFIG when the port cannot be had (listener.h). */
MUST_CHECK struct responder *responder_start(const struct responder_type *type, const struct listen_address *address,
					     struct error *err);

/* Close the port. Nobody may be adding. Accepts NULL. */
void responder_stop(struct responder *responder);
uint16_t responder_port(const struct responder *responder);

/* What is answered. All borrowed, and copied. */
struct responder_answer {
	const char *name; /* http-01: the token. tls-alpn-01: the SNI, for an address its reverse name (RFC 8738 §6) */
	const char *key_authorization;
	const void *certificate; /* tls-alpn-01: DER */
	size_t certificate_len;
	const struct secret *key; /* tls-alpn-01: the certificate's, DER */
};

/*
 * Answer these COUNT names from now on, until OWNER (any address of the caller's) removes them. When one is asked for
 * the first time, 1 is added to ASKED_FD, an eventfd (-1: nobody waits). A server name that another owner answers with
 * another certificate is waited for until DEADLINE.
 */
MUST_CHECK bool responder_add(struct responder *responder, const void *owner, const struct responder_answer *answers,
			      size_t count, int asked_fd, struct deadline deadline, struct error *err);
void responder_remove(struct responder *responder, const void *owner);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What tells one type of responder from the other. For responder.c, http01.c and alpn01.c. */
#ifndef TRANSPORT_RESPONDER_TYPE_H
#define TRANSPORT_RESPONDER_TYPE_H

#include "transport/answers.h"
#include "transport/listener.h"
#include "transport/responder.h"

struct responder_type {
	const char *instead; /* for the hint, when the port cannot be had */
	bool any_case;       /* of names */

	/* An answer's value (struct answer), and its release. NULL: there is none. */
	bool (*make_value)(const struct responder_answer *answer, void **ret, struct error *err);
	void (*free_value)(void *value);

	/* The context of the protocol's connections, looking names up in ANSWERS; NULL with ERR. */
	void *(*setup)(struct answers *answers, struct error *err);
	void (*teardown)(void *ctx);

	struct listener_protocol protocol;
};

#endif

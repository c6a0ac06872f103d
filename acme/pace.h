/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to ask again: the pace of polling one order.
 */
#ifndef ACME_PACE_H
#define ACME_PACE_H

#include "acme/port.h"

struct pace {
	int64_t delay_ms; /* before the next poll, unless the CA asked for another one */
	int64_t asked_ms; /* by Retry-After; 0: not asked */
	unsigned polls;   /* so far; never reset */
};

/* Something has just been asked of the CA: begin soon, grow from there. */
void pace_restart(struct pace *pace);

/* What RESPONSE says about when to ask again (RFC 8555 §7.4, §7.5.1; RFC 9110 §10.2.3). */
void pace_retry_after(struct pace *pace, const struct http_response *response, int64_t now);

/* The same from a failed request's retry_at. */
void pace_retry_at(struct pace *pace, int64_t retry_at, int64_t now);

/*
 * Wait until the next poll is due. False, transient, when that would be after DEADLINE (retry_at then says when) or the
 * limit on polls is reached, or when the wait was ended early.
 */
MUST_CHECK bool pace_wait(struct pace *pace, const struct acme_port *port, struct deadline deadline, const char *step,
			  struct error *err);

#endif

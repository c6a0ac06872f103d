/* SPDX-License-Identifier: Apache-2.0 */
/* What every step of the way to a certificate does alike: tell the observer, and wait before it tries again. */
#include "acme/flow_internal.h"
#include "base/log.h"

void flow_begin(const struct flow *flow, const char *step)
{
	log_debug("%s", step);
	if (flow->observer != NULL && flow->observer->step != NULL)
		flow->observer->step(flow->observer->ctx, step);
}

void flow_note(const struct flow *flow, const struct error *note)
{
	if (flow->observer != NULL && flow->observer->note != NULL)
		flow->observer->note(flow->observer->ctx, note);
}

void flow_keep_trouble(struct flow *flow, const struct error *failure)
{
	const struct acme_port *port = acme_session_port(flow->session);
	log_debug("trying again: %s", failure->message);
	pace_retry_at(&flow->pace, failure->retry_at, port->now(port->ctx));
	error_keep(&flow->trouble, failure);
}

bool flow_wait(struct flow *flow, const char *step, struct error *err)
{
	if (pace_wait(&flow->pace, acme_session_port(flow->session), flow->deadline, step, err))
		return true;
	if (flow->trouble != NULL && err->category != ERROR_CANCELLED)
		*err = *flow->trouble;
	return false;
}

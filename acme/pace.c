/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validation and issuance are asynchronous and usually take tens of milliseconds, so the first look comes soon and the
 * pause doubles; a Retry-After overrules it. Nothing here sleeps: the port waits.
 */
#include "acme/pace.h"

#include "base/limits.h"

enum { FIRST_MS = 50, LONGEST_MS = 5000 };

void pace_restart(struct pace *pace)
{
	pace->delay_ms = FIRST_MS;
	pace->asked_ms = 0;
}

void pace_retry_after(struct pace *pace, const struct http_response *response, int64_t now)
{
	const char *header = http_response_header(response, "Retry-After", 0);
	int64_t seconds = 0;
	/* 0 says no more than "soon", which our own pace knows better. */
	if (header != NULL && retry_after_parse(header, now, &seconds))
		pace_retry_at(pace, now + seconds, now);
}

void pace_retry_at(struct pace *pace, int64_t retry_at, int64_t now)
{
	int64_t seconds = retry_at > now ? retry_at - now : 0;
	if (seconds > LIMIT_RETRY_AFTER_RATE)
		seconds = LIMIT_RETRY_AFTER_RATE;
	pace->asked_ms = seconds * 1000;
}

bool pace_wait(struct pace *pace, const struct acme_port *port, struct deadline deadline, const char *step,
	       struct error *err)
{
	if (!deadline_check(deadline, step, err)) {
		err->transient = true;
		return false;
	}
	if (pace->asked_ms > deadline_left_ms(deadline)) {
		int64_t seconds = pace->asked_ms / 1000;
		(void)error_set(err, ERROR_CA, step,
				"the CA asks to wait %lld seconds, which is longer than this run may take",
				(long long)seconds);
		err->transient = true;
		if (seconds > LIMIT_RETRY_AFTER_FAILURE)
			seconds = LIMIT_RETRY_AFTER_FAILURE;
		err->retry_at = port->now(port->ctx) + seconds;
		return false;
	}
	if (++pace->polls > LIMIT_POLLS_PER_ORDER) {
		err->transient = true;
		return error_set(err, ERROR_TIMEOUT, step, "the order is not done after %d looks at it",
				 LIMIT_POLLS_PER_ORDER);
	}

	int64_t ms = pace->asked_ms > 0 ? pace->asked_ms : pace->delay_ms;
	if (pace->asked_ms == 0)
		pace->delay_ms = pace->delay_ms * 2 < LONGEST_MS ? pace->delay_ms * 2 : LONGEST_MS;
	pace->asked_ms = 0;
	if (!port->wait(port->ctx, ms, deadline, err)) {
		error_context(err, step, NULL, NULL);
		err->transient = err->category != ERROR_CANCELLED;
		return false;
	}
	return true;
}

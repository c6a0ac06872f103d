/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: deadlines run on the monotonic clock, certificate dates and stored timestamps on the wall clock. A deadline
 * carries the cancellation of the run, so that whoever takes one can be interrupted too.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
#include <atomic>
using std::atomic_bool;
#else
#include <stdatomic.h>
#endif

API_BEGIN

struct error;

int64_t clock_monotonic_ms(void);
int64_t clock_wall(void); /* seconds since 1970 */

/* Set once, by a signal handler or by another thread; waited for through its descriptor. */
struct cancel {
	atomic_bool requested;
	int fd; /* eventfd, readable once requested */
};

MUST_CHECK bool cancel_init(struct cancel *cancel, struct error *err);
void cancel_done(struct cancel *cancel);
void cancel_request(struct cancel *cancel);         /* async-signal-safe, thread-safe, repeatable */
bool cancel_requested(const struct cancel *cancel); /* NULL: never */

/* A point on the monotonic clock, and the cancellation that ends it early (NULL: none). Passed by value. */
struct deadline {
	int64_t at_ms;
	struct cancel *cancel;
};

struct deadline deadline_in(int64_t ms, struct cancel *cancel);

/* The sooner of DEADLINE and MS from now, with the same cancellation. */
struct deadline deadline_within(struct deadline deadline, int64_t ms);

/* Milliseconds left, 0 when passed or cancelled. */
int64_t deadline_left_ms(struct deadline deadline);

/* False, as ERROR_TIMEOUT or ERROR_CANCELLED at STEP, when nothing is left. */
MUST_CHECK bool deadline_check(struct deadline deadline, const char *step, struct error *err);

/* Wait MS milliseconds. False when the deadline passed or was cancelled meanwhile (waits no longer than that). */
MUST_CHECK bool deadline_sleep(struct deadline deadline, int64_t ms, const char *step, struct error *err);

enum { RFC3339_SIZE = sizeof("-9999-12-31T23:59:59Z") + 8 };

/* "2026-11-24T03:04:05Z"; beyond the years 0000 to 9999 the first or last second of those. Returns OUT. */
const char *rfc3339_format(int64_t wall, char out[RFC3339_SIZE]);

/* RFC 3339 with optional fraction (dropped) and numeric offset. The whole of LEN bytes. */
MUST_CHECK bool rfc3339_parse(const char *text, size_t len, int64_t *ret);

/* RFC 9110 §5.6.7: IMF-fixdate and the two obsolete forms. The whole of LEN bytes. */
MUST_CHECK bool http_date_parse(const char *text, size_t len, int64_t *ret);

/*
 * RFC 9110 §10.2.3: seconds or an HTTP date, relative to NOW (wall). Gives seconds from now, at least 0; a date in the
 * past, a negative or garbled value, or more than INT32_MAX seconds counts as absent: false.
 */
MUST_CHECK bool retry_after_parse(const char *text, int64_t now, int64_t *ret_seconds);

API_END

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a certificate is due, as pure functions of time. Times are wall clock seconds.
 */
#ifndef SERVICE_SCHEDULE_H
#define SERVICE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When to renew a certificate valid from NOT_BEFORE to NOT_AFTER where the CA suggests nothing: DAYS_BEFORE_EXPIRY days
 * before the end, but no earlier than a third of its lifetime before it (a half where it lives for less than 10 days),
 * drawn up to a hundredth of the lifetime earlier by RANDOM (any value) so that certificates issued together do not all
 * come back at once. Call once and keep the result.
 */
int64_t schedule_by_lifetime(int64_t not_before, int64_t not_after, int days_before_expiry, uint64_t random);

/*
 * When to renew it where the CA suggests the window from START to END (RFC 9773 §4.2): a point drawn uniformly from it
 * by RANDOM, but never later than when a sixth of the lifetime is left, whatever the CA says. A point in the past means
 * now. Call once for a window and keep the result: drawing anew at each look would bring the expected time forward.
 */
int64_t schedule_in_window(int64_t start, int64_t end, int64_t not_before, int64_t not_after, uint64_t random);

/* A value for RANDOM, from the kernel. 0 where there is none: then there is no jitter. */
uint64_t schedule_random(void);

/*
 * Whether the stored time AT, which something waits for, can have been meant at NOW: a clock that was wrong once must
 * not make us wait for years.
 */
bool schedule_is_sane(int64_t at, int64_t now);

#endif

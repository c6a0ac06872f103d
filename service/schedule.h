/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a certificate is due, as pure functions of time.
 */
#ifndef SERVICE_SCHEDULE_H
#define SERVICE_SCHEDULE_H

#include <stdint.h>

/*
 * When to renew a certificate valid from NOT_BEFORE to NOT_AFTER (wall clock seconds): the smaller of
 * DAYS_BEFORE_EXPIRY days and a third of its lifetime before the end, drawn up to a hundredth of the lifetime earlier
 * by RANDOM (any value) so that certificates issued together do not all come back at once. Call once and keep the
 * result.
 */
int64_t schedule_renew_at(int64_t not_before, int64_t not_after, int days_before_expiry, uint32_t random);

/* A value for it, from the kernel. 0 where there is none: then there is no jitter. */
uint32_t schedule_random(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* courier_run(), courier_publish() and courier_rehearse() with another program in the courier's role: for tests, whose
 * program is not certferry. */
#ifndef TRANSPORT_COURIER_INTERNAL_H
#define TRANSPORT_COURIER_INTERNAL_H

#include "transport/courier.h"

MUST_CHECK bool courier_run_with(const char *program, const struct push_job *job, push_step *step, void *ctx,
				 struct deadline deadline, struct push_outcome *outcomes, struct error *err);

MUST_CHECK struct courier_publication *courier_publish_with(const char *program, const struct publish_job *job,
							    struct deadline deadline, struct error *err);

MUST_CHECK bool courier_rehearse_with(const char *program, const struct rehearsal_job *job,
				      const struct rehearsal_watch *watch, struct deadline deadline, struct error *err);

#endif

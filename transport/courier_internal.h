/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the courier's errands share; and courier_run(), courier_publish() and courier_rehearse() with another program in
 * the courier's role: for tests, whose program is not certferry.
 */
#ifndef TRANSPORT_COURIER_INTERNAL_H
#define TRANSPORT_COURIER_INTERNAL_H

#include "transport/courier.h"
#include "transport/courier_message.h"

struct buf;

/* What a courier is sent out for, as long as it takes, and what its report says. All borrowed. */
struct courier_errand {
	enum courier_type type;
	const void *job;
	const char *server;
	const int *kept;        /* a descriptor that stays open in the courier; NULL: none */
	const char *name;       /* of the errand; NULL: "the deployment" */
	int64_t interrupted_ms; /* it is told of an interruption, and goes on so long at most; 0: it is not told */
	void *outcomes;         /* filled by `decode` */
	void (*encode)(const void *job, struct buf *out);
	bool (*decode)(void *outcomes, const void *data, size_t len, struct error *err);
};

/* Send a courier out as courier_run() does. True when it reported, whatever that says. */
MUST_CHECK bool courier_errand_run(const char *program, const struct courier_errand *what,
				   const struct push_watch *watch, struct deadline deadline, struct error *err);

MUST_CHECK bool courier_run_with(const char *program, const struct push_job *job, const struct push_watch *watch,
				 struct deadline deadline, struct push_outcome *outcomes, struct error *err);

MUST_CHECK struct courier_publication *courier_publish_with(const char *program, const struct publish_job *job,
							    struct deadline deadline, struct error *err);

MUST_CHECK bool courier_rehearse_with(const char *program, const struct rehearsal_job *job,
				      const struct rehearsal_watch *watch, struct deadline deadline, struct error *err);

#endif

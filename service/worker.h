/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded pool: straight-line blocking code per item, a few items at once.
 */
#ifndef SERVICE_WORKER_H
#define SERVICE_WORKER_H

#include <stddef.h>

/* Works on item INDEX; records its own outcome in CTX. */
typedef void worker_job(void *ctx, size_t index);

/*
 * Run JOB for indexes 0 to COUNT-1, at most PARALLEL at once, and return when all are done. One item (or one at a time)
 * runs on the calling thread; so does everything where no thread can be started.
 */
void worker_run_all(size_t count, size_t parallel, worker_job *job, void *ctx);

#endif

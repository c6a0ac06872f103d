/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: each thread takes the next index until none is left. The caller's thread is one of them. */
#include "service/worker.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	WORKER_THREADS_MAX = 256,   /* more than LIMIT_PARALLEL_SERVERS */
	WORKER_STACK = 1024 * 1024, /* jansson recurses a little; struct error is 11 KiB on the stack */
};

struct pool {
	worker_job *job;
	void *ctx;
	size_t count;
	atomic_size_t next;
};

static void *work(void *data)
{
	struct pool *pool = data;
	for (;;) {
		size_t index = atomic_fetch_add(&pool->next, 1);
		if (index >= pool->count)
			return NULL;
		pool->job(pool->ctx, index);
	}
}

void worker_run_all(size_t count, size_t parallel, worker_job *job, void *ctx)
{
	struct pool pool = {.job = job, .ctx = ctx, .count = count};
	pthread_t threads[WORKER_THREADS_MAX];
	size_t started = 0;
	pthread_attr_t attributes;

	if (parallel > count)
		parallel = count;
	if (parallel > WORKER_THREADS_MAX)
		parallel = WORKER_THREADS_MAX;
	if (parallel > 1 && pthread_attr_init(&attributes) == 0) {
		(void)pthread_attr_setstacksize(&attributes, WORKER_STACK);
		while (started + 1 < parallel && pthread_create(&threads[started], &attributes, work, &pool) == 0)
			started++;
		(void)pthread_attr_destroy(&attributes);
	}
	(void)work(&pool);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], /* retval= */ NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread drives one curl_multi. Callers put jobs into its queue, wake it, and wait on an eventfd of their own, with
 * the run's cancellation beside it; nobody polls. Jobs that are given up are taken out by the thread, too, and the
 * caller waits for that: a request's memory is never in use behind its owner's back.
 */
#include "transport/http_multi.h"

#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	STACK_SIZE = 1024 * 1024,
	IDLE_MS = 60 * 1000, /* any length would do: the thread is woken */
	HOST_CONNECTIONS = 4,
	CACHED_CONNECTIONS = 16,
};

/* One caller's jobs. Guarded by the multi's lock, but for fd. */
struct http_batch {
	int fd; /* eventfd, readable once LEFT is 0 */
	size_t left;
	bool abandoned;
};

struct http_multi {
	CURLM *curl;
	pthread_t thread;
	pthread_mutex_t lock;
	bool started;
	bool stop;
	bool abandoning;         /* some active batch is abandoned */
	struct http_job *queued; /* newest first */
	struct http_job *active; /* the thread's own; its links too */
};

static void lock(struct http_multi *multi)
{
	(void)pthread_mutex_lock(&multi->lock);
}

static void unlock(struct http_multi *multi)
{
	(void)pthread_mutex_unlock(&multi->lock);
}

/* The job is its caller's again. Called with the lock. */
static void hand_back(struct http_job *job)
{
	static const uint64_t one = 1;
	struct http_batch *batch = job->batch;
	job->batch = NULL;
	job->next = NULL;
	if (--batch->left == 0) {
		ssize_t written = write(batch->fd, &one, sizeof(one));
		(void)written; /* to an empty eventfd: cannot fail */
	}
}

static void begin(struct http_multi *multi, struct http_job *job)
{
	bool unwanted = job->batch->abandoned || multi->stop;
	CURLMcode code = unwanted ? CURLM_OK : curl_multi_add_handle(multi->curl, job->easy);
	if (unwanted) {
		hand_back(job);
	} else if (code != CURLM_OK) {
		job->done = true;
		job->result = code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
		hand_back(job);
	} else {
		job->next = multi->active;
		multi->active = job;
	}
}

/* Take over what callers want. False: stop. */
static bool take_orders(struct http_multi *multi)
{
	struct http_job *abandoned = NULL;
	lock(multi);
	if (multi->abandoning || multi->stop) {
		multi->abandoning = false;
		for (struct http_job **link = &multi->active; *link != NULL;) {
			struct http_job *job = *link;
			if (!job->batch->abandoned && !multi->stop) {
				link = &job->next;
				continue;
			}
			*link = job->next;
			job->next = abandoned;
			abandoned = job;
		}
	}
	unlock(multi);

	/* Outside the lock: taking a handle out closes its connection. */
	for (struct http_job *job = abandoned; job != NULL; job = job->next)
		(void)curl_multi_remove_handle(multi->curl, job->easy);

	lock(multi);
	for (struct http_job *job = abandoned, *next; job != NULL; job = next) {
		next = job->next;
		hand_back(job);
	}
	/* Turned round, so that requests leave in the order in which they came. */
	struct http_job *fresh = NULL;
	for (struct http_job *job = multi->queued, *next; job != NULL; job = next) {
		next = job->next;
		job->next = fresh;
		fresh = job;
	}
	multi->queued = NULL;
	bool go_on = !multi->stop;
	for (struct http_job *job = fresh, *next; job != NULL; job = next) {
		next = job->next;
		begin(multi, job);
	}
	unlock(multi);
	return go_on;
}

static void finish(struct http_multi *multi, CURL *easy, CURLcode result)
{
	void *private = NULL;
	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	struct http_job *job = private;
	(void)curl_multi_remove_handle(multi->curl, easy);
	for (struct http_job **link = &multi->active; *link != NULL; link = &(*link)->next)
		if (*link == job) {
			*link = job->next;
			break;
		}
	lock(multi);
	job->done = true;
	job->result = result;
	hand_back(job);
	unlock(multi);
}

static void *io_thread(void *arg)
{
	struct http_multi *multi = arg;
	while (take_orders(multi)) {
		int running = 0, left = 0;
		const CURLMsg *message = NULL;
		(void)curl_multi_perform(multi->curl, &running);
		while ((message = curl_multi_info_read(multi->curl, &left)) != NULL)
			if (message->msg == CURLMSG_DONE)
				finish(multi, message->easy_handle, message->data.result);
		(void)curl_multi_poll(multi->curl, NULL, 0, IDLE_MS, NULL);
	}
	return NULL;
}

/* All signals stay blocked in the thread: handlers run in threads that expect them, and SIGPIPE nowhere. */
static bool start_thread(struct http_multi *multi, struct error *err)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	if (multi->started)
		return true;
	int failure = pthread_attr_init(&attributes);
	if (failure != 0)
		return error_errno(err, ERROR_INTERNAL, NULL, failure, "cannot start the I/O thread");
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failure = pthread_create(&multi->thread, &attributes, io_thread, multi);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	if (failure != 0)
		return error_errno(err, ERROR_INTERNAL, NULL, failure, "cannot start the I/O thread");
	multi->started = true;
	return true;
}

struct http_multi *http_multi_new(struct error *err)
{
	struct http_multi *multi = calloc(1, sizeof(*multi));
	if (multi != NULL)
		multi->curl = curl_multi_init();
	if (multi == NULL || multi->curl == NULL) {
		free(multi);
		(void)error_oom(err);
		return NULL;
	}
	(void)pthread_mutex_init(&multi->lock, NULL);
	(void)curl_multi_setopt(multi->curl, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS);
	(void)curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)CACHED_CONNECTIONS);
	(void)curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	return multi;
}

void http_multi_free(struct http_multi *multi)
{
	if (multi == NULL)
		return;
	if (multi->started) {
		lock(multi);
		multi->stop = true;
		unlock(multi);
		(void)curl_multi_wakeup(multi->curl);
		(void)pthread_join(multi->thread, NULL);
	}
	(void)curl_multi_cleanup(multi->curl);
	(void)pthread_mutex_destroy(&multi->lock);
	free(multi);
}

static void abandon(struct http_multi *multi, struct http_batch *batch)
{
	lock(multi);
	batch->abandoned = true;
	multi->abandoning = true;
	unlock(multi);
	(void)curl_multi_wakeup(multi->curl);
}

/* Until the batch's jobs are all handed back, which after the deadline the thread does at once. */
static void await(struct http_multi *multi, struct http_batch *batch, struct deadline deadline)
{
	struct pollfd waits[2] = {{.fd = batch->fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	if (deadline.cancel != NULL && deadline.cancel->fd > STDERR_FILENO)
		waits[1].fd = deadline.cancel->fd;
	for (bool given_up = false; (waits[0].revents & POLLIN) == 0;) {
		int64_t left = deadline_left_ms(deadline);
		if (left == 0 && !given_up) {
			given_up = true;
			waits[1].fd = -1;
			abandon(multi, batch);
		}
		if (poll(waits, 2, given_up ? -1 : left > INT_MAX ? INT_MAX : (int)left) < 0)
			waits[0].revents = 0;
	}
	/* The thread has written the last word about the batch under the lock: see to it that it has let go. */
	lock(multi);
	unlock(multi);
}

bool http_multi_run(struct http_multi *multi, struct http_job **jobs, size_t count, struct deadline deadline,
		    struct error *err)
{
	struct http_batch batch = {.fd = -1, .left = count};
	if (count == 0)
		return true;
	batch.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (batch.fd < 0)
		return error_errno(err, ERROR_INTERNAL, NULL, errno, "eventfd");

	lock(multi);
	bool started = start_thread(multi, err);
	for (size_t i = 0; started && i < count; i++) {
		jobs[i]->done = false;
		jobs[i]->batch = &batch;
		jobs[i]->next = multi->queued;
		multi->queued = jobs[i];
	}
	unlock(multi);
	if (started) {
		(void)curl_multi_wakeup(multi->curl);
		await(multi, &batch, deadline);
	}
	(void)close(batch.fd);
	return started;
}

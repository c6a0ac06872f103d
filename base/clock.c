/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks, deadlines and cancellation. A sleeper waits on the cancellation's eventfd, which a signal handler may write
 * to: it wakes at once, and a cancellation from before the sleep is seen too.
 */
#include "base/clock.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int64_t clock_monotonic_ms(void)
{
	struct timespec now = {0};
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall(void)
{
	struct timespec now = {0};
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

bool cancel_init(struct cancel *cancel, struct error *err)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Never one of the standard descriptors, so that 0 in a zeroed struct means "none". */
	if (fd >= 0 && fd <= STDERR_FILENO) {
		int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		int failure = errno;
		(void)close(fd);
		fd = higher;
		errno = failure;
	}
	if (fd < 0)
		return error_errno(err, ERROR_INTERNAL, NULL, errno, "eventfd");
	atomic_init(&cancel->requested, false);
	cancel->fd = fd;
	return true;
}

void cancel_done(struct cancel *cancel)
{
	if (cancel == NULL)
		return;
	if (cancel->fd > STDERR_FILENO)
		(void)close(cancel->fd);
	cancel->fd = -1;
}

void cancel_request(struct cancel *cancel)
{
	static const uint64_t one = 1;
	int saved = errno;
	atomic_store(&cancel->requested, true);
	if (cancel->fd > STDERR_FILENO) {
		/* Full after 2^64-2 requests, which is readable as well. */
		ssize_t written = write(cancel->fd, &one, sizeof(one));
		(void)written;
	}
	errno = saved;
}

bool cancel_requested(const struct cancel *cancel)
{
	return cancel != NULL && atomic_load(&cancel->requested);
}

struct deadline deadline_in(int64_t ms, struct cancel *cancel)
{
	int64_t now = clock_monotonic_ms();
	return (struct deadline){.at_ms = ms > INT64_MAX - now ? INT64_MAX : now + ms, .cancel = cancel};
}

struct deadline deadline_within(struct deadline deadline, int64_t ms)
{
	struct deadline sooner = deadline_in(ms, deadline.cancel);
	return sooner.at_ms < deadline.at_ms ? sooner : deadline;
}

int64_t deadline_left_ms(struct deadline deadline)
{
	int64_t now = clock_monotonic_ms();
	if (cancel_requested(deadline.cancel) || deadline.at_ms <= now)
		return 0;
	return deadline.at_ms - now;
}

bool deadline_check(struct deadline deadline, const char *step, struct error *err)
{
	if (cancel_requested(deadline.cancel))
		return error_set(err, ERROR_CANCELLED, step, "interrupted");
	if (deadline_left_ms(deadline) > 0)
		return true;
	if (!error_is_set(err))
		err->transient = true;
	return error_set(err, ERROR_TIMEOUT, step, "the time allowed for this is over");
}

bool deadline_sleep(struct deadline deadline, int64_t ms, const char *step, struct error *err)
{
	struct deadline until = deadline_within(deadline, ms);
	struct pollfd wait = {.fd = -1, .events = POLLIN};
	if (deadline.cancel != NULL && deadline.cancel->fd > STDERR_FILENO)
		wait.fd = deadline.cancel->fd;
	for (int64_t left; (left = deadline_left_ms(until)) > 0;)
		(void)poll(&wait, 1, left > INT_MAX ? INT_MAX : (int)left);
	return deadline_check(deadline, step, err);
}

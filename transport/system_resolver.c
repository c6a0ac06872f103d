/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look-up is a thread's, which nobody can end: whoever has no more time for it goes on without, and it ends when the
 * system has given up. Of a resolver that answers nobody no more than LIMIT_LOOK_UPS are waited for.
 */
#include "transport/system_resolver.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK = 256 * 1024 }; /* modules of nsswitch.conf take up to 64 KiB at once */

/* Both the thread's and the asker's, whoever is done with it last. */
struct look_up {
	atomic_uint owners;
	char *host;
	int done_fd;      /* wakes who waits for: */
	atomic_bool done; /* what follows is there */
	struct addrinfo *found;
	int failure;
};

static atomic_uint under_way;

static void let_go(struct look_up *it)
{
	if (it == NULL || atomic_fetch_sub(&it->owners, 1) > 1)
		return;
	if (it->found != NULL)
		freeaddrinfo(it->found);
	if (it->done_fd >= 0)
		(void)close(it->done_fd);
	free(it->host);
	free(it);
}
DEFINE_FREEP(let_gop, struct look_up, let_go)

static struct look_up *begin(const char *host, struct error *err)
{
	CLEANUP(let_gop) struct look_up *it = calloc(1, sizeof(*it));
	if (it == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	atomic_init(&it->owners, 1);
	it->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (it->done_fd < 0)
		(void)error_errno(err, ERROR_INTERNAL, NULL, errno, "eventfd");
	if (it->done_fd < 0 || !str_set(&it->host, host, err))
		return NULL;
	return STEAL(it);
}

static void look(struct look_up *it)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	it->failure = getaddrinfo(it->host, NULL, &hints, &it->found);
}

static void *run(void *data)
{
	CLEANUP(let_gop) struct look_up *it = data;
	look(it);
	atomic_store(&it->done, true);
	(void)eventfd_write(it->done_fd, 1);
	atomic_fetch_sub(&under_way, 1);
	return NULL;
}

/* With no signal of its own: they are the others'. */
static bool start(struct look_up *it, pthread_t *ret)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attributes, STACK);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_fetch_add(&it->owners, 1);
	atomic_fetch_add(&under_way, 1);
	bool started = pthread_create(ret, &attributes, run, it) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	if (!started) {
		atomic_fetch_sub(&it->owners, 1);
		atomic_fetch_sub(&under_way, 1);
	}
	return started;
}

/* False when DEADLINE came first. */
static bool await(const struct look_up *it, struct deadline deadline)
{
	struct pollfd waits[2] = {{.fd = it->done_fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};

	if (deadline.cancel != NULL && deadline.cancel->fd > STDERR_FILENO)
		waits[1].fd = deadline.cancel->fd;
	for (int64_t left; (left = deadline_left_ms(deadline)) > 0;)
		if (poll(waits, 2, left > INT_MAX ? INT_MAX : (int)left) > 0 && atomic_load(&it->done))
			return true;
	return false;
}

static bool unanswered(const char *host, struct error *err)
{
	char safe[ERROR_NAME_MAX];

	err->transient = true;
	error_hint(err, "do the DNS servers in /etc/resolv.conf answer? --resolver asks others, /etc/hosts none");
	return error_set(err, ERROR_NETWORK, NULL,
			 "the address of %s could not be looked up in time: this machine's resolver does not answer",
			 escape_str(safe, sizeof(safe), host));
}

/* An address that is one already; NULL for names. */
static struct addrinfo *take_number(const char *host)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *found = NULL;
	return getaddrinfo(host, NULL, &hints, &found) == 0 ? found : NULL;
}

static bool wait_for_answer(struct look_up *it, struct deadline deadline, struct error *err)
{
	if (atomic_load(&under_way) >= LIMIT_LOOK_UPS)
		return unanswered(it->host, err);
	pthread_t thread;
	if (!start(it, &thread)) {
		look(it); /* without a thread, then; and without a deadline */
		return true;
	}
	if (await(it, deadline)) {
		(void)pthread_join(thread, NULL); /* it is at its end, and what the system keeps for it goes with it */
		return true;
	}
	(void)pthread_detach(thread);
	return cancel_requested(deadline.cancel) ? deadline_check(deadline, NULL, err) : unanswered(it->host, err);
}

struct addrinfo *system_resolver_ask(const char *host, struct deadline deadline, struct error *err)
{
	char safe[ERROR_NAME_MAX];
	struct addrinfo *found = take_number(host);
	if (found != NULL)
		return found;
	CLEANUP(let_gop) struct look_up *it = begin(host, err);
	if (it == NULL || !wait_for_answer(it, deadline, err))
		return NULL;
	if (it->failure == 0)
		return STEAL(it->found);
	err->transient = it->failure == EAI_AGAIN;
	(void)error_set(err, ERROR_NETWORK, NULL, "cannot find the address of %s: %s",
			escape_str(safe, sizeof(safe), host), gai_strerror(it->failure));
	return NULL;
}

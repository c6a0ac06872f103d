/* SPDX-License-Identifier: Apache-2.0 */
/* With a getaddrinfo() of our own in place of the C library's, which answers when it is told to. */
#include "transport/system_resolver.h"

#include "base/limits.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

typedef int ask_function(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned answers = 0; /* how many names may still be answered */
static unsigned asked = 0, ended = 0;

/* Names wait for their turn, and are loopback then, but for "nobody". */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	ask_function *real = NULL;
	void *found = dlsym(RTLD_NEXT, "getaddrinfo");
	memcpy(&real, &found, sizeof(real));
	if ((hints->ai_flags & AI_NUMERICHOST) != 0)
		return real(host, service, hints, ret);
	(void)pthread_mutex_lock(&lock);
	asked++;
	while (answers == 0)
		(void)pthread_cond_wait(&changed, &lock);
	answers--;
	ended++;
	(void)pthread_mutex_unlock(&lock);
	return strcmp(host, "nobody") == 0 ? EAI_NONAME : real("127.0.0.1", service, hints, ret);
}

static void let_answer(unsigned count)
{
	(void)pthread_mutex_lock(&lock);
	answers += count;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

static void await_ended(unsigned count)
{
	for (unsigned is = 0; is < count; (void)usleep(1000)) {
		(void)pthread_mutex_lock(&lock);
		is = ended;
		(void)pthread_mutex_unlock(&lock);
	}
}

static struct deadline in(int64_t ms)
{
	return deadline_in(ms, /* cancel= */ NULL);
}

TEST(a_number_needs_nobody)
{
	struct error err = {0};
	struct addrinfo *found = system_resolver_ask("192.0.2.7", in(0), &err);
	CHECK_OK(found != NULL, err);
	freeaddrinfo(found);
	CHECK_INT(asked, 0);
}

TEST(what_answers_in_time_is_heard)
{
	struct error err = {0};
	unsigned before = ended;
	let_answer(2);
	struct addrinfo *found = system_resolver_ask("somebody", in(60 * 1000), &err);
	CHECK_OK(found != NULL, err);
	CHECK_INT(ntohl(((struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr), INADDR_LOOPBACK);
	freeaddrinfo(found);
	CHECK(system_resolver_ask("nobody", in(60 * 1000), &err) == NULL);
	CHECK_STR(err.message, "cannot find the address of nobody: Name or service not known");
	CHECK(err.category == ERROR_NETWORK && !err.transient);
	CHECK_INT(ended, before + 2);
}

TEST(what_does_not_is_left_to_itself)
{
	struct error err = {0};
	unsigned before = ended;
	CHECK(system_resolver_ask("some\x1b[2Jbody", in(50), &err) == NULL);
	CHECK(err.category == ERROR_NETWORK && err.transient);
	CHECK_CONTAINS(err.message, "the address of some\\x1b[2Jbody could not be looked up in time");
	CHECK_CONTAINS(err.hint, "/etc/resolv.conf");
	let_answer(1);
	await_ended(before + 1);
}

TEST(an_interruption_is_one)
{
	struct error err = {0};
	struct cancel cancel;
	unsigned before = ended;
	CHECK_OK(cancel_init(&cancel, &err), err);
	cancel_request(&cancel);
	CHECK(system_resolver_ask("somebody", deadline_in(60 * 1000, &cancel), &err) == NULL);
	CHECK_INT(err.category, ERROR_CANCELLED);
	let_answer(1);
	await_ended(before + 1);
	cancel_done(&cancel);
}

TEST(one_that_answers_nobody_is_not_asked_for_ever)
{
	unsigned before = ended, asked_before = asked;
	for (unsigned i = 0; i < LIMIT_LOOK_UPS; i++) {
		struct error err = {0};
		CHECK(system_resolver_ask("somebody", in(1), &err) == NULL);
	}
	struct error err = {0};
	CHECK(system_resolver_ask("somebody", in(60 * 1000), &err) == NULL);
	CHECK_CONTAINS(err.message, "could not be looked up in time");
	let_answer(LIMIT_LOOK_UPS);
	await_ended(before + LIMIT_LOOK_UPS);
	CHECK_INT(asked, asked_before + LIMIT_LOOK_UPS);
	/* It is well again. */
	let_answer(1);
	struct addrinfo *found = NULL;
	for (struct error busy = {0}; found == NULL; error_clear(&busy))
		found = system_resolver_ask("somebody", in(60 * 1000), &busy);
	freeaddrinfo(found);
}

TEST_MAIN()

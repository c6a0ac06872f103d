/* SPDX-License-Identifier: Apache-2.0 */
/* Locks between threads, between processes, and across death. */
#include "store/store.h"
#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct store *fresh(const char *what)
{
	struct error err = {0};
	struct store *store = store_open(scratch(what), true, &err);
	CHECK_OK(store != NULL, err);
	return store;
}

static struct store_lock *must_lock(struct store *store, const char *name)
{
	struct error err = {0};
	struct store_lock *lock = store_lock(store, "certificate", name, deadline_in(10000, NULL), &err);
	CHECK_OK(lock != NULL, err);
	return lock;
}

/* A child that holds the lock until it is killed. */
static pid_t start_holder(struct store *store, const char *name)
{
	int ready[2];
	char byte = 0;
	CHECK(pipe(ready) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct error err = {0};
		if (store_lock(store, "certificate", name, deadline_in(1000, NULL), &err) == NULL ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	CHECK(read(ready[0], &byte, 1) == 1);
	(void)close(ready[0]);
	return pid;
}

static void kill_child(pid_t pid)
{
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

TEST(a_second_taker_in_this_process_is_told_who_is_busy)
{
	struct store *store CLEANUP(store_closep) = fresh("twice");
	struct store_lock *held CLEANUP(store_unlockp) = must_lock(store, "a.test");
	struct error err = {0};
	int64_t start = clock_monotonic_ms();
	CHECK(store_lock(store, "certificate", "a.test", deadline_in(50, NULL), &err) == NULL);
	CHECK(clock_monotonic_ms() - start >= 50);
	CHECK_INT(err.category, ERROR_BUSY);
	CHECK(err.transient);
	CHECK_STR(err.message, "another part of this run is working on certificate a.test");
	/* Another name and another kind are other locks. */
	store_unlock(must_lock(store, "b.test"));
	error_clear(&err);
	struct store_lock *other = store_lock(store, "server", "a.test", deadline_in(0, NULL), &err);
	CHECK_OK(other != NULL, err);
	store_unlock(other);
	store_unlock(STEAL(held));
	store_unlock(must_lock(store, "a.test"));
}

TEST(another_process_is_named_and_its_death_releases)
{
	struct store *store CLEANUP(store_closep) = fresh("process");
	struct error err = {0};
	char who[64];
	pid_t pid = start_holder(store, "a.test");
	CHECK(store_lock(store, "certificate", "a.test", deadline_in(0, NULL), &err) == NULL);
	CHECK_INT(err.category, ERROR_BUSY);
	(void)snprintf(who, sizeof(who), "another run (pid %ld) is working on certificate a.test", (long)pid);
	CHECK_STR(err.message, who);
	kill_child(pid);
	error_clear(&err);
	struct store_lock *lock = store_lock(store, "certificate", "a.test", deadline_in(0, NULL), &err);
	CHECK_OK(lock != NULL, err);
	store_unlock(lock);
}

TEST(a_lock_file_that_is_removed_locks_nobody_out_and_nobody_in)
{
	struct store *store CLEANUP(store_closep) = fresh("removed");
	struct store_lock *first UNUSED CLEANUP(store_unlockp) = must_lock(store, "a.test");
	CHECK(unlink(scratch("removed/locks/certificate-a.test.lock")) == 0);
	struct store_lock *second UNUSED CLEANUP(store_unlockp) = must_lock(store, "a.test");
	struct error err = {0};
	CHECK(store_lock(store, "certificate", "a.test", deadline_in(0, NULL), &err) == NULL);
	CHECK_INT(err.category, ERROR_BUSY);
}

TEST(a_cancelled_wait_ends_at_once)
{
	struct store *store CLEANUP(store_closep) = fresh("cancelled");
	struct store_lock *held UNUSED CLEANUP(store_unlockp) = must_lock(store, "a.test");
	struct cancel cancel;
	struct error err = {0};
	CHECK_OK(cancel_init(&cancel, &err), err);
	cancel_request(&cancel);
	int64_t start = clock_monotonic_ms();
	CHECK(store_lock(store, "certificate", "a.test", deadline_in(60000, &cancel), &err) == NULL);
	CHECK(clock_monotonic_ms() - start < 5000);
	CHECK_INT(err.category, ERROR_CANCELLED);
	cancel_done(&cancel);
}

TEST(unknown_kinds_and_garbage_in_the_file_do_no_harm)
{
	struct store *store CLEANUP(store_closep) = fresh("garbage");
	struct error err = {0};
	CHECK(store_lock(store, "../x", "a.test", deadline_in(0, NULL), &err) == NULL);
	CHECK_INT(err.category, ERROR_INTERNAL);
	struct store_lock *held UNUSED CLEANUP(store_unlockp) = must_lock(store, "a.test");
	spoil(scratch("garbage/locks/certificate-a.test.lock"), "no\x1b[31m pid", 11);
	error_clear(&err);
	CHECK(store_lock(store, "certificate", "a.test", deadline_in(0, NULL), &err) == NULL);
	CHECK_STR(err.message, "another run is working on certificate a.test");
}

enum { THREADS = 4, ROUNDS = 25 };

struct shared {
	struct store *store;
	int inside; /* guarded by the lock under test */
	int total;
	int failures;
	pthread_mutex_t mutex; /* for FAILURES alone */
};

static void *count_up(void *ctx)
{
	struct shared *shared = ctx;
	for (int i = 0; i < ROUNDS; i++) {
		struct error err = {0};
		struct store_lock *lock =
			store_lock(shared->store, "certificate", "a.test", deadline_in(60000, NULL), &err);
		bool ok = lock != NULL && __atomic_add_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST) == 1;
		if (lock != NULL)
			shared->total++;
		(void)__atomic_sub_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST);
		store_unlock(lock);
		if (!ok) {
			(void)pthread_mutex_lock(&shared->mutex);
			shared->failures++;
			(void)pthread_mutex_unlock(&shared->mutex);
		}
	}
	return NULL;
}

TEST(threads_exclude_each_other)
{
	struct shared shared = {.store = fresh("threads"), .mutex = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, count_up, &shared) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK_INT(shared.failures, 0);
	CHECK_INT(shared.total, THREADS * ROUNDS);
	store_close(shared.store);
}

TEST_MAIN()

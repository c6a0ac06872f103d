/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Death and failing system calls in the middle of a commit. Whatever happened: what is live is whole, and the next
 * commit works. Killed at random moments, at every single system call, and with every single system call failing.
 */
#include "store/store.h"
#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAIRS = 4,
	KILLS = 240,
	STEPS_MAX = 600, /* system calls of one issuance: some 150 */
	CHILD_FAILED = 7,
};

static const char name[] = "example.com";
static struct pair pairs[PAIRS];

/* For children: one that is stopped, or never ends, would outlive a test that is killed itself, with all it has open.
 */
static bool dies_with(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static void need_pairs(void)
{
	for (int i = 0; i < PAIRS && pairs[i].cert == NULL; i++)
		pair_init(&pairs[i], name, i + 1);
}

/* One issuance as far as the store sees it. */
static bool issue(struct store *store, const struct pair *pair, struct error *err)
{
	static const char order[] = "{\"version\":1}";
	uint64_t number = 0;
	return store_write_record(store, STORE_ORDER, name, order, strlen(order), err) &&
	       store_stage_key(store, name, &pair->key, err) &&
	       store_commit(store, name, pair->cert, pair->chain, pair->fullchain, &number, err) &&
	       store_delete_record(store, STORE_ORDER, name, err);
}

static bool issue_once(const char *dir, const struct pair *pair, struct error *err)
{
	struct store *store CLEANUP(store_closep) = store_open(dir, true, err);
	return store != NULL && issue(store, pair, err);
}

static int age_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	const struct timeval old[2] = {{.tv_sec = info->st_mtime - 4000}, {.tv_sec = info->st_mtime - 4000}};
	(void)type;
	return strncmp(path + where->base, ".tmp-", 5) == 0 ? lutimes(path, old) : 0;
}

/* An hour passes for temporary files. */
static void age_temporaries(const char *dir)
{
	CHECK(nftw(dir, age_one, 16, FTW_PHYS) == 0);
}

/* What must hold after any accident in DIR; then a commit of PAIR must work. BEFORE: what was live before it. */
static void check_converges(const char *dir, uint64_t before, const struct pair *pair)
{
	static const struct store_rollback none = {0};
	struct error err = {0};
	uint64_t number = 0;
	bool recovered = false;
	enum live_state state = live_look(dir, name);
	CHECK(state != LIVE_BROKEN);
	CHECK(before == 0 || state == LIVE_MATCHES);
	CHECK(live_number(dir, name) >= before);

	age_temporaries(dir);
	struct store *store CLEANUP(store_closep) = store_open(dir, true, &err);
	CHECK_OK(store != NULL, err);
	struct buf order CLEANUP(buf_done) = {0};
	bool found = false;
	CHECK_OK(store_read_record(store, STORE_ORDER, name, &order, &found, &err), err);
	CHECK_OK(store_recover(store, name, &none, &number, &recovered, &err), err);
	CHECK_INT(live_number(dir, name), number);
	CHECK_OK(issue(store, pair, &err), err);
	CHECK_INT(live_look(dir, name), LIVE_MATCHES);
	CHECK(live_number(dir, name) == number + 1);
	CHECK_INT(count_entries(dir, ".next"), 0);
	CHECK_INT(count_entries(dir, ".tmp-"), 0);
}

TEST(killed_at_random_moments_the_live_pair_matches)
{
	const char *dir = scratch("random");
	unsigned seed = 20260101;
	int killed = 0;
	need_pairs();
	/* How long one commit takes here, so that the kills fall into it. */
	struct error err = {0};
	struct timespec start, end;
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	CHECK_OK(issue_once(dir, &pairs[0], &err), err);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	long span = (long)(end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000;
	for (int i = 0; i < KILLS; i++) {
		uint64_t before = live_number(dir, name);
		pid_t parent = getpid(), pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			struct error failure = {0};
			for (int j = 0; dies_with(parent) && issue_once(dir, &pairs[j % PAIRS], &failure); j++)
				;
			_exit(CHILD_FAILED);
		}
		long wait_us = rand_r(&seed) % (2 * span + 1);
		struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
		(void)nanosleep(&wait, NULL);
		(void)kill(pid, SIGKILL);
		int status = 0;
		CHECK(waitpid(pid, &status, 0) == pid);
		killed += WIFSIGNALED(status);
		check_converges(dir, before, &pairs[i % PAIRS]);
	}
	CHECK_INT(killed, KILLS);
}

/* A stopped child that will run one issuance under ptrace; -1 where tracing is not allowed. */
static pid_t start_traced(const char *dir, const struct pair *pair)
{
	int status = 0;
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		struct error err = {0};
		if (!dies_with(parent) || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(CHILD_FAILED + 1);
		(void)raise(SIGSTOP);
		_exit(issue_once(dir, pair, &err) ? 0 : CHILD_FAILED);
	}
	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (!WIFSTOPPED(status))
		return -1;
	CHECK(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0);
	return pid;
}

/* On to the next entry into, or return from, a system call. False when the child ended; *RET_STATUS is its status. */
static bool step_syscall(pid_t pid, int *ret_status)
{
	int deliver = 0;
	for (;;) {
		CHECK(ptrace(PTRACE_SYSCALL, pid, NULL, deliver) == 0);
		CHECK(waitpid(pid, ret_status, 0) == pid);
		if (!WIFSTOPPED(*ret_status))
			return false;
		if (WSTOPSIG(*ret_status) == (SIGTRAP | 0x80))
			return true;
		deliver = WSTOPSIG(*ret_status);
	}
}

TEST(killed_at_every_system_call_the_live_pair_matches)
{
	const char *dir = scratch("stepped");
	struct error err = {0};
	int status = 0, at = 1;
	need_pairs();
	CHECK_OK(issue_once(dir, &pairs[0], &err), err);
	for (bool ended = false; !ended; at++) {
		uint64_t before = live_number(dir, name);
		pid_t pid = start_traced(dir, &pairs[1]);
		if (pid < 0) {
			printf("skipped: no ptrace here\n");
			return;
		}
		/* Stops are entry, exit, entry, …: dying at the entry, the call itself has not happened. */
		for (int stop = 0; stop < 2 * at - 1 && !ended; stop++)
			ended = !step_syscall(pid, &status);
		if (!ended) {
			CHECK(kill(pid, SIGKILL) == 0);
			CHECK(waitpid(pid, &status, 0) == pid);
		}
		check_converges(dir, before, &pairs[2]);
		CHECK(at < STEPS_MAX);
	}
	/* The last round was not killed any more. */
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
	CHECK(at > 50);
}

#ifdef __x86_64__
/* Calls that are no I/O, and whose failure a sanitizer's runtime would not survive. */
static bool is_harmless(unsigned long long call)
{
	return call == SYS_exit_group || call == SYS_munmap || call == SYS_sigaltstack;
}

/* Calls without which nothing is durable: their failure must come out as an error, never as success. */
static bool must_be_reported(unsigned long long call)
{
	static const unsigned long long calls[] = {SYS_write,     SYS_fsync,  SYS_fchmod,    SYS_renameat,
						   SYS_renameat2, SYS_rename, SYS_symlinkat, SYS_mkdirat};
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (call == calls[i])
			return true;
	return false;
}

static unsigned long long stopped_call(pid_t pid)
{
	struct user_regs_struct regs;
	CHECK(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0);
	return regs.orig_rax;
}

/* Make the call that the stopped child is about to do fail with FAILURE: it becomes none, and its result is replaced.
 */
static bool fail_syscall(pid_t pid, int failure, int *ret_status)
{
	struct user_regs_struct regs;
	CHECK(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0);
	if (is_harmless(regs.orig_rax))
		return true;
	regs.orig_rax = (unsigned long long)-1;
	CHECK(ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0);
	if (!step_syscall(pid, ret_status))
		return false;
	regs.rax = (unsigned long long)-(long long)failure;
	CHECK(ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0);
	return true;
}

static void check_failing(const char *dir, int failure)
{
	struct error err = {0};
	int status = 0, at = 1, reported = 0;
	need_pairs();
	CHECK_OK(issue_once(dir, &pairs[0], &err), err);
	for (bool ended = false; !ended; at++) {
		uint64_t before = live_number(dir, name);
		pid_t pid = start_traced(dir, &pairs[1]);
		if (pid < 0) {
			printf("skipped: no ptrace here\n");
			return;
		}
		for (int stop = 0; stop < 2 * at - 1 && !ended; stop++)
			ended = !step_syscall(pid, &status);
		if (!ended) {
			bool must_fail = must_be_reported(stopped_call(pid));
			for (bool running = fail_syscall(pid, failure, &status); running;)
				running = step_syscall(pid, &status);
			/* It came back, with an error or (a harmless call) without; it neither crashed nor hung. */
			CHECK(WIFEXITED(status));
			CHECK(!must_fail || WEXITSTATUS(status) == CHILD_FAILED);
			reported += WEXITSTATUS(status) == CHILD_FAILED;
			/* Success means that the new one is live. */
			CHECK(WEXITSTATUS(status) != 0 || live_number(dir, name) > before);
		}
		check_converges(dir, before, &pairs[2]);
		CHECK(at < STEPS_MAX);
	}
	CHECK(reported > 30);
}

TEST(whatever_system_call_finds_the_disk_full_the_live_pair_matches)
{
	check_failing(scratch("enospc"), ENOSPC);
}

TEST(whatever_system_call_finds_the_disk_broken_the_live_pair_matches)
{
	check_failing(scratch("eio"), EIO);
}
#endif

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that end well, badly, late or not at all, as small shell scripts. */
#include "transport/exec.h"

#include "base/limits.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path of a script with BODY, in a static buffer. */
static const char *script(const char *body, mode_t mode)
{
	static char path[256];
	static int number;
	(void)snprintf(path, sizeof(path), "%s/script-%d", test_temp_dir(), number++);
	FILE *file = fopen(path, "we");
	CHECK(file != NULL && fprintf(file, "#!/bin/sh\n%s\n", body) > 0 && fclose(file) == 0 &&
	      chmod(path, mode) == 0);
	return path;
}

static struct deadline soon(void)
{
	return deadline_in(20 * 1000, NULL);
}

static struct exec_result run(const char *program, const struct str_list *arguments, struct deadline deadline)
{
	struct exec_result result = {0};
	struct error err = {0};
	const struct exec_request request = {.program = program, .arguments = arguments};
	CHECK_OK(exec_run(&request, deadline, &result, &err), err);
	return result;
}

TEST(arguments_output_and_code_come_through_as_they_are)
{
	struct str_list arguments = {0};
	struct error err = {0};
	CHECK_OK(str_list_add(&arguments, "-n", &err) && str_list_add(&arguments, "$(id) *; 'x\" ", &err), err);
	struct exec_result result =
		run(script("printf '%s|' \"$@\"; echo error >&2; exit 7", 0755), &arguments, soon());
	CHECK_STR(buf_cstr(&result.out.kept), "-n|$(id) *; 'x\" |");
	CHECK_STR(buf_cstr(&result.err.kept), "error\n");
	CHECK(result.ending == EXEC_EXITED && result.code == 7);
	exec_result_done(&result);
	str_list_done(&arguments);
}

TEST(it_has_a_clean_environment_and_nothing_of_ours)
{
	struct str_list environment = {0};
	struct error err = {0};
	struct exec_result result = {0};
	int leak = open("/dev/null", O_RDONLY); /* no O_CLOEXEC, on purpose */
	CHECK_OK(str_list_add(&environment, "CERTFERRY_NAME=x y", &err), err);
	CHECK(setenv("SECRET_OF_OURS", "s", 1) == 0);
	const struct exec_request request = {
		.program = script("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort; pwd; cat; "
				  "ls /proc/self/fd | wc -l; [ $(ps -o sid= -p $$) = $$ ] && echo leads",
				  0755),
		.environment = &environment,
	};
	CHECK_OK(exec_run(&request, soon(), &result, &err), err);
	/* Three of its own, and the one that ls opens. */
	CHECK_STR(buf_cstr(&result.out.kept),
		  "CERTFERRY_NAME=x "
		  "y\nLANG=C.UTF-8\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n/\n4\n"
		  "leads\n");
	exec_result_done(&result);
	str_list_done(&environment);
	(void)close(leak);
}

TEST(of_output_beyond_the_limit_both_ends_are_kept_and_nothing_blocks)
{
	struct exec_result result =
		run(script("echo begun; head -c 300000 /dev/zero; echo the cause; exit 0", 0755), NULL, soon());
	const struct buf *kept = &result.out.kept;
	CHECK(kept->len <= LIMIT_EXEC_OUTPUT && kept->len >= LIMIT_EXEC_OUTPUT / 2);
	CHECK_INT(kept->len + result.out.left_out, 300000 + strlen("begun\nthe cause\n"));
	CHECK(memcmp(kept->data, "begun\n", 6) == 0);
	CHECK_STR(kept->data + kept->len - 10, "the cause\n");
	CHECK(result.ending == EXEC_EXITED && result.code == 0);
	exec_result_done(&result);
}

TEST(what_a_talkative_program_said_last_is_quoted)
{
	struct error err = {0};
	const char *program =
		script("i=0; while [ $i -lt 20 ]; do printf 'line %d: %09000d\\n' $i 0; i=$((i+1)); done >&2; "
		       "echo 'cannot bind: the cause' >&2; exit 1",
		       0755);
	struct exec_result result = run(program, NULL, soon());
	CHECK(!exec_failed(program, &result, ERROR_CONFIG, "deploy-hook", &err));
	CHECK_CONTAINS(err.said, "bytes left out");
	CHECK_CONTAINS(err.said, "\ncannot bind: the cause");
	exec_result_done(&result);
}

TEST(one_that_hangs_is_killed_with_its_children)
{
	char file[256], body[512];
	struct stat status;
	(void)snprintf(file, sizeof(file), "%s/alive", test_temp_dir());
	(void)snprintf(body, sizeof(body), "(sleep 3; echo > %s) & echo begun; sleep 60", file);
	int64_t before = clock_monotonic_ms();
	struct exec_result result = run(script(body, 0755), NULL, deadline_in(500, NULL));
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK_INT(result.ending, EXEC_TIMED_OUT);
	CHECK_STR(buf_cstr(&result.out.kept), "begun\n");
	exec_result_done(&result);
	(void)usleep(3500 * 1000);
	CHECK(stat(file, &status) != 0);
}

TEST(one_that_ignores_term_is_killed)
{
	struct error err = {0};
	int64_t before = clock_monotonic_ms();
	const char *program = script("trap '' TERM; while :; do sleep 0.1; done", 0755);
	struct exec_result result = run(program, NULL, deadline_in(300, NULL));
	int64_t took = clock_monotonic_ms() - before;
	CHECK(took >= 5000 && took < 15000);
	CHECK(!exec_failed(program, &result, ERROR_DNS, "add-record", &err));
	CHECK_CONTAINS(err.message, "did not end in time and was killed");
	CHECK(err.transient);
	exec_result_done(&result);
}

TEST(what_it_leaves_in_the_background_does_not_hold_us_up)
{
	int64_t before = clock_monotonic_ms();
	struct exec_result result = run(script("sleep 20 & echo done", 0755), NULL, soon());
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK_STR(buf_cstr(&result.out.kept), "done\n");
	exec_result_done(&result);
}

static void *cancel_later(void *arg)
{
	(void)usleep(200 * 1000);
	cancel_request(arg);
	return NULL;
}

TEST(cancellation_ends_it)
{
	struct cancel cancel;
	struct error err = {0};
	struct exec_result result = {0};
	pthread_t thread;
	const struct exec_request request = {.program = script("sleep 60", 0755)};
	CHECK_OK(cancel_init(&cancel, &err), err);
	CHECK(pthread_create(&thread, NULL, cancel_later, &cancel) == 0);
	int64_t before = clock_monotonic_ms();
	CHECK(!exec_run(&request, deadline_in(20000, &cancel), &result, &err));
	CHECK_INT(err.category, ERROR_CANCELLED);
	CHECK(clock_monotonic_ms() - before < 15000);
	(void)pthread_join(thread, NULL);
	cancel_done(&cancel);
}

TEST(failures_tell_how_it_ended_and_its_last_words)
{
	static const struct {
		const char *body, *message, *said;
		bool transient;
	} cases[] = {
		{"echo out; echo one >&2; echo 'two\033[31m' >&2; exit 3", "ended with exit code 3", "two\\x1b[31m",
		 false},
		{"echo only stdout; exit 75", "ended with exit code 75", "only stdout", true},
		{"kill -SEGV $$", "was killed by signal 11", "", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		const char *program = script(cases[i].body, 0755);
		struct exec_result result = run(program, NULL, soon());
		CHECK(!exec_failed(program, &result, ERROR_DNS, "add-record", &err));
		CHECK_CONTAINS(err.message, program);
		CHECK_CONTAINS(err.message, cases[i].message);
		CHECK_CONTAINS(err.said, cases[i].said);
		CHECK(strchr(err.said, '\033') == NULL && err.transient == cases[i].transient);
		exec_result_done(&result);
	}
}

TEST(what_others_could_change_is_not_run)
{
	const struct {
		const char *path, *says;
	} cases[] = {
		{"relative", "absolute"},
		{"/nonexistent/program", "No such file"},
		{"/tmp", "no file"},
	};
	static const mode_t modes[] = {0775, 0757, 0644};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		CHECK(!exec_check(cases[i].path, &err));
		CHECK_INT(err.category, ERROR_CONFIG);
		CHECK_CONTAINS(err.message, cases[i].says);
	}
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct error err = {0};
		CHECK(!exec_check(script("", modes[i]), &err));
		CHECK_CONTAINS(err.hint, "chmod");
	}
	if (geteuid() == 0) {
		struct error err = {0};
		const char *path = script("", 0755);
		CHECK(chown(path, 12345, 12345) == 0);
		CHECK(!exec_check(path, &err));
		CHECK_CONTAINS(err.hint, "chown root");
	}
}

TEST(a_missing_interpreter_is_told)
{
	struct error err = {0};
	struct exec_result result = {0};
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/odd", test_temp_dir());
	FILE *file = fopen(path, "we");
	CHECK(file != NULL && fputs("#!/no/such/interpreter\n", file) >= 0 && fclose(file) == 0 &&
	      chmod(path, 0755) == 0);
	const struct exec_request request = {.program = path};
	CHECK(!exec_run(&request, soon(), &result, &err));
	CHECK_CONTAINS(err.hint, "interpreter");
}

TEST_MAIN()

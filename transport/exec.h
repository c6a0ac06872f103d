/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run a program of the user's with a deadline: an absolute path and an argument list, never a shell line of our making;
 * a session of its own, nothing of ours open, only the variables it is given, and its output kept up to a limit.
 */
#ifndef TRANSPORT_EXEC_H
#define TRANSPORT_EXEC_H

#include "base/clock.h"
#include "base/error.h"
#include "base/excerpt.h"
#include "base/str.h"

struct exec_request {
	const char *program;                /* absolute path */
	const struct str_list *arguments;   /* behind it; NULL: none */
	const struct str_list *environment; /* "NAME=value", beside a fixed PATH and a UTF-8 locale; NULL: none */
};

enum exec_ending {
	EXEC_EXITED,    /* `code` is its exit code */
	EXEC_SIGNALLED, /* `code` is the signal that killed it */
	EXEC_TIMED_OUT, /* we killed it: TERM, then KILL, to its whole process group */
};

struct exec_result {
	enum exec_ending ending;
	int code;
	struct excerpt out; /* what it wrote to stdout, and to stderr: LIMIT_EXEC_OUTPUT bytes of each at most, raw */
	struct excerpt err;
};

void exec_result_done(struct exec_result *result);

/*
 * Whether PROGRAM may be run: an absolute path of a regular file that can be executed, belongs to root or to us, and
 * that nobody else can write. ERROR_CONFIG otherwise, with what to do.
 */
MUST_CHECK bool exec_check(const char *program, struct error *err);

/*
 * exec_check() and run it: stdin is /dev/null, the folder is /. True when it was started, however it ended. False,
 * ERROR_CANCELLED, when the deadline's cancellation came: it is ended then as for a time-out.
 */
MUST_CHECK bool exec_run(const struct exec_request *request, struct deadline deadline, struct exec_result *ret,
			 struct error *err);

/*
 * RESULT as a failure of PROGRAM at STEP: how it ended, and the end of what it said. An exit code of 75 (EX_TEMPFAIL)
 * is transient. Returns false.
 */
bool exec_failed(const char *program, const struct exec_result *result, enum error_category category, const char *step,
		 struct error *err);

#endif

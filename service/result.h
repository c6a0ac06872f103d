/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came of a run, certificate by certificate and server by server: the object that is printed, put into JSON and
 * turned into the exit code.
 */
#ifndef SERVICE_RESULT_H
#define SERVICE_RESULT_H

#include "base/error.h"
#include "base/str.h"
#include "transport/push.h"

#include <stddef.h>
#include <stdint.h>

enum result_action { RESULT_FAILED, RESULT_UNCHANGED, RESULT_ISSUED, RESULT_RENEWED };

/* "failed", "unchanged", "issued", "renewed". */
const char *result_action_name(enum result_action action);

struct server_result {
	char *server;
	enum push_result result;
	struct error *error; /* owned; NULL when deployed or unchanged */
};

enum hook_when { HOOK_PRE, HOOK_DEPLOY, HOOK_POST };
enum hook_outcome { HOOK_DONE, HOOK_FAILED, HOOK_PENDING };

/* "pre", "deploy", "post". */
const char *hook_when_name(enum hook_when when);

/* "ok", "failed", "pending". */
const char *hook_outcome_name(enum hook_outcome outcome);

/* A hook that ran, or a deploy hook that still has to. */
struct hook_result {
	enum hook_when when;
	enum hook_outcome outcome;
	char *hook;          /* the file, or the line as the user wrote it; terminal-safe */
	char *output;        /* what it said, beginning and end, terminal-safe; NULL: nothing */
	struct error *error; /* owned; NULL when done */
};

struct certificate_result {
	char *name;
	enum result_action action;
	char reason[256];          /* why it was (or was not) issued */
	uint64_t generation;       /* live afterwards; 0: none */
	uint64_t rolled_back_from; /* see renewal.h */
	int64_t not_after;         /* of the live certificate, wall clock seconds; 0: none */
	int64_t renew_at;          /* 0: none */
	struct str_list notes;     /* what did not fail it but is worth knowing, a sentence each; terminal-safe */
	struct server_result *servers;
	size_t server_count;
	const struct hook_result **hooks; /* of the run: pre and post hooks are shared with other certificates */
	size_t hook_count;
	struct error *error; /* owned; NULL unless action is RESULT_FAILED */
};

struct run_result {
	struct certificate_result *certificates; /* in the order they were asked for */
	size_t count;
	bool deploy_only;           /* no certificate was to be issued: what came of the servers is all there is */
	struct hook_result **hooks; /* each once, in the order they ran */
	size_t hook_count;
};

void run_result_done(struct run_result *result);

/* COUNT empty results. */
MUST_CHECK bool run_result_init(struct run_result *result, size_t count, struct error *err);

/* An empty entry for SERVER added to CERTIFICATE; NULL when out of memory. Borrowed until the next one is added. */
MUST_CHECK struct server_result *certificate_result_add(struct certificate_result *certificate, const char *server,
							struct error *err);

/* An empty entry for a hook; NULL when out of memory. Borrowed until RESULT is done. */
MUST_CHECK struct hook_result *run_result_add_hook(struct run_result *result, struct error *err);

/* HOOK concerns CERTIFICATE. */
MUST_CHECK bool certificate_result_add_hook(struct certificate_result *certificate, const struct hook_result *hook,
					    struct error *err);

/* 0 all done; 1 all failed; 3 some failed; 4 only locks stood in the way; 130 interrupted (design: exit codes). */
int run_result_exit_code(const struct run_result *result);

/* The exit code for one failure before anything was tried. */
int error_exit_code(const struct error *err);

#endif

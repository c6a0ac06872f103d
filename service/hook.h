/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One hook: a program or a shell line of the user's, where it comes from, and running it.
 */
#ifndef SERVICE_HOOK_H
#define SERVICE_HOOK_H

#include "base/clock.h"
#include "service/result.h"

struct hook {
	enum hook_when when;
	char *name;            /* "deploy_hook": the certificate's own; "deploy/FILE"; "deploy/": the folder, refused */
	char *text;            /* the line as written, or the path; terminal-safe */
	bool is_shell;         /* one word, for /bin/sh -c */
	struct str_list words; /* else a program's path and its arguments; empty: see `refused` */
	struct error *refused; /* owned; why it cannot be run; NULL: nothing known against it */
};

struct hook_list {
	struct hook *items;
	size_t count;
};

void hook_list_done(struct hook_list *list);

/* A hook of WORDS (copied) at the end of LIST, unless the same command is there. */
MUST_CHECK bool hook_list_add(struct hook_list *list, enum hook_when when, const char *name, bool is_shell,
			      const struct str_list *words, struct error *err);

bool hook_is_same(const struct hook *a, const struct hook *b);

/*
 * The folder's hooks, sorted by name, as certbot has it: every file that can be executed and whose name does not end in
 * "~". None when FOLDER is missing. A folder that others could put hooks into is refused, in LIST.
 */
MUST_CHECK bool hook_list_add_folder(struct hook_list *list, enum hook_when when, const char *folder,
				     struct error *err);

/*
 * Run HOOK with ENVIRONMENT ("NAME=value") until DEADLINE; *RET_OUTPUT is what it said, beginning and end (NULL:
 * nothing), terminal-safe, also on failure. A program that others could change is refused (transport/exec.h).
 */
MUST_CHECK bool hook_exec(const struct hook *hook, const struct str_list *environment, struct deadline deadline,
			  char **ret_output, struct error *err);

#endif

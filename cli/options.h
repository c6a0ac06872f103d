/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one table of global options, one table per command; parsing, checking and help come from them.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/compiler.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum option_id {
	OPTION_NONE,
	/* global */
	OPTION_CONFIG,
	OPTION_STATE_DIR,
	OPTION_SERVER,
	OPTION_CA_BUNDLE,
	OPTION_RESOLVER,
	OPTION_TIMEOUT,
	OPTION_LOCK_TIMEOUT,
	OPTION_JSON,
	OPTION_QUIET,
	OPTION_VERBOSE,
	OPTION_LOG_FORMAT,
	OPTION_COLOR,
	OPTION_NO_PROGRESS,
	OPTION_HELP,
	OPTION_VERSION,
	/* of commands */
	OPTION_FORCE,
	OPTION_TO,
	OPTION_NO_VERIFY,
	OPTION_TO_GENERATION,
	OPTION_OFFLINE,
	OPTION_DOMAIN,
	OPTION_CERT_NAME,
	OPTION_WEBROOT,
	OPTION_STANDALONE,
	OPTION_ALPN,
	OPTION_DNS,
	OPTION_CREDENTIALS,
	OPTION_CHALLENGE,
	OPTION_DNS_PERSIST,
	OPTION_PUBLISH,
	OPTION_UNTIL,
	OPTION_WILDCARD,
	OPTION_KEY_TYPE,
	OPTION_REUSE_KEY,
	OPTION_PROFILE,
	OPTION_PREFERRED_CHAIN,
	OPTION_NOT_AFTER,
	OPTION_PRE_AUTHORIZE,
	OPTION_CSR,
	OPTION_MUST_STAPLE,
	OPTION_EMAIL,
	OPTION_AGREE_TOS,
	OPTION_DEPLOY,
	OPTION_PRE_HOOK,
	OPTION_POST_HOOK,
	OPTION_DEPLOY_HOOK,
	OPTION_UPSTREAM,
	OPTION_UPSTREAM_CA,
	OPTION_INSTALL,
	OPTION_EAB_KID,
	OPTION_EAB_HMAC_KEY_FILE,
	OPTION_EAB_ALGORITHM,
	OPTION_NO_EMAIL,
	OPTION_YES,
	OPTION_REPLACE,
	OPTION_CHECK,
	OPTION_REASON,
	OPTION_WITH_CERTIFICATE_KEY,
	OPTION_COUNT
};

/* One option, as parsed and as shown by help. */
struct option_spec {
	enum option_id id;    /* OPTION_NONE ends a table */
	const char *name;     /* long, without dashes */
	char letter;          /* 0: none */
	const char *argument; /* NULL: a flag */
	const char *help;     /* NULL: known, but only to be refused with its reason; not shown */
};

/* A command line taken apart. */
struct arguments {
	struct str_list
		values[OPTION_COUNT]; /* every value given, in order; a flag has one entry per time it was given */
	struct str_list names;        /* what is no option */
	const struct command *const *commands; /* all there are, ends with NULL; for help */
};

struct command {
	const char *name;
	const char *synopsis; /* behind the name */
	const char *summary;  /* one line for the list of commands */
	const char *details;  /* for its own help; NULL: none */
	void (*more)(void);   /* prints what comes from a table of its own behind that; NULL: nothing */
	const struct option_spec *options;
	int (*run)(const struct arguments *arguments);
};

extern const struct option_spec global_options[];

/*
 * Take ARGV (without the program's name) apart: global options, the command's name, its options and names, in any order
 * after the command. COMMANDS (borrowed by RET) ends with NULL. *RET_COMMAND is NULL when no command was named.
 * ERROR_USAGE with the nearest known word otherwise.
 */
MUST_CHECK bool arguments_parse(int argc, char **argv, const struct command *const *commands,
				const struct command **ret_command, struct arguments *ret, struct error *err);
void arguments_done(struct arguments *arguments);

bool option_given(const struct arguments *arguments, enum option_id id);

/* The last value of ID, else FALLBACK. Borrowed. */
const char *option_value(const struct arguments *arguments, enum option_id id, const char *fallback);

/* The last value of ID as a whole number from 1 to MAX, else FALLBACK. ERROR_USAGE naming the option. */
MUST_CHECK bool option_number(const struct arguments *arguments, enum option_id id, uint64_t max, uint64_t fallback,
			      uint64_t *ret, struct error *err);

/* Print OPTIONS as help shows them. */
void options_print(const struct option_spec *options);

#endif

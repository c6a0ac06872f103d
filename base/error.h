/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one result of everything fallible: a function returns bool (true: done) and takes a `struct error *` as its last
 * parameter, which on failure says what failed, on which certificate, server and step, what the other side said and
 * what to do next. The same object is printed, put into JSON, kept in the store and sent in notifications.
 *
 * Rules: the first cause wins (error_set on an error that is already set changes nothing); each layer adds context
 * and rewrites none; nothing here allocates, so that running out of memory can be reported too.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

API_BEGIN

struct buf;

/* Who must act. Exit codes and retry decisions follow from this alone. */
enum error_category {
	ERROR_NONE = 0,
	ERROR_USAGE,     /* the command line */
	ERROR_CONFIG,    /* the config, or a file it names */
	ERROR_NETWORK,   /* could not reach or talk to the other side */
	ERROR_CA,        /* the CA answered, and refused or misbehaved */
	ERROR_DNS,       /* DNS look-ups, or a DNS provider */
	ERROR_REMOTE,    /* a deployment target */
	ERROR_STORE,     /* our own files */
	ERROR_BUSY,      /* another run holds the lock */
	ERROR_CANCELLED, /* interrupted by the user */
	ERROR_TIMEOUT,   /* our own deadline passed */
	ERROR_DATA,      /* malformed bytes; the layer that knows whose they were attributes them (error_attribute) */
	ERROR_INTERNAL,  /* out of memory, or a bug of ours */
};

enum {
	ERROR_TEXT_MAX = 1024,  /* our own words */
	ERROR_SAID_MAX = 4096,  /* the other side's words: whole enough for a CA's self-service link */
	ERROR_PARTS_MAX = 4096, /* what concerns single names: some twenty of them */
	ERROR_NAME_MAX = 256,
};

struct error {
	enum error_category category;
	bool transient;       /* trying the same again later may work */
	bool absent;          /* the other side answered, and does not have what was looked for */
	long http_status;     /* of the answer that caused it, or 0 */
	int64_t retry_at;     /* wall clock seconds before which trying again is useless, or 0 */
	int64_t clock_offset; /* seconds that our clock is ahead of the other side's, where that is too much; or 0 */
	const char *step;     /* static string, e.g. "new-order", "upload"; NULL until known */
	char certificate[ERROR_NAME_MAX]; /* empty until known */
	char server[ERROR_NAME_MAX];      /* deployment target; empty where none */
	char type[ERROR_NAME_MAX];        /* the CA's urn:ietf:params:acme:error:…, made terminal-safe; or empty */
	char message[ERROR_TEXT_MAX];     /* one sentence of ours, without a final full stop */
	char said[ERROR_SAID_MAX];        /* the other side's words, made terminal-safe; or empty */
	char hint[ERROR_TEXT_MAX];        /* what to do next; or empty */
	char parts[ERROR_PARTS_MAX];      /* see error_part() */
};

/* One part of a failure that concerns one name. Texts are terminal-safe, empty where unknown. */
struct error_part {
	char identifier[ERROR_NAME_MAX];
	char type[ERROR_NAME_MAX];
	char detail[ERROR_TEXT_MAX / 2];
};

/* Make ERR empty (ERROR_NONE). A fresh `struct error err = {0}` is empty too. */
void error_clear(struct error *err);

static inline bool error_is_set(const struct error *err)
{
	return err->category != ERROR_NONE;
}

/*
 * Record a failure, unless one is recorded already. STEP is a static string or NULL. Always returns false, so that
 * `return error_set(…)` reads well. Foreign text inside the arguments must have gone through escape_text(); the
 * finished message is made terminal-safe again all the same.
 */
bool error_set(struct error *err, enum error_category category, const char *step, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* error_set for a failed system call: appends ": strerror(ERRNUM)". Returns false. */
bool error_errno(struct error *err, enum error_category category, const char *step, int errnum, const char *format, ...)
	PRINTF_LIKE(5, 6);

/* Out of memory, as ERROR_INTERNAL. Returns false. */
bool error_oom(struct error *err);

/*
 * The other side's words, made terminal-safe and cut to fit, but no https link in two: the first that would be lost
 * stands whole behind the cut. Kept only if none are there yet.
 */
void error_said(struct error *err, const char *text, size_t len);

/*
 * The same for what a program printed: what does not fit is left out of the middle, since the cause stands at the end.
 * LEFT_OUT: bytes that are missing there already (excerpt.h). What was cut leaves room for a sentence before it.
 */
void error_said_output(struct error *err, const char *text, size_t len, size_t left_out);

/* The CA's problem type. Kept only if none is there yet. */
void error_type(struct error *err, const char *type);

/*
 * Our clock is OFFSET seconds ahead of the other side's (behind: negative). Kept only if that is more than
 * LIMIT_CLOCK_OFFSET: then it is told with the failure, whatever it was.
 */
void error_clock(struct error *err, int64_t offset);

/*
 * Another sentence for a failure that is recorded; the arguments may quote the one that it takes the place of. For who
 * knows more of it than whoever recorded it: all else stays.
 */
void error_reword(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* What to do next. The first hint wins, as the first cause does. */
void error_hint(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * A part of the failure that concerns the name IDENTIFIER: for JSON; people read it in `said`. Each text may be NULL or
 * empty. What does not fit any more is left out.
 */
void error_part(struct error *err, const char *identifier, const char *type, const char *detail);

/* Part number INDEX, from 0; false behind the last. */
bool error_part_at(const struct error *err, size_t index, struct error_part *ret);

/* Add what is still unknown: NULL arguments and fields already filled are left alone. STEP is a static string. */
void error_context(struct error *err, const char *step, const char *certificate, const char *server);

/* Turn ERROR_DATA into CATEGORY at STEP; any other error only gains the step if it has none. Always returns false. */
bool error_attribute(struct error *err, enum error_category category, const char *step);

/*
 * A malloc'd copy of ERR in *RET, for structs that are kept by the thousand (what it held is freed): NULL when ERR is
 * empty or NULL, or when there is no memory for it.
 */
void error_keep(struct error **ret, const struct error *err);

/* "network", "ca", …: the value of "category" in JSON. */
const char *error_category_name(enum error_category category);

/*
 * Write ERR for a person: one line of what failed (certificate, server, step, message), then indented lines "said:",
 * "type:", "retry:" and "next:" for what is known. Ends with a newline.
 */
void error_format(const struct error *err, struct buf *out);

API_END

#endif

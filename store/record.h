/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the three kinds of records share: a version, fields read and written from one table, lists of names, and the
 * words for a damaged one. Records are compact: a field that is absent, zero or false is not written.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/identifier.h"
#include "base/json.h"
#include "store/store.h"

enum record_type {
	RECORD_STRING, /* char *, NULL when absent */
	RECORD_TEXT,   /* char[max + 1], empty when absent */
	RECORD_TIME,   /* int64_t, any value */
	RECORD_NUMBER, /* uint64_t up to INT64_MAX */
	RECORD_COUNT,  /* unsigned */
	RECORD_FLAG,   /* bool */
};

struct record_field {
	const char *key;
	size_t offset;
	size_t max; /* RECORD_STRING and RECORD_TEXT: bytes */
	enum record_type type;
	bool needed; /* RECORD_STRING only */
};

/* A record's text as a tree, its version checked. New reference; NULL and ERR. */
MUST_CHECK json_t *record_read(const char *text, size_t len, struct error *err);

/* An empty record of the current version. New reference; NULL and ERR. */
MUST_CHECK json_t *record_new(struct error *err);

/* OBJECT's members into the zeroed struct RET, and back. What could not be read again is not written either. */
MUST_CHECK bool record_read_fields(const json_t *object, const struct record_field *fields, size_t count, void *ret,
				   struct error *err);
MUST_CHECK bool record_write_fields(json_t *object, const struct record_field *fields, size_t count, const void *from,
				    struct error *err);

/* Free the RECORD_STRINGs of FROM. */
void record_free_fields(const struct record_field *fields, size_t count, void *from);

/* The list "domains", at least one: malloc'd. */
MUST_CHECK bool record_read_names(const json_t *object, struct identifier **ret, size_t *ret_count, struct error *err);
MUST_CHECK bool record_write_names(json_t *object, const struct identifier *names, size_t count, struct error *err);

/* Set KEY, checking memory. Steals VALUE's reference, as jansson's functions of this name do. */
MUST_CHECK bool record_set_new(json_t *object, const char *key, json_t *value, struct error *err);

/* TEXT of at most MAX bytes as KEY; nothing when it is NULL or empty. */
MUST_CHECK bool record_set_str(json_t *object, const char *key, const char *text, size_t max, struct error *err);

/* CAUSE, found in NAME's record of KIND, as ERROR_STORE that names the file. Always returns false. */
bool record_damaged(enum store_record kind, const char *name, const struct error *cause, struct error *err);

/* An error as an object, and back. The step is kept as text of [a-z0-9-]; see error_record.c. */
MUST_CHECK json_t *error_record_write(const struct error *error, struct error *err);
MUST_CHECK bool error_record_read(const json_t *object, struct error *ret, struct error *err);

#endif

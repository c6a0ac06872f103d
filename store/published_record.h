/* SPDX-License-Identifier: Apache-2.0 */
/*
 * published/<name>.json: the TXT values that stand, or may stand, in DNS for a certificate's challenges, and the files
 * in a webroot here. Written before one is put and removed when it is gone, so that what a run that was killed left
 * behind is removed by the next.
 */
#ifndef STORE_PUBLISHED_RECORD_H
#define STORE_PUBLISHED_RECORD_H

#include "store/store.h"

/* A file has a webroot, name and value, and nothing else. */
struct published_value {
	char *webroot;     /* folder; NULL: it is a TXT value */
	char *provider;    /* as the config calls it, or a provider's name */
	char *credentials; /* file with its settings; NULL: the config or the environment has them */
	char *zone_id;     /* the provider's */
	char *name;        /* where the value stands, aliases followed; of a file, a token */
	char *value;       /* of a file, its content */
	char *record;      /* the provider's handle; NULL: it gave none, or its answer was lost */
};

struct published_record {
	struct published_value *values;
	size_t count;
};

void published_value_done(struct published_value *value);
void published_record_done(struct published_record *record);

/* An empty value behind the others; NULL when out of memory. Borrowed until the next one is added. */
MUST_CHECK struct published_value *published_record_add(struct published_record *record, struct error *err);

/* Value number INDEX leaves; the last one takes its place. */
void published_record_drop(struct published_record *record, size_t index);

/* HANDLE removes VALUE. One that a record cannot hold, such as a program's bytes that are no text, is not remembered.
 */
MUST_CHECK bool published_value_set_record(struct published_value *value, const char *handle, struct error *err);

MUST_CHECK bool published_record_parse(const char *text, size_t len, const char *name, struct published_record *ret,
				       struct error *err);
MUST_CHECK bool published_record_serialize(const struct published_record *record, struct buf *out, struct error *err);

/* RET is empty when there is no record. */
MUST_CHECK bool published_record_load(struct store *store, const char *name, struct published_record *ret,
				      struct error *err);

/* An empty record is deleted. */
MUST_CHECK bool published_record_save(struct store *store, const char *name, const struct published_record *record,
				      struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders/<name>.json: an order in flight, so that a crash resumes it. To the store it is a document: where it is, for
 * whom, and for which names and key it was placed.
 */
#ifndef STORE_ORDER_RECORD_H
#define STORE_ORDER_RECORD_H

#include "base/identifier.h"
#include "store/store.h"

struct order_record {
	char *url;     /* the order's; NULL: about to be placed */
	char *ca_url;  /* directory */
	char *account; /* account URL */
	struct identifier *identifiers;
	size_t identifier_count;
	char *profile;    /* asked for; NULL: none */
	int64_t lifetime; /* seconds asked for; 0: none */
	int64_t placed_at;
};

void order_record_done(struct order_record *record);
MUST_CHECK bool order_record_parse(const char *text, size_t len, const char *name, struct order_record *ret,
				   struct error *err);
MUST_CHECK bool order_record_serialize(const struct order_record *record, struct buf *out, struct error *err);
MUST_CHECK bool order_record_load(struct store *store, const char *name, struct order_record *ret, bool *ret_found,
				  struct error *err);
MUST_CHECK bool order_record_save(struct store *store, const char *name, const struct order_record *record,
				  struct error *err);

#endif

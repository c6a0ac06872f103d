/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revoked-keys/<sha-256>.json: a key whose certificate was revoked because somebody else may have the key. It is never
 * used for a certificate again, whatever the config says.
 */
#ifndef STORE_REVOKED_KEY_H
#define STORE_REVOKED_KEY_H

#include "acme/key.h"
#include "store/store.h"

struct revoked_key {
	char *certificate; /* whose key it was */
	char *reason;      /* "keyCompromise" */
	int64_t revoked_at;
};

void revoked_key_done(struct revoked_key *record);

MUST_CHECK bool revoked_key_parse(const char *text, size_t len, const char *name, struct revoked_key *ret,
				  struct error *err);
MUST_CHECK bool revoked_key_serialize(const struct revoked_key *record, struct buf *out, struct error *err);

/* Remember that KEY may be in other hands. */
MUST_CHECK bool revoked_key_save(struct store *store, const struct key *key, const struct revoked_key *record,
				 struct error *err);

/* *RET_FOUND: KEY must not be used; RET then says since when. A damaged record is an error, never "not found". */
MUST_CHECK bool revoked_key_load(struct store *store, const struct key *key, struct revoked_key *ret, bool *ret_found,
				 struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accounts/<name>/account.json: one account per CA and contact.
 */
#ifndef STORE_ACCOUNT_RECORD_H
#define STORE_ACCOUNT_RECORD_H

#include "store/store.h"

struct account_record {
	char *ca_url;    /* directory */
	char *email;     /* NULL: none */
	char *url;       /* the account's, byte for byte as received; NULL: key made, not registered yet */
	char *ca_bundle; /* trust anchors for the CA's HTTPS; NULL: the system's */
	char *status;    /* "deactivated"; NULL: valid as far as we know */
	char *key_type;  /* "ecdsa-p256", …; NULL: written by an earlier version */
	int64_t created_at;
};

void account_record_done(struct account_record *record);

/* The record's name for this CA and contact: "<host>-<8 hex of a digest of both>". malloc'd. EMAIL may be NULL. */
MUST_CHECK char *account_record_name(const char *ca_url, const char *email, struct error *err);

MUST_CHECK bool account_record_parse(const char *text, size_t len, const char *name, struct account_record *ret,
				     struct error *err);
MUST_CHECK bool account_record_serialize(const struct account_record *record, struct buf *out, struct error *err);
MUST_CHECK bool account_record_load(struct store *store, const char *name, struct account_record *ret, bool *ret_found,
				    struct error *err);
MUST_CHECK bool account_record_save(struct store *store, const char *name, const struct account_record *record,
				    struct error *err);

#endif

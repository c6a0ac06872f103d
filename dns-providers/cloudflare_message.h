/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloudflare's JSON, API v4, as pure functions: requests built, answers parsed. Every answer is an envelope of success,
 * errors (failure.h reads those) and result. Fuzzed. Readers fail with ERROR_DATA.
 */
#ifndef DNS_PROVIDERS_CLOUDFLARE_MESSAGE_H
#define DNS_PROVIDERS_CLOUDFLARE_MESSAGE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "dns-providers/common.h"

enum { CLOUDFLARE_ID_MAX = 65 };

/* The zones of one name. */
struct cloudflare_zones {
	char id[CLOUDFLARE_ID_MAX]; /* of the first active one */
	size_t active;              /* how many are active */
	char status[32];            /* of the first one that is not, terminal-safe; else empty */
	bool partial;               /* the active one is served by other name servers ("CNAME set-up") */
};

/* The body of a record's creation: TXT, VALUE in quotes. */
MUST_CHECK bool cloudflare_write_record(const char *name, const char *value, struct buf *out, struct error *err);

/* A listing of zones; only those called exactly NAME count. */
MUST_CHECK bool cloudflare_read_zones(const char *text, size_t len, const char *name, struct cloudflare_zones *ret,
				      struct error *err);

/* One page of records: the ids of the TXT records at NAME with VALUE, quoted or not, are added to IDS. */
MUST_CHECK bool cloudflare_read_records(const char *text, size_t len, const char *name, const char *value,
					struct str_list *ids, struct provider_pages *pages, struct error *err);

/* The answer to a creation: the new record's id. */
MUST_CHECK bool cloudflare_read_created(const char *text, size_t len, char ret_id[CLOUDFLARE_ID_MAX],
					struct error *err);

#endif

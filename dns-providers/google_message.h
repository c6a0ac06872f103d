/* SPDX-License-Identifier: Apache-2.0 */
/* What Google Cloud DNS answers and is told, pure and fuzzed. Readers fail with ERROR_DATA. */
#ifndef DNS_PROVIDERS_GOOGLE_MESSAGE_H
#define DNS_PROVIDERS_GOOGLE_MESSAGE_H

#include "base/buf.h"
#include "base/str.h"
#include "dns-providers/recordset.h"

/* The zones of one DNS name. */
struct google_zones {
	struct str_list usable; /* names of managed zones that the Internet sees */
	struct buf unusable;    /* why others cannot be used: "the zone lab is private"; empty: there are none */
};

void google_zones_init(struct google_zones *zones);
void google_zones_done(struct google_zones *zones);

/* A page of zones: those of CANONICAL ("example.com.") are added to RET. *RET_NEXT is the next page's token, or NULL.
 */
MUST_CHECK bool google_read_zones(const char *text, size_t len, const char *canonical, struct google_zones *ret,
				  char **ret_next, struct error *err);

/* A single zone: its DNS name without the final dot, malloc'd; the rest as above. */
MUST_CHECK bool google_read_zone(const char *text, size_t len, char **ret_apex, struct google_zones *ret,
				 struct error *err);

/* A page of record sets: the TXT set at CANONICAL goes into RET, which is left alone where there is none. */
MUST_CHECK bool google_read_set(const char *text, size_t len, const char *canonical, struct provider_set *ret,
				char **ret_next, struct error *err);

/* What a change came to: its id, and its status, "pending" or "done". Both terminal-safe. */
MUST_CHECK bool google_read_change(const char *text, size_t len, char ret_id[64], char ret_status[32],
				   struct error *err);

/* The change that puts NEXT in the place of WAS at CANONICAL. */
MUST_CHECK bool google_write_change(const char *canonical, const struct provider_set *was,
				    const struct provider_set *next, struct buf *ret, struct error *err);

#endif

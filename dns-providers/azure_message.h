/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Azure DNS answers and is told, pure and fuzzed. Readers fail with ERROR_DATA. A zone's id is its resource's:
 * /subscriptions/S/resourceGroups/G/providers/Microsoft.Network/dnsZones/NAME.
 */
#ifndef DNS_PROVIDERS_AZURE_MESSAGE_H
#define DNS_PROVIDERS_AZURE_MESSAGE_H

#include "base/buf.h"
#include "base/str.h"
#include "dns-providers/common.h"
#include "dns-providers/recordset.h"

/* "/subscriptions/S/resourceGroups/G" as it may stand in a URL; what follows it is passed over. malloc'd in *RET. */
MUST_CHECK bool azure_group_path(const char *id, char **ret, struct error *err);

/* The name in a zone's id that may stand in a URL as it is, borrowed; NULL: it is none. */
const char *azure_zone_name(const char *id);

/*
 * A page of zones: the ids of public ones, in the form above, are added to IDS. *RET_NEXT is the next page's link
 * behind its host ("/subscriptions/…?…"), malloc'd, or NULL.
 */
MUST_CHECK bool azure_read_zones(const char *text, size_t len, struct str_list *ids, char **ret_next,
				 struct error *err);

/* A single zone, which must be called NAME. *RET_PUBLIC: the Internet sees it. */
MUST_CHECK bool azure_read_zone(const char *text, size_t len, const char *name, bool *ret_public, struct error *err);

/* A TXT record set. Each value is the JSON of its strings: ["value"]. `extra` is the set's metadata, in JSON. */
MUST_CHECK bool azure_read_set(const char *text, size_t len, struct provider_set *ret, struct error *err);

/* The set as it is written. */
MUST_CHECK bool azure_write_set(const struct provider_set *set, struct buf *ret, struct error *err);

/* For struct provider_api: an error's words; a login's AADSTS number is one of the codes. */
bool azure_read_failure(const struct http_response *answer, struct provider_failure *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One record per value. Only the list tells what came of a create without an answer. */
#include "dns-providers/records.h"

#include "dns-providers/common.h"

enum { ADD_TRIES = 4 };

bool provider_records_add(const struct provider_records *records, struct dns_provider *provider, const char *zone_id,
			  const char *name, const char *value, struct deadline deadline, char **ret_record,
			  struct error *err)
{
	CLEANUP(str_list_done) struct str_list there = {0};

	if (records->lists_first && !records->list(provider, "add-record", zone_id, name, value, deadline, &there, err))
		return false;
	if (there.len > 0)
		return str_set(ret_record, there.items[0], err);
	for (unsigned attempt = 1;; attempt++) {
		CLEANUP(str_list_done) struct str_list found = {0};
		struct error cause = {0}, listing = {0};
		enum provider_created created =
			records->create(provider, zone_id, name, value, deadline, ret_record, &cause);
		if (created == PROVIDER_CREATED)
			return true;
		/* There already, or its answer lost: the list tells. */
		bool listed = created == PROVIDER_CREATED_UNSURE &&
			      records->list(provider, "add-record", zone_id, name, value, deadline, &found, &listing);
		if (listed && found.len > 0)
			return str_set(ret_record, found.items[0], err);
		if (!listed || !cause.transient || attempt == ADD_TRIES ||
		    !provider_pause(attempt, "add-record", deadline, &listing)) {
			*err = listing.category == ERROR_CANCELLED ? listing : cause;
			return false;
		}
	}
}

bool provider_records_remove(const struct provider_records *records, struct dns_provider *provider, const char *zone_id,
			     const char *name, const char *value, const char *record, struct deadline deadline,
			     struct error *err)
{
	CLEANUP(str_list_done) struct str_list found = {0};

	if (record != NULL && provider_id_is_valid(record))
		return records->remove(provider, zone_id, name, record, deadline, err);
	if (!records->list(provider, "remove-record", zone_id, name, value, deadline, &found, err))
		return false;
	for (size_t i = 0; i < found.len; i++) {
		if (!records->remove(provider, zone_id, name, found.items[i], deadline, err))
			return false;
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vendors with one record per value: adding is a plain create, removing deletes by the record's id, so neighbours are
 * never touched. What has to be right is that a value is not there twice, and that a create whose answer is lost is
 * looked for before it is sent again.
 */
#ifndef DNS_PROVIDERS_RECORDS_H
#define DNS_PROVIDERS_RECORDS_H

#include "base/str.h"
#include "dns-providers/provider.h"

/* What one attempt to create came to: with UNSURE and NOT the error is set. */
enum provider_created { PROVIDER_CREATED, PROVIDER_CREATED_UNSURE, PROVIDER_CREATED_NOT };

/* The three calls of a vendor. NAME is the full name. */
struct provider_records {
	bool lists_first; /* the vendor would keep a value twice, so it is looked for before it is created */

	/* The ids of the TXT records at exactly NAME with exactly VALUE, of all pages. */
	bool (*list)(struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
		     const char *value, struct deadline deadline, struct str_list *ret_ids, struct error *err);

	enum provider_created (*create)(struct dns_provider *provider, const char *zone_id, const char *name,
					const char *value, struct deadline deadline, char **ret_id, struct error *err);

	/* One that is gone already is no failure. */
	bool (*remove)(struct dns_provider *provider, const char *zone_id, const char *name, const char *id,
		       struct deadline deadline, struct error *err);
};

/* A module's add_txt and remove_txt (provider.h). */
MUST_CHECK bool provider_records_add(const struct provider_records *records, struct dns_provider *provider,
				     const char *zone_id, const char *name, const char *value, struct deadline deadline,
				     char **ret_record, struct error *err);
MUST_CHECK bool provider_records_remove(const struct provider_records *records, struct dns_provider *provider,
					const char *zone_id, const char *name, const char *value, const char *record,
					struct deadline deadline, struct error *err);

#endif

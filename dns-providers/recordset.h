/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vendors whose unit is the whole set of values at a name: to add one is to write all of them back. Two writers who
 * both read first would lose a value, so a write carries what it replaces and is refused where that is not so any more
 * (compare and swap); it is then made again upon what is there now. Within an instance, writers at one name queue.
 */
#ifndef DNS_PROVIDERS_RECORDSET_H
#define DNS_PROVIDERS_RECORDSET_H

#include "base/str.h"
#include "dns-providers/provider.h"

#include <pthread.h>

/* The TXT values at one name, as the vendor writes them ("\"value\""), so that they can be sent back unchanged. */
struct provider_set {
	struct str_list values; /* empty: there is no set */
	int64_t ttl;
	char *version; /* the vendor's mark of this state (an etag); NULL: none */
	char *extra; /* what else belongs to the set and is written back, as the vendor's module reads it; NULL: none */
};

void provider_set_done(struct provider_set *set);

/* With CONFLICT and NOT the error is set. */
enum provider_written { PROVIDER_WRITTEN, PROVIDER_WRITE_CONFLICT, PROVIDER_WRITTEN_NOT };

/* The two calls of a vendor, and how it writes values. NAME is the full name. */
struct provider_sets {
	const char *before, *after; /* what stands around a value: quotes */
	int64_t ttl;                /* of a new set, seconds */
	bool guesses; /* a write upon a wrong belief is refused whatever was believed, so reading first can be spared */

	/* The set at exactly NAME, empty where there is none. */
	bool (*read)(struct dns_provider *provider, const char *step, const char *zone_id, const char *name,
		     struct deadline deadline, struct provider_set *ret, struct error *err);

	/* NEXT takes the place of WAS (either may be empty, not both). */
	enum provider_written (*write)(struct dns_provider *provider, const char *step, const char *zone_id,
				       const char *name, const struct provider_set *was,
				       const struct provider_set *next, struct deadline deadline, struct error *err);
};

enum { PROVIDER_OWNER_LOCKS = 64 };

/* What an instance remembers of its own writes, and the queues. */
struct provider_owners {
	pthread_mutex_t queues[PROVIDER_OWNER_LOCKS]; /* by the name's hash */
	pthread_mutex_t lock;                         /* of what follows */
	struct provider_owner *known;
	size_t count;
};

void provider_owners_init(struct provider_owners *owners);
void provider_owners_done(struct provider_owners *owners);

/* A module's add_txt and remove_txt (provider.h). There is no handle: the value itself says what to remove. */
MUST_CHECK bool provider_sets_add(const struct provider_sets *sets, struct provider_owners *owners,
				  struct dns_provider *provider, const char *zone_id, const char *name,
				  const char *value, struct deadline deadline, struct error *err);
MUST_CHECK bool provider_sets_remove(const struct provider_sets *sets, struct provider_owners *owners,
				     struct dns_provider *provider, const char *zone_id, const char *name,
				     const char *value, struct deadline deadline, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether dns-persist-01 records stand: read only, at the servers that decide. What must stand and what it is worth is
 * acme/persist.h's.
 */
#ifndef SERVICE_PERSIST_LOOK_H
#define SERVICE_PERSIST_LOOK_H

#include "acme/persist.h"
#include "service/service.h"

/* One record that must stand, and what was found. */
struct persist_look {
	const struct persist_expectation *expectation; /* borrowed */
	int64_t now;                                   /* the time to judge by */
	char where[256];                               /* set: the end of the name's CNAMEs */
	bool looked;                                   /* some server answered; else there is no finding */
	struct persist_finding finding;                /* the worst that any server shows */
	struct error error;                            /* while looking */
};

/*
 * Look for all COUNT records. ERROR_DNS where it cannot be told; those that were looked at have their findings all the
 * same.
 */
MUST_CHECK bool persist_look(struct service *service, struct persist_look *looks, size_t count,
			     struct deadline deadline, struct error *err);

/*
 * The record of ours with ACCOUNT_URI for this CA or another: appends " (our own account at …)" to OUT where the store
 * knows it.
 */
void persist_name_account(const struct service *service, const char *account_uri, struct buf *out);

/* Seconds before its end from which on a record is warned about: by the next renewal it may be gone. */
enum { PERSIST_WARN_SECONDS = 60 * 24 * 3600 };

#endif

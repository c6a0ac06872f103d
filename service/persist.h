/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dns-persist-01 records that an account needs for some names: what they are, whether they stand, and publishing
 * them through a DNS provider.
 */
#ifndef SERVICE_PERSIST_H
#define SERVICE_PERSIST_H

#include "acme/persist.h"
#include "service/service.h"
#include "store/renewal.h"

struct persist_request {
	const struct identifier *identifiers; /* borrowed; DNS names. A name and its wildcard share a record */
	size_t count;
	bool wildcard; /* every record covers the wildcard too */
	int64_t until; /* seconds since 1970 at which new records end; 0: never */
	bool publish;  /* what is missing or wrong, through the wanted DNS provider */
};

enum persist_status { PERSIST_PUBLISHED, PERSIST_MISSING, PERSIST_WRONG, PERSIST_UNKNOWN };

/* "published", "missing", "wrong", "unknown". */
const char *persist_status_name(enum persist_status status);

struct persist_entry {
	struct persist_expectation expectation;
	char domain[IDENTIFIER_MAX]; /* the base name */
	char *value;                 /* the record's text, to be published */
	enum persist_status status;
	int64_t until;      /* of the record that stands; 0: without end, or none stands */
	char *detail;       /* what is wrong, or why it is not known; NULL: nothing to say */
	bool published_now; /* by this call */
};

struct persist_report {
	char *ca_url;
	char *account_url;
	enum persist_form form;
	struct str_list caa_identities;
	struct persist_entry *entries;
	size_t count;
};

void persist_report_done(struct persist_report *report);

/*
 * WANTED gives the CA, the contact and, for publishing, the DNS provider. A CA whose directory does not say what it
 * wants is asked by an order for one name, which is given up at once. Before a hashed account is handed on, the account
 * is read and must be valid (-02 §4.5). Publishing adds values, waits until they are seen everywhere, and never removes
 * one. A record that cannot be looked for is no failure: its status is unknown.
 */
MUST_CHECK bool persist_report(struct service *service, const struct renewal *wanted,
			       const struct persist_request *request, struct deadline deadline,
			       struct persist_report *ret, struct error *err);

#endif

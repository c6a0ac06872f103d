/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a TXT record must be visible: the zone of a name, its authoritative servers, and the wait until every one of
 * them shows what was published.
 */
#ifndef TRANSPORT_DNS_ZONE_H
#define TRANSPORT_DNS_ZONE_H

#include "transport/dns.h"

/*
 * Follow the CNAMEs of COUNT names side by side (at most LIMIT_DNS_CNAME_HOPS each, no loops): RET[i] is the name to
 * publish at, NAMES[i] itself when there is none. A name that does not exist yet is no failure.
 */
MUST_CHECK bool dns_follow_aliases(struct dns_resolver *resolver, const char *const *names, size_t count,
				   struct deadline deadline, char (*ret)[256], struct error *err);

/*
 * Whether a wildcard's CNAME leads from NAME to END, so that a record at NAME itself would take its place: a random
 * name beside it, which nobody made, leads there too. False also where that cannot be told.
 */
bool dns_alias_is_wildcard(struct dns_resolver *resolver, const char *name, const char *end, struct deadline deadline);

/*
 * The apex of the zone that holds each of COUNT names, by its SOA, in RET[i]; empty where none was found. False only
 * for a name that is none, when cancelled or past DEADLINE.
 */
MUST_CHECK bool dns_find_zones(struct dns_resolver *resolver, const char *const *names, size_t count,
			       struct deadline deadline, char (*ret)[256], struct error *err);

/* NAME is ZONE or below it; the root holds nothing here. */
bool dns_name_is_within(const char *name, const char *zone);

/* What is looked for in the TXT records at a name: one value, or whatever FITS takes for right. */
struct dns_expectation {
	const char *name;  /* where the TXT record is, aliases followed */
	const char *value; /* NULL: ask FITS */
	/* Asked with all values (each joined) that one server shows, once for each server that answers. */
	bool (*fits)(void *ctx, const struct str_list *values);
	void *ctx;
};

/* What one of the servers that decide is known to have. Texts are borrowed. */
struct dns_server_state {
	const char *name;    /* "ns1.example.com"; "resolver" where there is no delegation */
	const char *address; /* the one that answered, or the only one; else empty */
	const char *trouble; /* a sentence: which value it lacks, or why it does not count; empty when ready */
	bool ready;          /* showed everything */
};

/* Told after each round what every server has; may be NULL. */
typedef void dns_progress(void *ctx, const struct dns_server_state *servers, size_t count);

/*
 * Wait until every authoritative server of the names' zones, asked directly at one reachable address each, answers with
 * every expected value (others beside it are fine). First round at once, then after 0.5 s growing to 5 s. Servers that
 * cannot be reached are tolerated as long as at least one of each zone answered and showed everything for two rounds;
 * where a zone has no reachable authoritative server at all (a laboratory without delegation), the resolver's servers
 * are asked instead. On timeout ERROR_DNS tells which server lacked which value, or did not answer.
 */
MUST_CHECK bool dns_wait_published(struct dns_resolver *resolver, const struct dns_expectation *expectations,
				   size_t count, struct deadline deadline, dns_progress *progress, void *ctx,
				   struct error *err);

/*
 * The same servers asked once, for records that stand there: *RET_PUBLISHED false when one of them answered and did not
 * show what is expected. Servers that do not answer are tolerated as above. ERROR_DNS, transient, naming one, where no
 * server of a zone and no resolver answered.
 */
MUST_CHECK bool dns_check_published(struct dns_resolver *resolver, const struct dns_expectation *expectations,
				    size_t count, struct deadline deadline, bool *ret_published, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is published in DNS for one certificate, on disk before it is published: what a run that was killed left behind
 * is removed by the next run, exactly that and nothing else.
 */
#ifndef SERVICE_DNS_JOURNAL_H
#define SERVICE_DNS_JOURNAL_H

#include "service/service.h"
#include "store/published_record.h"

/* What is about to be published, see published_record.h. */
struct dns_journal_entry {
	const char *provider;
	const char *credentials; /* NULL: none */
	const char *zone_id;
	const char *name;
	const char *value;
};

/* Borrowed: SERVICE and NAME, the certificate's, whose lock the caller holds. */
struct dns_journal {
	struct service *service;
	const char *name;
	struct published_record record;
	bool loaded; /* what earlier runs could not remove is in it too */
};

void dns_journal_init(struct dns_journal *journal, struct service *service, const char *name);
void dns_journal_done(struct dns_journal *journal);

/* ENTRY is about to be published. On disk when this returns. */
MUST_CHECK bool dns_journal_add(struct dns_journal *journal, const struct dns_journal_entry *entry, struct error *err);

/* It is published: HANDLE (NULL: none) removes it. Written with the next change: without it the value itself is looked
 * for. */
MUST_CHECK bool dns_journal_set_record(struct dns_journal *journal, const char *name, const char *value,
				       const char *handle, struct error *err);

/* It is gone. Written by dns_journal_save(). */
void dns_journal_drop(struct dns_journal *journal, const char *name, const char *value);
MUST_CHECK bool dns_journal_save(struct dns_journal *journal, struct error *err);

/*
 * Remove what the journals of all certificates list, unless a run is at work on the certificate. What cannot be removed
 * is told as a warning and stays listed. Costs one look at a folder when there is nothing.
 */
void dns_journal_sweep(struct service *service);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is published for one certificate in DNS, or as a file in a webroot here, on disk before it is published: what a
 * run that was killed left behind is removed by the next run (journal_sweep.h), exactly that and nothing else. Servers'
 * webroots need no journal: their couriers outlive the run.
 */
#ifndef SERVICE_JOURNAL_H
#define SERVICE_JOURNAL_H

#include "service/service.h"
#include "store/published_record.h"

/* What is about to be published, see published_record.h. */
struct journal_entry {
	const char *webroot; /* of a file, which has a name and a value besides; NULL: a TXT value */
	const char *provider;
	const char *credentials; /* NULL: none */
	const char *zone_id;
	const char *name;
	const char *value;
};

/* Borrowed: SERVICE and NAME, the certificate's, whose lock the caller holds. */
struct journal {
	struct service *service;
	const char *name;
	struct published_record record;
	bool loaded; /* what earlier runs could not remove is in it too */
};

void journal_init(struct journal *journal, struct service *service, const char *name);
void journal_done(struct journal *journal);

/* ENTRY is about to be published, after journal_save(). */
MUST_CHECK bool journal_add(struct journal *journal, const struct journal_entry *entry, struct error *err);

/* It is published: HANDLE (NULL: none) removes it. Written with the next change: without it the value itself is looked
 * for. */
MUST_CHECK bool journal_set_record(struct journal *journal, const char *name, const char *value, const char *handle,
				   struct error *err);

/* It is gone. Written by journal_save(). */
void journal_drop(struct journal *journal, const char *name, const char *value);
MUST_CHECK bool journal_save(struct journal *journal, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One record for each certificate; a run that ends well leaves none. */
#include "service/journal.h"

#include "base/log.h"
#include "dns-providers/provider.h"
#include "service/solver.h"
#include "service/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	REMOVE_MS = 30 * 1000,
	SWEEP_MS = 120 * 1000, /* of all: a vendor that hangs must not hold up the certificates for longer */
	PARALLEL_VALUES = 4,   /* a provider that wants less at once sees to that itself */
};

void journal_init(struct journal *journal, struct service *service, const char *name)
{
	*journal = (struct journal){.service = service, .name = name};
}

void journal_done(struct journal *journal)
{
	published_record_done(&journal->record);
}

bool journal_save(struct journal *journal, struct error *err)
{
	return !journal->loaded ||
	       published_record_save(service_store(journal->service), journal->name, &journal->record, err);
}

/* What an earlier run left and could not be removed stays listed. */
static bool load(struct journal *journal, struct error *err)
{
	if (!journal->loaded)
		journal->loaded =
			published_record_load(service_store(journal->service), journal->name, &journal->record, err);
	return journal->loaded;
}

bool journal_add(struct journal *journal, const struct journal_entry *entry, struct error *err)
{
	if (!load(journal, err))
		return false;
	struct published_value *added = published_record_add(&journal->record, err);
	return added != NULL && str_set(&added->webroot, entry->webroot, err) &&
	       str_set(&added->provider, entry->provider, err) &&
	       str_set(&added->credentials, entry->credentials, err) && str_set(&added->zone_id, entry->zone_id, err) &&
	       str_set(&added->name, entry->name, err) && str_set(&added->value, entry->value, err);
}

static struct published_value *find(struct journal *journal, const char *name, const char *value)
{
	for (size_t i = journal->record.count; i > 0; i--) {
		struct published_value *known = &journal->record.values[i - 1];
		if (str_equal(known->name, name) && str_equal(known->value, value))
			return known;
	}
	return NULL;
}

bool journal_set_record(struct journal *journal, const char *name, const char *value, const char *handle,
			struct error *err)
{
	struct published_value *known = find(journal, name, value);
	return known == NULL || published_value_set_record(known, handle, err);
}

static void drop(struct published_record *record, struct published_value *value)
{
	published_value_done(value);
	*value = record->values[--record->count];
}

void journal_drop(struct journal *journal, const char *name, const char *value)
{
	struct published_value *known = find(journal, name, value);
	if (known != NULL)
		drop(&journal->record, known);
}

/* --- Left behind --- */

static bool remove_value(struct service *service, const struct published_value *value, struct deadline deadline,
			 struct error *err)
{
	const struct dns_provider_module *module = NULL;
	struct dns_provider *provider = NULL;
	if (value->webroot != NULL)
		return solver_webroot_remove(value->webroot, value->name, value->value, err);
	return service_dns_provider(service, value->provider, value->credentials, &module, &provider, err) &&
	       module->remove_txt(provider, value->zone_id, value->name, value->value, value->record,
				  deadline_within(deadline, REMOVE_MS), err);
}

static const char *kind(const struct published_value *value)
{
	return value->webroot != NULL ? "challenge file" : "TXT record";
}

/* The values of one record that are being removed. */
struct sweep {
	struct journal *journal;
	struct deadline deadline;
	bool *removed;
	pthread_mutex_t lock;
	struct error *err; /* the first failure; with the lock */
};

static void sweep_value(void *ctx, size_t index)
{
	struct sweep *sweep = ctx;
	const struct published_value *value = &sweep->journal->record.values[index];
	struct error cause = {0}, failure = {0};
	sweep->removed[index] = remove_value(sweep->journal->service, value, sweep->deadline, &cause);
	if (sweep->removed[index]) {
		log_info("%s: the %s %s that a run before this one left behind is gone", sweep->journal->name,
			 kind(value), value->name);
		return;
	}
	error_set(&failure, cause.category, cause.step,
		  "the %s %s with the value %s, left behind by a run before this one, cannot be removed: %s",
		  kind(value), value->name, value->value, cause.message);
	error_said(&failure, cause.said, strlen(cause.said));
	error_hint(&failure, "%s", cause.hint[0] != '\0' ? cause.hint : "the next run tries again");
	(void)pthread_mutex_lock(&sweep->lock);
	if (!error_is_set(sweep->err))
		*sweep->err = failure;
	(void)pthread_mutex_unlock(&sweep->lock);
}

/* With the certificate's lock. */
static bool sweep_one(struct journal *journal, struct deadline deadline, struct error *err)
{
	struct published_record *record = &journal->record;
	if (!load(journal, err))
		return false;
	AUTO_FREE bool *removed = calloc(record->count + 1, sizeof(*removed));
	struct sweep sweep = {.journal = journal,
			      .deadline = deadline,
			      .removed = removed,
			      .lock = PTHREAD_MUTEX_INITIALIZER,
			      .err = err};
	if (removed == NULL)
		return error_oom(err);
	worker_run_all(record->count, PARALLEL_VALUES, sweep_value, &sweep);
	for (size_t i = record->count; i > 0; i--) {
		if (removed[i - 1])
			drop(record, &record->values[i - 1]);
	}
	return journal_save(journal, err) && !error_is_set(err);
}

void journal_sweep(struct service *service)
{
	CLEANUP(str_list_done) struct str_list names = {0};
	struct deadline deadline = service_deadline(service, SWEEP_MS);
	struct store *store = service_store(service);
	struct error err = {0};

	if (!store_list_records(store, STORE_PUBLISHED, &names, &err)) {
		log_failure(LOG_LEVEL_WARNING, &err);
		return;
	}
	for (size_t i = 0; i < names.len && deadline_left_ms(deadline) > 0; i++) {
		CLEANUP(journal_done) struct journal journal;
		struct error failure = {0};
		journal_init(&journal, service, names.items[i]);
		CLEANUP(store_unlockp)
		struct store_lock *lock =
			store_lock(store, "certificate", names.items[i], deadline_in(0, /* cancel= */ NULL), &failure);
		/* Busy: these are its values, and it removes them. */
		if (lock == NULL || sweep_one(&journal, deadline, &failure))
			continue;
		error_context(&failure, "clean-up", names.items[i], /* server= */ NULL);
		log_failure(LOG_LEVEL_WARNING, &failure);
	}
}

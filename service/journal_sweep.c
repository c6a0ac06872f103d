/* SPDX-License-Identifier: Apache-2.0 */
/* Removes through the same providers and webroots that published it, one certificate's lock at a time. */
#include "service/journal_sweep.h"

#include "base/log.h"
#include "dns-providers/provider.h"
#include "service/solver.h"
#include "service/worker.h"
#include "store/published_record.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	REMOVE_MS = 30 * 1000,
	SWEEP_MS = 120 * 1000, /* of all: a vendor that hangs must not hold up the certificates for longer */
	PARALLEL_VALUES = 4,   /* a provider that wants less at once sees to that itself */
};

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
	struct service *service;
	const char *name;
	struct published_record record;
	struct deadline deadline;
	bool *removed;
	pthread_mutex_t lock;
	struct error *err; /* the first failure; with the lock */
};

static void sweep_value(void *ctx, size_t index)
{
	struct sweep *sweep = ctx;
	const struct published_value *value = &sweep->record.values[index];
	struct error cause = {0}, failure = {0};
	sweep->removed[index] = remove_value(sweep->service, value, sweep->deadline, &cause);
	if (sweep->removed[index]) {
		log_info("%s: the %s %s that a run before this one left behind is gone", sweep->name, kind(value),
			 value->name);
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

static void sweep_done(struct sweep *sweep)
{
	published_record_done(&sweep->record);
	free(sweep->removed);
}

/* With the certificate's lock. */
static bool sweep_one(struct service *service, const char *name, struct deadline deadline, struct error *err)
{
	CLEANUP(sweep_done)
	struct sweep sweep = {
		.service = service, .name = name, .deadline = deadline, .lock = PTHREAD_MUTEX_INITIALIZER, .err = err};
	struct published_record *record = &sweep.record;
	if (!published_record_load(service_store(service), name, record, err))
		return false;
	sweep.removed = calloc(record->count + 1, sizeof(*sweep.removed));
	if (sweep.removed == NULL)
		return error_oom(err);
	worker_run_all(record->count, PARALLEL_VALUES, sweep_value, &sweep);
	for (size_t i = record->count; i > 0; i--) {
		if (sweep.removed[i - 1])
			published_record_drop(record, i - 1);
	}
	return published_record_save(service_store(service), name, record, err) && !error_is_set(err);
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
		struct error failure = {0};
		CLEANUP(store_unlockp)
		struct store_lock *lock =
			store_lock(store, "certificate", names.items[i], deadline_in(0, /* cancel= */ NULL), &failure);
		/* Busy: these are its values, and it removes them. */
		if (lock == NULL || sweep_one(service, names.items[i], deadline, &failure))
			continue;
		error_context(&failure, "clean-up", names.items[i], /* server= */ NULL);
		log_failure(LOG_LEVEL_WARNING, &failure);
	}
}

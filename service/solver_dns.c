/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-01 (RFC 8555 §8.4) and dns-account-01 through DNS providers: follow each name's CNAMEs, find who has the zone
 * they end in, publish all values, several at once, wait once until all authoritative servers show all of them, and
 * afterwards remove exactly what was published.
 */
#include "service/solver.h"

#include "base/log.h"
#include "dns-providers/provider.h"
#include "service/dns_holder.h"
#include "service/dns_propagation.h"
#include "service/journal.h"
#include "service/worker.h"
#include "transport/dns_zone.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CLEANUP_MS = 120 * 1000,
	CLEANUP_EACH_MS = 1000, /* more for each value: a vendor's call takes some hundred milliseconds */
	REMOVE_MS = 30 * 1000,  /* one record: a vendor that hangs leaves time for the others */
};

/* A value that was, or may have been, published. Two tasks with the same name and value share one. */
struct published {
	char name[256]; /* aliases followed */
	char value[64];
	struct dns_place place;
	const struct acme_challenge_task *task; /* while it is being published */
	bool begun;                             /* the provider was told of it: it may stand there */
	bool under_way;                         /* and given up on by Ctrl-C: it may yet come to stand there */
	char *record; /* the vendor's handle; NULL when it gave none, or when the answer was lost */
};

struct dns_solver {
	struct dns_resolver *resolver;
	struct dns_holders holders;
	const struct renewal *wanted;
	struct journal journal;
	struct published *published;
	size_t count;
};

static bool already_published(const struct dns_solver *solver, const char *name, const char *value)
{
	for (size_t i = 0; i < solver->count; i++) {
		if (str_equal(solver->published[i].name, name) && str_equal(solver->published[i].value, value))
			return true;
	}
	return false;
}

/* --- Where values go --- */

/* One entry for each value at the end of its task's CNAMEs. */
static bool add_entries(struct dns_solver *solver, const struct acme_challenge_task *tasks, size_t count,
			struct deadline deadline, struct error *err)
{
	AUTO_FREE const char **names = calloc(count + 1, sizeof(*names));
	AUTO_FREE char(*ends)[256] = calloc(count + 1, sizeof(*ends));
	/* Behind what is there: names authorized ahead of the order and those of the order come one after the other. */
	struct published *grown = reallocarray(solver->published, solver->count + count + 1, sizeof(*grown));
	if (grown != NULL)
		solver->published = grown;
	if (grown == NULL || names == NULL || ends == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		names[i] = tasks[i].dns_name;
	if (!dns_follow_aliases(solver->resolver, names, count, deadline, ends, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct published *entry = &solver->published[solver->count];
		if (already_published(solver, ends[i], tasks[i].dns_value))
			continue;
		*entry = (struct published){.task = &tasks[i]};
		memcpy(entry->name, ends[i], sizeof(entry->name));
		(void)snprintf(entry->value, sizeof(entry->value), "%s", tasks[i].dns_value);
		solver->count++;
	}
	return true;
}

/*
 * The provider and zone of ENTRY, whose zone DNS calls APEX. Where its CNAME leads to nobody's zone and is a
 * wildcard's, such as one to whoever hosts the web site, the value goes to the name itself, before which the wildcard
 * gives way.
 */
static bool find_place(struct dns_solver *solver, struct published *entry, const char *apex, struct deadline deadline,
		       struct error *err)
{
	const char *asked = entry->task->dns_name;
	const struct dns_place_wanted wanted = {.asked = asked, .name = entry->name, .apex = apex};
	struct error cause = {0}, ignored = {0};
	char own_apex[1][256];

	if (dns_holders_find(&solver->holders, &wanted, deadline, &entry->place, &cause))
		return true;
	if (cause.absent && dns_alias_is_wildcard(solver->resolver, asked, entry->name, deadline) &&
	    dns_find_zones(solver->resolver, &asked, 1, deadline, own_apex, &ignored)) {
		const struct dns_place_wanted itself = {.asked = asked, .name = asked, .apex = own_apex[0]};
		if (dns_holders_find(&solver->holders, &itself, deadline, &entry->place, &ignored)) {
			log_debug("%s: a wildcard's CNAME, to %s, is not followed", asked, entry->name);
			(void)snprintf(entry->name, sizeof(entry->name), "%s", asked);
			return true;
		}
	}
	*err = cause;
	return false;
}

/* The same of each entry from FIRST on. */
static bool find_places(struct dns_solver *solver, size_t first, struct deadline deadline, struct error *err)
{
	size_t count = solver->count - first;
	AUTO_FREE const char **names = calloc(count + 1, sizeof(*names));
	AUTO_FREE char(*apexes)[256] = calloc(count + 1, sizeof(*apexes));
	if (names == NULL || apexes == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		names[i] = solver->published[first + i].name;
	if (!dns_find_zones(solver->resolver, names, count, deadline, apexes, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!find_place(solver, &solver->published[first + i], apexes[i], deadline, err))
			return false;
	}
	return true;
}

/* On record before anything is published: whatever may stand at a provider is listed there. */
static bool list_entries(struct dns_solver *solver, size_t first, struct error *err)
{
	for (size_t i = first; i < solver->count; i++) {
		const struct published *entry = &solver->published[i];
		const struct journal_entry listed = {.provider = entry->place.holder->name,
						     .credentials = entry->place.holder->credentials,
						     .zone_id = entry->place.zone_id,
						     .name = entry->name,
						     .value = entry->value};
		if (!journal_add(&solver->journal, &listed, err))
			return false;
	}
	return journal_save(&solver->journal, err);
}

/* --- Publishing --- */

/* REMAINING values follow. */
static bool announce(const struct published *entry, size_t remaining, struct error *err)
{
	const struct dns_holder *holder = entry->place.holder;
	const struct dns_challenge challenge = {.domain = identifier_base(&entry->task->identifier),
						.token = entry->task->token,
						.key_authorization = entry->task->key_authorization,
						.remaining = remaining};
	return holder->module->announce == NULL ||
	       holder->module->announce(holder->provider, entry->name, entry->value, &challenge, err);
}

/* Values of one provider that are worked on side by side. */
struct batch {
	struct published **entries;
	size_t count;
	struct deadline deadline;
	pthread_mutex_t lock;
	struct error *err; /* the first failure; with the lock */
	atomic_bool failed;
};

static void note_failure(struct batch *batch, const struct error *cause)
{
	atomic_store(&batch->failed, true);
	(void)pthread_mutex_lock(&batch->lock);
	if (!error_is_set(batch->err))
		*batch->err = *cause;
	(void)pthread_mutex_unlock(&batch->lock);
}

/* WORK for the values from FIRST on, for each provider as many at once as it wants. */
static bool work_on(struct dns_solver *solver, size_t first, worker_job *work, struct deadline deadline,
		    struct error *err)
{
	AUTO_FREE struct published **entries = calloc(solver->count + 1, sizeof(*entries));
	struct batch batch = {.entries = entries, .deadline = deadline, .lock = PTHREAD_MUTEX_INITIALIZER, .err = err};
	if (entries == NULL)
		return error_oom(err);
	for (size_t i = 0; i < solver->holders.count; i++) {
		const struct dns_holder *holder = &solver->holders.items[i];
		batch.count = 0;
		for (size_t j = first; j < solver->count; j++) {
			if (solver->published[j].place.holder == holder)
				entries[batch.count++] = &solver->published[j];
		}
		if (batch.count > 0)
			worker_run_all(batch.count, holder->module->at_once, work, &batch);
	}
	return !atomic_load(&batch.failed);
}

static bool publish(struct published *entry, size_t remaining, struct deadline deadline, struct error *err)
{
	const struct dns_holder *holder = entry->place.holder;
	/* Before the call: an answer that is lost may still have made the record. */
	entry->begun = true;
	log_debug("%s: adding a TXT record at %s in zone %s", holder->module->title, entry->name, entry->place.zone);
	return announce(entry, remaining, err) &&
	       holder->module->add_txt(holder->provider, entry->place.zone_id, entry->name, entry->value, deadline,
				       &entry->record, err);
}

static void publish_one(void *ctx, size_t index)
{
	struct batch *batch = ctx;
	struct published *entry = batch->entries[index];
	struct error cause = {0};
	/* Once one has failed no others are begun: they would only have to be removed. */
	if (atomic_load(&batch->failed) || publish(entry, batch->count - index - 1, batch->deadline, &cause))
		return;
	/* Given up on is not the same as not done: it may yet come to stand there. */
	entry->under_way = cause.category == ERROR_CANCELLED || cause.category == ERROR_TIMEOUT || cause.transient;
	note_failure(batch, &cause);
}

/* The handles are noted too: by them what a killed run left is removed without a search, and programs get theirs. */
static bool publish_all(struct dns_solver *solver, size_t first, struct deadline deadline, struct error *err)
{
	if (!work_on(solver, first, publish_one, deadline, err))
		return false;
	for (size_t i = first; i < solver->count; i++) {
		const struct published *entry = &solver->published[i];
		if (!journal_set_record(&solver->journal, entry->name, entry->value, entry->record, err))
			return false;
	}
	return journal_save(&solver->journal, err);
}

/* What HOLDER was given. */
static bool wait_published(const struct dns_solver *solver, const struct dns_holder *holder, struct deadline deadline,
			   struct error *err)
{
	AUTO_FREE struct dns_expectation *expected = calloc(solver->count + 1, sizeof(*expected));
	size_t count = 0;
	if (expected == NULL)
		return error_oom(err);
	for (size_t i = 0; i < solver->count; i++) {
		const struct published *entry = &solver->published[i];
		if (entry->place.holder == holder)
			expected[count++] = (struct dns_expectation){.name = entry->name, .value = entry->value};
	}
	return count == 0 ||
	       dns_propagation_wait(holder->module, holder->provider, solver->resolver, expected, count, deadline,
				    /* progress= */ NULL, /* ctx= */ NULL, err);
}

static bool dns_present(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct deadline deadline,
			struct error *err)
{
	struct dns_solver *solver = ctx;
	size_t first = solver->count;

	if (!add_entries(solver, tasks, count, deadline, err) || !find_places(solver, first, deadline, err) ||
	    !list_entries(solver, first, err) || !publish_all(solver, first, deadline, err))
		return false;
	for (size_t i = 0; i < solver->holders.count; i++) {
		if (!wait_published(solver, &solver->holders.items[i], deadline, err))
			return false;
	}
	return true;
}

/* --- Removing --- */

static void forget_published(struct dns_solver *solver)
{
	for (size_t i = 0; i < solver->count; i++) {
		dns_place_done(&solver->published[i].place);
		free(solver->published[i].record);
	}
	solver->count = 0;
}

static void remove_one(void *ctx, size_t index)
{
	struct batch *batch = ctx;
	struct published *entry = batch->entries[index];
	const struct dns_holder *holder = entry->place.holder;
	struct error cause = {0}, failure = {0};
	if (!entry->begun ||
	    holder->module->remove_txt(holder->provider, entry->place.zone_id, entry->name, entry->value, entry->record,
				       deadline_within(batch->deadline, REMOVE_MS), &cause)) {
		entry->begun = false;
		return;
	}
	/* What is left behind comes first, whatever the vendor's own advice is. */
	error_set(&failure, ERROR_DNS, cause.step, "the TXT record %s with the value %s is left behind: %s",
		  entry->name, entry->value, cause.message);
	error_said(&failure, cause.said, strlen(cause.said));
	error_hint(&failure, "%s",
		   cause.hint[0] != '\0' ? cause.hint : "the next run tries again; or remove it by hand");
	note_failure(batch, &failure);
}

static bool dns_cleanup(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct error *err)
{
	struct dns_solver *solver = ctx;
	/* Not the run's deadline: what was published is removed after a timeout and after Ctrl-C too. */
	struct deadline deadline =
		deadline_in(CLEANUP_MS + (int64_t)solver->count * CLEANUP_EACH_MS, /* cancel= */ NULL);

	(void)tasks;
	(void)count;
	bool ok = work_on(solver, 0, remove_one, deadline, err);
	for (size_t i = 0; i < solver->count; i++) {
		const struct published *entry = &solver->published[i];
		/* What was under way may arrive after we looked: the next run looks again. */
		if (!entry->begun && !entry->under_way)
			journal_drop(&solver->journal, entry->name, entry->value);
	}
	forget_published(solver);
	return journal_save(&solver->journal, err) && ok;
}

void *solver_dns_open(struct service *service, const struct renewal *wanted, struct acme_solver *ret_port,
		      struct error *err)
{
	struct dns_solver *solver = calloc(1, sizeof(*solver));
	if (solver == NULL) {
		error_oom(err);
		return NULL;
	}
	solver->wanted = wanted;
	journal_init(&solver->journal, service, wanted->name);
	solver->resolver = service_resolver(service, err);
	if (solver->resolver == NULL ||
	    !dns_holders_open(service, wanted->dns_provider, wanted->dns_credentials, &solver->holders, err)) {
		solver_dns_close(solver);
		return NULL;
	}
	*ret_port = (struct acme_solver){
		.ctx = solver,
		.type = wanted->challenge,
		.present = dns_present,
		.cleanup = dns_cleanup,
	};
	return solver;
}

void solver_dns_close(void *ctx)
{
	struct dns_solver *solver = ctx;
	forget_published(solver);
	journal_done(&solver->journal);
	dns_holders_done(&solver->holders);
	free(solver->published);
	free(solver);
}

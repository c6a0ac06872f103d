/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-01 (RFC 8555 §8.4) and dns-account-01 through a DNS provider: follow each name's CNAMEs, publish every value,
 * wait once until all authoritative servers show all of them, and afterwards remove exactly what was published.
 */
#include "service/solver.h"

#include "base/log.h"
#include "dns-providers/provider.h"
#include "service/dns_propagation.h"
#include "service/journal.h"
#include "transport/dns_zone.h"

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
	char *zone_id;
	char *zone;
	char *record; /* the vendor's handle; NULL when it gave none, or when the answer was lost */
};

struct dns_solver {
	struct dns_resolver *resolver;
	const struct dns_provider_module *module;
	struct dns_provider *provider;
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

static bool announce(const struct dns_solver *solver, const char *name, const struct acme_challenge_task *task,
		     size_t remaining, struct error *err)
{
	const struct dns_challenge challenge = {.domain = identifier_base(&task->identifier),
						.token = task->token,
						.key_authorization = task->key_authorization,
						.remaining = remaining};
	return solver->module->announce == NULL ||
	       solver->module->announce(solver->provider, name, task->dns_value, &challenge, err);
}

/* REMAINING tasks follow. */
static bool publish(struct dns_solver *solver, const struct acme_challenge_task *task, size_t remaining,
		    struct deadline deadline, struct error *err)
{
	struct published *entry = &solver->published[solver->count];
	const char *asked = task->dns_name;
	char names[1][256], *name = names[0];

	if (!dns_follow_aliases(solver->resolver, &asked, 1, deadline, names, err))
		return false;
	if (already_published(solver, name, task->dns_value))
		return true;
	*entry = (struct published){0};
	(void)snprintf(entry->name, sizeof(entry->name), "%s", name);
	(void)snprintf(entry->value, sizeof(entry->value), "%s", task->dns_value);
	if (!solver->module->find_zone(solver->provider, name, deadline, &entry->zone_id, &entry->zone, err))
		return false;
	const struct journal_entry listed = {.provider = solver->wanted->dns_provider,
					     .credentials = solver->wanted->dns_credentials,
					     .zone_id = entry->zone_id,
					     .name = entry->name,
					     .value = entry->value};
	/* Counted before the call: an answer that is lost may still have made the record. */
	solver->count++;
	if (!announce(solver, name, task, remaining, err) || !journal_add(&solver->journal, &listed, err) ||
	    !journal_save(&solver->journal, err))
		return false;
	log_debug("%s: adding a TXT record at %s in zone %s", solver->module->title, name, entry->zone);
	return solver->module->add_txt(solver->provider, entry->zone_id, name, task->dns_value, deadline,
				       &entry->record, err) &&
	       journal_set_record(&solver->journal, name, entry->value, entry->record, err);
}

static bool wait_published(const struct dns_solver *solver, struct deadline deadline, struct error *err)
{
	AUTO_FREE struct dns_expectation *expected = calloc(solver->count ? solver->count : 1, sizeof(*expected));
	if (expected == NULL)
		return error_oom(err);
	for (size_t i = 0; i < solver->count; i++) {
		expected[i].name = solver->published[i].name;
		expected[i].value = solver->published[i].value;
	}
	return dns_propagation_wait(solver->module, solver->provider, solver->resolver, expected, solver->count,
				    deadline, /* progress= */ NULL, /* ctx= */ NULL, err);
}

static bool dns_present(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct deadline deadline,
			struct error *err)
{
	struct dns_solver *solver = ctx;

	/* Behind what is there: names authorized ahead of the order and those of the order come one after the other. */
	struct published *grown = reallocarray(solver->published, solver->count + count + 1, sizeof(*grown));
	if (grown == NULL)
		return error_oom(err);
	solver->published = grown;
	for (size_t i = 0; i < count; i++) {
		if (!publish(solver, &tasks[i], count - i - 1, deadline, err))
			return false;
	}
	return journal_save(&solver->journal, err) && wait_published(solver, deadline, err);
}

static void forget_published(struct dns_solver *solver)
{
	for (size_t i = 0; i < solver->count; i++) {
		free(solver->published[i].zone_id);
		free(solver->published[i].zone);
		free(solver->published[i].record);
	}
	solver->count = 0;
}

static bool dns_cleanup(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct error *err)
{
	struct dns_solver *solver = ctx;
	/* Not the run's deadline: what was published is removed after a timeout and after Ctrl-C too. */
	struct deadline deadline =
		deadline_in(CLEANUP_MS + (int64_t)solver->count * CLEANUP_EACH_MS, /* cancel= */ NULL);
	bool ok = true;

	(void)tasks;
	(void)count;
	for (size_t i = 0; i < solver->count; i++) {
		const struct published *entry = &solver->published[i];
		struct error cause = {0};
		if (solver->module->remove_txt(solver->provider, entry->zone_id, entry->name, entry->value,
					       entry->record, deadline_within(deadline, REMOVE_MS), &cause)) {
			journal_drop(&solver->journal, entry->name, entry->value);
			continue;
		}
		/* What is left behind comes first, whatever the vendor's own advice is. */
		error_set(err, ERROR_DNS, cause.step, "the TXT record %s with the value %s is left behind: %s",
			  entry->name, entry->value, cause.message);
		error_said(err, cause.said, strlen(cause.said));
		error_hint(err, "%s", cause.hint[0] != '\0' ? cause.hint : "remove it by hand");
		ok = false;
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
	    !service_dns_provider(service, wanted, &solver->module, &solver->provider, err)) {
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
	free(solver->published);
	free(solver);
}

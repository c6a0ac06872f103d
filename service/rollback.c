/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under the certificate's lock: choose, check, write down, switch. The record comes before the switch: a run that is
 * killed between the two leaves a record that the live link contradicts, which the next one puts right (plan.c), and
 * nothing was rolled back. Killed behind the switch, the next run brings it to the servers.
 */
#include "service/rollback.h"

#include "acme/chain.h"
#include "base/log.h"
#include "service/apply.h"
#include "service/key_guard.h"
#include "service/live_facts.h"
#include "store/revoked_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char step[] = "rollback";

/* One rollback, under the certificate's lock. */
struct rollback {
	struct service *service;
	const struct rollback_request *request;
	struct renewal record;
	uint64_t *numbers; /* of the generations there are, ascending */
	size_t number_count;
	uint64_t live; /* before */
	uint64_t to;
	struct generation target;
	struct chain *chain;   /* of target */
	struct str_list notes; /* for the result */
};

static void rollback_done(struct rollback *rollback)
{
	renewal_done(&rollback->record);
	free(rollback->numbers);
	generation_done(&rollback->target);
	chain_free(rollback->chain);
	str_list_done(&rollback->notes);
}

/* --- Which generation --- */

static bool load(struct rollback *rollback, struct error *err)
{
	struct store *store = service_store(rollback->service);
	const char *name = rollback->request->name;
	bool found = false, linked = false;

	if (!renewal_load(store, name, &rollback->record, &found, err) ||
	    !store_live_number(store, name, &rollback->live, &linked, err) ||
	    !store_list_generations(store, name, &rollback->numbers, &rollback->number_count, err))
		return false;
	if (found && linked)
		return true;
	(void)error_set(err, ERROR_USAGE, step, "no stored certificate is called \"%s\"", name);
	error_hint(err, "`certferry list` shows what is stored");
	return false;
}

/* Which there are: the newest ones, where there are many. */
static void hint_numbers(const struct rollback *rollback, struct error *err)
{
	enum { MOST = 20 };
	size_t count = rollback->number_count;
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, ERROR_TEXT_MAX / 2);
	for (size_t i = count > MOST ? count - MOST : 0; i < count; i++)
		buf_printf(&text, "%s%llu%s", text.len > 0 ? ", " : "", (unsigned long long)rollback->numbers[i],
			   rollback->numbers[i] == rollback->live ? " (live)" : "");
	error_hint(err, "there are: %s%s", count > MOST ? "…, " : "", buf_cstr(&text));
}

static bool is_there(const struct rollback *rollback, uint64_t number)
{
	for (size_t i = 0; i < rollback->number_count; i++)
		if (rollback->numbers[i] == number)
			return true;
	return false;
}

/* The live link and the record agree that a rollback has been done. */
static bool was_done(const struct rollback *rollback)
{
	return rollback->record.rolled_back_from != 0 && rollback->record.generation == rollback->live;
}

static bool choose(struct rollback *rollback, struct error *err)
{
	const struct rollback_request *request = rollback->request;
	bool ok;

	rollback->to = request->to;
	/* Again without a number: the first time may have been cut off, and must not go further back than asked for. */
	if (request->to == 0 && was_done(rollback))
		rollback->to = rollback->live;
	if (rollback->to == 0)
		for (size_t i = 0; i < rollback->number_count && rollback->numbers[i] < rollback->live; i++)
			rollback->to = rollback->numbers[i];
	ok = is_there(rollback, rollback->to);
	if (!ok && request->to == 0)
		(void)error_set(err, ERROR_USAGE, step, "there is no generation before the live one, %llu",
				(unsigned long long)rollback->live);
	else if (!ok)
		(void)error_set(err, ERROR_USAGE, step, "there is no generation %llu", (unsigned long long)request->to);
	if (!ok)
		hint_numbers(rollback, err);
	return ok;
}

/* --- May it become live? --- */

/* A reason against it: refused, or with --force only noted. */
static bool object(struct rollback *rollback, const char *reason, struct error *err)
{
	if (rollback->request->force) {
		log_warning("%s: generation %llu %s", rollback->request->name, (unsigned long long)rollback->to,
			    reason);
		return str_list_add(&rollback->notes, reason, err);
	}
	(void)error_set(err, ERROR_STORE, step, "generation %llu %s", (unsigned long long)rollback->to, reason);
	error_hint(err, "the live one stays; --force makes it live all the same, --to-generation chooses another");
	return false;
}

static bool check_dates(struct rollback *rollback, struct error *err)
{
	char when[RFC3339_SIZE], reason[256];
	struct chain_info info;

	if (!chain_info(rollback->chain, &info, err))
		return error_attribute(err, ERROR_STORE, step);
	if (clock_wall() < info.not_after)
		return true;
	(void)snprintf(reason, sizeof(reason), "expired on %s", rfc3339_format(info.not_after, when));
	return object(rollback, reason, err);
}

static bool check_revocation(struct rollback *rollback, struct error *err)
{
	const struct renewal *record = &rollback->record;
	CLEANUP(revoked_key_done) struct revoked_key revoked = {0};
	char when[RFC3339_SIZE], reason[256];
	bool found = false;

	CLEANUP(key_freep) struct key *key = generation_key(&rollback->target, err);
	if (key == NULL)
		return error_attribute(err, ERROR_STORE, step);
	if (!revoked_key_load(service_store(rollback->service), key, &revoked, &found, err))
		return false;
	if (found) {
		(void)snprintf(reason, sizeof(reason), "has a key that others may have, as was said on %.10s",
			       rfc3339_format(revoked.revoked_at, when));
		return object(rollback, reason, err);
	}
	if (!is_generation_revoked(record, rollback->to))
		return true;
	(void)snprintf(reason, sizeof(reason), "was revoked");
	if (record->revoked_generation == rollback->to)
		(void)snprintf(reason, sizeof(reason), "was revoked on %.10s (%.64s)",
			       rfc3339_format(record->revoked_at, when),
			       record->revoked_reason != NULL ? record->revoked_reason : "no reason");
	return object(rollback, reason, err);
}

static bool check_names(struct rollback *rollback, struct error *err)
{
	const struct renewal *record = &rollback->record;
	AUTO_FREE struct identifier *names = NULL;
	char reason[IDENTIFIER_MAX + 64];
	size_t count = 0;

	if (!chain_identifiers(rollback->chain, &names, &count, err))
		return error_attribute(err, ERROR_STORE, step);
	for (size_t i = 0; i < record->identifier_count; i++) {
		bool found = false;
		for (size_t j = 0; j < count && !found; j++)
			found = identifier_equal(&record->identifiers[i], &names[j]);
		if (found)
			continue;
		(void)snprintf(reason, sizeof(reason), "is not valid for %s", record->identifiers[i].value);
		return object(rollback, reason, err);
	}
	return true;
}

/* It reads whole, its key fits, and nothing speaks against serving it. */
static bool check_target(struct rollback *rollback, struct error *err)
{
	struct generation *target = &rollback->target;
	bool found = false;

	if (!store_read_generation(service_store(rollback->service), rollback->request->name, rollback->to, target,
				   &found, err))
		return false;
	if (!found)
		return error_set(err, ERROR_STORE, step, "generation %llu is gone", (unsigned long long)rollback->to);
	rollback->chain = chain_parse(target->fullchain, strlen(target->fullchain), err);
	if (rollback->chain == NULL)
		return error_attribute(err, ERROR_STORE, step);
	return check_revocation(rollback, err) && check_dates(rollback, err) && check_names(rollback, err);
}

/* --- Here --- */

/* How it was issued stays; what is live changes. The newest generation being live is no rollback. */
static bool write_down(struct rollback *rollback, struct error *err)
{
	struct renewal *record = &rollback->record;
	uint64_t newest = rollback->numbers[rollback->number_count - 1];

	if (!live_facts_take(rollback->service, rollback->chain, record, err))
		return error_attribute(err, ERROR_STORE, step);
	record->generation = rollback->to;
	record->rolled_back_from = rollback->to < newest ? newest : 0;
	renewal_forget_hooks(record);
	record->deploy_hooks_due = true;
	return renewal_save(service_store(rollback->service), record, err);
}

static bool note_due(struct rollback *rollback, struct error *err)
{
	const struct renewal *record = &rollback->record;
	char when[RFC3339_SIZE];

	if (clock_wall() < record->renew_at)
		return true;
	AUTO_FREE char *note =
		str_format(err, "it is due for renewal since %s: the next `apply` or `renew` replaces it",
			   rfc3339_format(record->renew_at, when));
	if (note == NULL)
		return false;
	log_warning("%s: %s", record->name, note);
	return str_list_add(&rollback->notes, note, err);
}

static bool switch_here(struct rollback *rollback, struct error *err)
{
	struct service *service = rollback->service;
	const char *name = rollback->request->name;
	struct deadline deadline = service_deadline(service, service_options(service)->lock_timeout_ms);

	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(service), "certificate", name, deadline, err);
	if (lock == NULL || !load(rollback, err) || !choose(rollback, err))
		return false;
	if (rollback->to == rollback->live)
		return true;
	return check_target(rollback, err) && deadline_check(deadline, step, err) && write_down(rollback, err) &&
	       store_make_live(service_store(service), name, rollback->to, err) && note_due(rollback, err);
}

/* --- And for its deploy hooks and servers --- */

static void describe(const struct rollback *rollback, struct certificate_result *ret)
{
	if (rollback->to != rollback->live)
		(void)snprintf(ret->reason, sizeof(ret->reason), "generation %llu is live again, in place of %llu",
			       (unsigned long long)rollback->to, (unsigned long long)rollback->live);
	else
		(void)snprintf(ret->reason, sizeof(ret->reason), "generation %llu was live already%s",
			       (unsigned long long)rollback->to,
			       rollback->request->to == 0 ? "; --to-generation goes further back" : "");
}

bool rollback_certificate(struct service *service, const struct rollback_request *request, struct run_result *ret,
			  struct error *err)
{
	/* What the servers have is looked at: a run that was cut off may not have written it down. */
	static const struct deploy_options options = {.compare = true, .by_hand = true};
	CLEANUP(rollback_done) struct rollback rollback = {.service = service, .request = request};
	CLEANUP(str_list_done) struct str_list names = {0};
	CLEANUP(plan_done) struct plan plan = {0};

	if (!switch_here(&rollback, err)) {
		error_context(err, step, request->name, /* server= */ NULL);
		return false;
	}
	if (!str_list_add(&names, request->name, err) ||
	    !plan_from_store(service, &names, /* force= */ false, &plan, err) ||
	    !deploy_only(service, &plan, &options, ret, err)) {
		if (rollback.to != rollback.live) {
			err->hint[0] = '\0'; /* this comes first */
			error_hint(err,
				   "generation %llu is live again here; `certferry deploy %s` brings it to its servers",
				   (unsigned long long)rollback.to, request->name);
		}
		return false;
	}
	describe(&rollback, &ret->certificates[0]);
	/* What is live here has changed, whatever came of the servers. */
	ret->deploy_only = rollback.to == rollback.live;
	ret->certificates[0].notes = rollback.notes;
	rollback.notes = (struct str_list){0};
	return true;
}

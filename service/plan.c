/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what is wanted with what is stored. */
#include "service/plan.h"

#include "acme/chain.h"
#include "config/config.h"
#include "service/backoff.h"
#include "service/key_guard.h"
#include "service/live_facts.h"
#include "service/own_csr.h"
#include "service/placement.h"
#include "service/wanted.h"
#include "transport/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		served_free(plan->items[i].served, plan->items[i].wanted.server_count);
		renewal_done(&plan->items[i].wanted);
		free(plan->items[i].error);
	}
	free(plan->items);
	*plan = (struct plan){0};
}

/* Why the live certificate is not the wanted one, or false. Names first: that is what a user would notice. */
static bool differs(const struct renewal *wanted, const struct renewal *stored, char reason[256])
{
	if (!identifiers_equal(wanted->identifiers, wanted->identifier_count, stored->identifiers,
			       stored->identifier_count)) {
		(void)snprintf(reason, 256, "the names changed");
		return true;
	}
	if (wanted->key_type != stored->key_type) {
		(void)snprintf(reason, 256, "the key type changed from %s to %s", key_type_name(stored->key_type),
			       key_type_name(wanted->key_type));
		return true;
	}
	if (wanted->csr != stored->csr && !str_equal(wanted->csr, stored->csr)) {
		(void)snprintf(reason, 256, "%s",
			       wanted->csr == NULL   ? "the key is to be ours"
			       : stored->csr == NULL ? "the key is to be that of a certificate request"
						     : "the certificate request changed");
		return true;
	}
	if (!str_equal(wanted->ca_url, stored->ca_url)) {
		(void)snprintf(reason, 256, "the CA changed from %.80s to %.80s", stored->ca_name, wanted->ca_name);
		return true;
	}
	/* What was chosen by itself counts for nothing here, unless the user now says the same. */
	const char *had = stored->profile == NULL && str_equal(wanted->profile, stored->profile_issued)
				  ? stored->profile_issued
				  : stored->profile;
	if (wanted->profile != had && !str_equal(wanted->profile, had)) {
		(void)snprintf(reason, 256, "the profile changed from %.80s to %.80s",
			       stored->profile ? stored->profile : "the CA's default",
			       wanted->profile ? wanted->profile : "the CA's default");
		return true;
	}
	return false;
}

enum { WINDOW_SIZE = 2 * RFC3339_SIZE + 64 };

/* What the CA suggests, to follow a sentence; empty where it does not. */
static const char *suggestion(const struct renewal *wanted, char out[WINDOW_SIZE])
{
	char start[RFC3339_SIZE], end[RFC3339_SIZE];
	out[0] = '\0';
	if (wanted->ari.start != 0)
		(void)snprintf(out, WINDOW_SIZE, ": the CA suggests between %s and %s",
			       rfc3339_format(wanted->ari.start, start), rfc3339_format(wanted->ari.end, end));
	return out;
}

enum plan_action plan_decide(const struct renewal *wanted, const struct renewal *stored, int64_t now, bool force,
			     char reason[256])
{
	char when[RFC3339_SIZE], window[WINDOW_SIZE];

	if (stored == NULL || wanted->generation == 0) {
		(void)snprintf(reason, 256, "there is no certificate yet");
		return PLAN_ISSUE;
	}
	if (is_live_revoked(wanted)) {
		(void)snprintf(reason, 256, "revoked");
		if (wanted->revoked_generation == wanted->generation)
			(void)snprintf(reason, 256, "revoked on %.10s (%.64s)",
				       rfc3339_format(wanted->revoked_at, when),
				       wanted->revoked_reason != NULL ? wanted->revoked_reason : "no reason");
		return PLAN_RENEW;
	}
	if (differs(wanted, stored, reason))
		return PLAN_RENEW;
	if (force) {
		(void)snprintf(reason, 256, "forced");
		return PLAN_RENEW;
	}
	if (now >= wanted->not_after) {
		(void)snprintf(reason, 256, "expired on %s", rfc3339_format(wanted->not_after, when));
		return PLAN_RENEW;
	}
	const char *by_ca = suggestion(wanted, window);
	if (now >= wanted->renew_at) {
		(void)snprintf(reason, 256, "due since %s%s", rfc3339_format(wanted->renew_at, when), by_ca);
		return PLAN_RENEW;
	}
	char rolled_back[64] = "";
	if (wanted->rolled_back_from != 0)
		(void)snprintf(rolled_back, sizeof(rolled_back), "rolled back from generation %llu, ",
			       (unsigned long long)wanted->rolled_back_from);
	(void)snprintf(reason, 256, "valid, %srenews on %s%s", rolled_back, rfc3339_format(wanted->renew_at, when),
		       by_ca);
	return PLAN_NONE;
}

/* Which key the live generation is for: ours, or that of a request. */
static bool adopt_key(const struct generation *live, struct renewal *stored, struct error *err)
{
	if (live->request != NULL) {
		CLEANUP(csr_freep) struct csr *csr = csr_parse(live->request, strlen(live->request), err);
		if (csr == NULL || !own_csr_remember(csr, stored, err))
			return false;
		return true;
	}
	CLEANUP(key_freep) struct key *key = key_from_pem(&live->privkey, err);
	if (key == NULL)
		return false;
	stored->key_type = key_get_type(key);
	return true;
}

/*
 * The live generation is newer than the record (a run was killed between the two writes): take its facts into STORED.
 * How it was issued is what WANTED says as far as the certificate itself shows it, its names and key.
 */
static bool adopt_live(struct service *service, const struct renewal *wanted, struct renewal *stored, bool *ret_adopted,
		       struct error *err)
{
	CLEANUP(generation_done) struct generation live = {0};
	bool found = false;

	*ret_adopted = false;
	if (!store_read_live(service_store(service), wanted->name, &live, &found, err))
		return false;
	if (!found)
		return true;
	CLEANUP(chain_freep) struct chain *chain = chain_parse(live.fullchain, strlen(live.fullchain), err);
	if (chain == NULL || !adopt_key(&live, stored, err))
		return error_attribute(err, ERROR_STORE, "read-live");

	free(stored->identifiers);
	stored->identifiers = NULL;
	stored->identifier_count = 0;
	if (!chain_identifiers(chain, &stored->identifiers, &stored->identifier_count, err) ||
	    !str_set(&stored->name, wanted->name, err) || !str_set(&stored->ca_url, wanted->ca_url, err) ||
	    !str_set(&stored->ca_name, wanted->ca_name, err) || !str_set(&stored->profile, wanted->profile, err) ||
	    !live_facts_take(service, chain, stored, err))
		return error_attribute(err, ERROR_STORE, "read-live");
	/* What failed before it was issued is over, and so is a rollback before it; a killed run left the deploy hooks.
	 */
	if (live.number > stored->generation) {
		renewal_forget_failures(stored);
		renewal_forget_hooks(stored);
		stored->deploy_hooks_due = true;
	}
	/* A second rollback that was cut off leaves the first one as it was. */
	if (live.number >= stored->rolled_back_from)
		stored->rolled_back_from = 0;
	stored->generation = live.number;
	*ret_adopted = true;
	return true;
}

bool plan_refresh(struct service *service, struct renewal *wanted, struct renewal *ret_stored, struct error *err)
{
	CLEANUP(renewal_done) struct renewal stored = {0};
	struct store *store = service_store(service);
	bool found = false, live_found = false;
	uint64_t live = 0;

	if (!renewal_load(store, wanted->name, &stored, &found, err) ||
	    !store_live_number(store, wanted->name, &live, &live_found, err))
		return false;
	if (live_found && (!found || stored.generation != live)) {
		bool adopted = false;
		if (!adopt_live(service, wanted, &stored, &adopted, err))
			return false;
		found = found || adopted;
	} else if (!live_found) {
		stored.generation = 0;
	}
	if (!wanted_keep_ca(service, wanted, &stored, err) || (found && !wanted_take_state(wanted, &stored, err)) ||
	    !backoff_know(wanted, wanted_ca_url(service, wanted, 0), err))
		return false;
	placement_compare(service_options(service)->config, wanted);
	*ret_stored = stored;
	stored = (struct renewal){0};
	return true;
}

bool plan_server_due(const struct renewal *wanted, const struct renewal_server *server, const char **ret_reason)
{
	const char *reason = NULL;
	if (server->pushed == 0 && server->last_try == 0)
		reason = "never deployed";
	else if (str_equal(server->result, "rolled_back"))
		reason = "rolled back last time";
	else if (str_equal(server->result, "failed"))
		reason = "failed last time";
	else if (server->pushed != wanted->generation)
		reason = server->pushed < wanted->generation ? "has an older generation" : "has a newer generation";
	else if (server->moved)
		reason = "the config has changed where or how its files lie";
	*ret_reason = reason != NULL ? reason : "has the live generation";
	return reason != NULL;
}

const char *plan_server_status(const struct renewal *wanted, const struct renewal_server *server)
{
	const char *reason = NULL;
	if (!plan_server_due(wanted, server, &reason))
		return "deployed";
	for (enum push_result result = PUSH_FAILED; result <= PUSH_ROLLED_BACK; result++)
		if (str_equal(server->result, push_result_name(result)))
			return push_result_name(result);
	return "pending";
}

bool plan_item_server_due(const struct plan_item *item, size_t index, char reason[256])
{
	const char *words = NULL;
	char served[SERVED_TEXT];
	bool due = plan_server_due(&item->wanted, &item->wanted.servers[index], &words);
	bool other = !due && item->served != NULL && item->served[index].state == SERVED_OTHER;
	(void)snprintf(reason, 256, "%s", other ? served_text(&item->served[index], served) : words);
	return due || other;
}

bool plan_look(struct service *service, struct plan *plan, struct error *err)
{
	AUTO_FREE struct served_question *questions = calloc(plan->count ? plan->count : 1, sizeof(*questions));
	size_t count = 0;

	if (questions == NULL)
		return error_oom(err);
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_item *item = &plan->items[i];
		const struct renewal *wanted = &item->wanted;
		const char *reason = NULL;
		if (item->action != PLAN_NONE || item->error != NULL || wanted->server_count == 0 ||
		    wanted->generation == 0)
			continue;
		served_free(item->served, wanted->server_count);
		item->served = served_new(wanted->server_count, SERVED_UNASKED, err);
		if (item->served == NULL)
			return false;
		for (size_t j = 0; j < wanted->server_count; j++) {
			if (!plan_server_due(wanted, &wanted->servers[j], &reason))
				item->served[j].state = SERVED_WANTED;
		}
		questions[count++] = (struct served_question){wanted, item->served};
	}
	return served_look(service, questions, count, err);
}

/* --- Plans --- */

/* One damaged record stops its own certificate and no other. */
static bool set_unreadable(struct plan_item *item, const char *name, struct error *cause, struct error *err)
{
	error_context(cause, "plan", name, /* server= */ NULL);
	(void)snprintf(item->reason, sizeof(item->reason), "its record cannot be read");
	error_keep(&item->error, cause);
	return item->error != NULL || error_oom(err);
}

static bool add_item(struct service *service, struct plan *plan, struct renewal *take_wanted, bool force,
		     struct error *err)
{
	CLEANUP(renewal_done) struct renewal stored = {0};
	struct plan_item *item = &plan->items[plan->count];
	struct error cause = {0};

	if (plan_refresh(service, take_wanted, &stored, &cause))
		item->action = plan_decide(take_wanted, stored.name != NULL ? &stored : NULL, clock_wall(), force,
					   item->reason);
	else if (!set_unreadable(item, take_wanted->name, &cause, err))
		return false;
	item->wanted = *take_wanted;
	*take_wanted = (struct renewal){0};
	plan->count++;
	return true;
}

static bool plan_alloc(struct plan *plan, size_t count, struct error *err)
{
	*plan = (struct plan){.items = calloc(count ? count : 1, sizeof(struct plan_item))};
	return plan->items != NULL || error_oom(err);
}

static bool add_domain(struct service *service, struct plan *plan, const struct config_domain *domain, bool force,
		       struct error *err)
{
	CLEANUP(renewal_done) struct renewal wanted = {0};
	return wanted_from_domain(service, domain, &wanted, err) && add_item(service, plan, &wanted, force, err);
}

static const struct config_domain *need_domain(const struct config *config, const char *name, struct error *err)
{
	const struct config_domain *domain = config_find_domain(config, name);
	if (domain == NULL) {
		error_set(err, ERROR_USAGE, "plan", "no certificate called \"%s\" in %s", name, config->path);
		if (config_find_server(config, name) != NULL)
			error_hint(err, "that is a server: `certferry deploy --to %s` brings it all its certificates",
				   name);
		error_hint(err, "a certificate is called as its domain's name, without \"*.\", or by its cert_name");
	}
	return domain;
}

bool plan_from_config(struct service *service, const struct str_list *names, bool force, struct plan *ret,
		      struct error *err)
{
	const struct config *config = service_options(service)->config;
	CLEANUP(plan_done) struct plan plan = {0};
	size_t count = names->len > 0 ? names->len : config->domain_count;

	if (!plan_alloc(&plan, count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct config_domain *domain =
			names->len > 0 ? need_domain(config, names->items[i], err) : &config->domains[i];
		if (domain == NULL || !add_domain(service, &plan, domain, force, err))
			return false;
	}
	*ret = plan;
	plan = (struct plan){0};
	return true;
}

/* What is known of a certificate whose record says nothing is its name. */
static bool add_unreadable(struct plan *plan, const char *name, struct error *cause, struct error *err)
{
	struct plan_item *item = &plan->items[plan->count];
	if (cause->category != ERROR_STORE) {
		*err = *cause;
		return false;
	}
	plan->count++;
	return str_set(&item->wanted.name, name, err) && set_unreadable(item, name, cause, err);
}

static bool add_stored(struct service *service, struct plan *plan, const char *name, bool force, struct error *err)
{
	const struct config *config = service_options(service)->config;
	const struct config_domain *domain = config != NULL ? config_find_domain(config, name) : NULL;
	CLEANUP(renewal_done) struct renewal wanted = {0};
	struct error cause = {0};
	bool found = false;

	if (domain != NULL)
		return add_domain(service, plan, domain, force, err);
	if (!renewal_load(service_store(service), name, &wanted, &found, &cause))
		return add_unreadable(plan, name, &cause, err);
	if (!found) {
		error_set(err, ERROR_USAGE, "plan", "no stored certificate is called \"%s\"", name);
		error_hint(err, "`certferry list` shows what is stored");
		return false;
	}
	return add_item(service, plan, &wanted, force, err);
}

bool plan_from_store(struct service *service, const struct str_list *names, bool force, struct plan *ret,
		     struct error *err)
{
	CLEANUP(plan_done) struct plan plan = {0};
	CLEANUP(str_list_done) struct str_list stored = {0};

	if (names->len == 0 && !store_list_records(service_store(service), STORE_RENEWAL, &stored, err))
		return false;
	const struct str_list *chosen = names->len > 0 ? names : &stored;
	if (!plan_alloc(&plan, chosen->len, err))
		return false;
	for (size_t i = 0; i < chosen->len; i++) {
		if (!add_stored(service, &plan, chosen->items[i], force, err))
			return false;
	}
	*ret = plan;
	plan = (struct plan){0};
	return true;
}

bool plan_one(struct service *service, struct renewal *take_wanted, bool force, struct plan *ret, struct error *err)
{
	CLEANUP(plan_done) struct plan plan = {0};
	if (!plan_alloc(&plan, 1, err) || !add_item(service, &plan, take_wanted, force, err))
		return false;
	*ret = plan;
	plan = (struct plan){0};
	return true;
}

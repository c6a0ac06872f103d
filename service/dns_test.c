/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps in their order. The removal has a deadline that neither the run's timeout nor Ctrl-C shortens, and is done
 * as soon as the record may exist: an answer that is lost may have made it. The value is on record before that, as a
 * certificate's are, so that a test that is killed leaves it to the next run.
 */
#include "service/dns_test.h"

#include "acme/jwk.h"
#include "base/base64url.h"
#include "base/buf.h"
#include "base/identifier.h"
#include "base/log.h"
#include "dns-providers/provider.h"
#include "service/dns_propagation.h"
#include "service/journal.h"
#include "service/journal_sweep.h"
#include "transport/dns_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	RANDOM_BYTES = 32,
	REMOVE_MS = 30 * 1000,
	RECORDS_MAX = 8, /* tests at once that are on record */
};

static const char PREFIX[] = "_acme-challenge.";

/* One run. */
struct trial {
	struct service *service;
	const struct dns_test_request *request;
	struct dns_test *result;
	struct dns_resolver *resolver;
	const struct dns_provider_module *module;
	struct dns_provider *provider;
	char own_record[256];                   /* before CNAMEs */
	char token[64], key_authorization[128]; /* as a CA and an account would make them */
	char value[SHA256_BASE64URL_SIZE];
	char *zone_id;
	char *zone;
	char *record;
	bool may_exist;
	bool listed;    /* on record */
	bool under_way; /* may come to stand there after we looked */
	char journal_name[32];
	struct store_lock *lock; /* of the record; NULL: there is none */
	struct journal journal;
	int64_t begin; /* of the wait */
};

void dns_test_done(struct dns_test *test)
{
	for (size_t i = 0; i < test->step_count; i++)
		free(test->steps[i].error);
	free(test->servers);
	*test = (struct dns_test){0};
}

static void trial_done(struct trial *trial)
{
	journal_done(&trial->journal);
	store_unlock(trial->lock);
	free(trial->zone_id);
	free(trial->zone);
	free(trial->record);
}

static bool make_text(char *out, size_t size, struct error *err)
{
	unsigned char bytes[RANDOM_BYTES];
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, size - 1);
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_set(err, ERROR_INTERNAL, NULL, "no random bytes");
	base64url_encode(&text, bytes, sizeof(bytes));
	if (!buf_check(&text, "test value", err))
		return false;
	(void)snprintf(out, size, "%s", buf_cstr(&text));
	return true;
}

/* Made as a challenge's is: a program may make the value itself from what it is told. */
static bool make_value(struct trial *trial, struct error *err)
{
	char thumbprint[sizeof(trial->token)];
	if (!make_text(trial->token, sizeof(trial->token), err) || !make_text(thumbprint, sizeof(thumbprint), err))
		return false;
	(void)snprintf(trial->key_authorization, sizeof(trial->key_authorization), "%s.%s", trial->token, thumbprint);
	return sha256_base64url(trial->key_authorization, trial->value, err);
}

/* Where the challenge for the request's name would stand. */
static bool record_name(const char *name, char ret[256], struct error *err)
{
	struct identifier identifier;
	if (!identifier_parse(str_starts(name, PREFIX) ? name + strlen(PREFIX) : name, &identifier, err))
		return false;
	if (identifier.type != IDENTIFIER_DNS)
		return error_set(err, ERROR_USAGE, "usage", "%s is an address: it cannot be validated through DNS",
				 identifier.value);
	if (strlen(PREFIX) + strlen(identifier_base(&identifier)) > 253)
		return error_set(err, ERROR_USAGE, "usage", "%s is too long to have a name before it",
				 identifier_base(&identifier));
	(void)snprintf(ret, 256, "%s%s", PREFIX, identifier_base(&identifier));
	return true;
}

/* --- The steps. What they find out goes into DETAIL. --- */

static bool open_provider(struct trial *trial, struct deadline deadline, char *detail, struct error *err)
{
	const struct dns_test_request *request = trial->request;
	(void)deadline;
	trial->resolver = service_resolver(trial->service, err);
	if (trial->resolver == NULL || !service_dns_provider(trial->service, request->provider, request->credentials,
							     &trial->module, &trial->provider, err))
		return false;
	trial->result->title = trial->module->title;
	(void)snprintf(detail, ERROR_TEXT_MAX, "%s", trial->module->title);
	return make_value(trial, err);
}

static bool follow_aliases(struct trial *trial, struct deadline deadline, char *detail, struct error *err)
{
	const char *name = trial->result->record;
	char target[1][256];
	if (!dns_follow_aliases(trial->resolver, &name, 1, deadline, target, err))
		return false;
	memcpy(trial->result->record, target[0], sizeof(target[0]));
	(void)snprintf(detail, ERROR_TEXT_MAX, "%s", target[0]);
	return true;
}

/* No CNAME leads from the name's own record to another. */
static bool is_own_record(const struct trial *trial)
{
	return str_equal_nocase(trial->result->record, trial->own_record);
}

static bool ask_zone(struct trial *trial, struct deadline deadline, struct error *err)
{
	return trial->module->find_zone(trial->provider, trial->result->record, deadline, &trial->zone_id, &trial->zone,
					err);
}

/* As an issuance does: a wildcard's CNAME that leads to nobody's zone is not followed. */
static bool ask_instead_of_wildcard(struct trial *trial, struct deadline deadline)
{
	struct error ignored = {0};
	char end[256], *record = trial->result->record;
	memcpy(end, record, sizeof(end));
	memcpy(record, trial->own_record, sizeof(trial->own_record));
	if (dns_alias_is_wildcard(trial->resolver, record, end, deadline) && ask_zone(trial, deadline, &ignored))
		return true;
	memcpy(record, end, sizeof(end));
	return false;
}

static bool find_zone(struct trial *trial, struct deadline deadline, char *detail, struct error *err)
{
	struct error cause = {0};
	if (!ask_zone(trial, deadline, &cause) && !(cause.absent && ask_instead_of_wildcard(trial, deadline))) {
		if (cause.absent && !is_own_record(trial))
			error_hint(err, "a CNAME leads to %s: try the DNS provider that has its zone%s%s",
				   trial->result->record, cause.hint[0] != '\0' ? "; or " : "", cause.hint);
		error_hint(err, "%s", cause.hint);
		error_said(err, cause.said, strlen(cause.said));
		err->transient = cause.transient;
		return error_set(err, cause.category, cause.step, "%s", cause.message);
	}
	(void)snprintf(trial->result->zone, sizeof(trial->result->zone), "%s", trial->zone);
	(void)snprintf(detail, ERROR_TEXT_MAX, "%s", trial->zone);
	return true;
}

/* A record of its own, of few names since each has a lock for ever. */
static bool take_journal(struct trial *trial, struct error *err)
{
	for (int i = 1; i <= RECORDS_MAX && trial->lock == NULL; i++) {
		error_clear(err);
		(void)snprintf(trial->journal_name, sizeof(trial->journal_name), "dns-test-%d", i);
		trial->lock = store_lock(service_store(trial->service), "certificate", trial->journal_name,
					 deadline_in(0, /* cancel= */ NULL), err);
	}
	journal_init(&trial->journal, trial->service, trial->journal_name);
	return trial->lock != NULL;
}

/* A test does without: it may run where nothing can be written. */
static void list_value(struct trial *trial)
{
	const struct journal_entry listed = {.provider = trial->request->provider,
					     .credentials = trial->request->credentials,
					     .zone_id = trial->zone_id,
					     .name = trial->result->record,
					     .value = trial->value};
	struct error cause = {0};
	trial->listed = take_journal(trial, &cause) && journal_add(&trial->journal, &listed, &cause) &&
			journal_save(&trial->journal, &cause);
	if (!trial->listed)
		log_warning("%s is on no record, so it stays when this run is killed: %s", listed.name, cause.message);
}

/* By its handle what a killed run left is removed without a search, and a program gets what it printed. */
static void list_record(struct trial *trial)
{
	struct error cause = {0};
	if (trial->listed &&
	    !(journal_set_record(&trial->journal, trial->result->record, trial->value, trial->record, &cause) &&
	      journal_save(&trial->journal, &cause)))
		log_failure(LOG_LEVEL_WARNING, &cause);
}

static void unlist_value(struct trial *trial)
{
	struct error cause = {0};
	if (!trial->listed || trial->under_way)
		return;
	journal_drop(&trial->journal, trial->result->record, trial->value);
	if (!journal_save(&trial->journal, &cause))
		log_failure(LOG_LEVEL_WARNING, &cause);
}

static bool add_record(struct trial *trial, struct deadline deadline, char *detail, struct error *err)
{
	const struct dns_challenge challenge = {.domain = trial->own_record + strlen(PREFIX),
						.token = trial->token,
						.key_authorization = trial->key_authorization};
	if (trial->module->announce != NULL &&
	    !trial->module->announce(trial->provider, trial->result->record, trial->value, &challenge, err))
		return false;
	list_value(trial);
	trial->may_exist = true;
	(void)snprintf(detail, ERROR_TEXT_MAX, "%s", trial->value);
	if (trial->module->add_txt(trial->provider, trial->zone_id, trial->result->record, trial->value, deadline,
				   &trial->record, err)) {
		list_record(trial);
		return true;
	}
	/* Given up on is not the same as not done: the next run looks again. */
	trial->under_way = err->category == ERROR_CANCELLED || err->category == ERROR_TIMEOUT || err->transient;
	return false;
}

static struct dns_test_server *find_server(struct dns_test *result, const struct dns_server_state *state)
{
	for (size_t i = 0; i < result->server_count; i++)
		if (str_equal(result->servers[i].name, state->name) &&
		    (!str_equal(state->name, "resolver") || str_equal(result->servers[i].address, state->address)))
			return &result->servers[i];
	struct dns_test_server *servers =
		reallocarray(result->servers, result->server_count + 1, sizeof(*result->servers));
	if (servers == NULL)
		return NULL;
	result->servers = servers;
	servers[result->server_count] = (struct dns_test_server){0};
	return &servers[result->server_count++];
}

static void on_round(void *ctx, const struct dns_server_state *servers, size_t count)
{
	struct trial *trial = ctx;
	for (size_t i = 0; i < count; i++) {
		struct dns_test_server *server = find_server(trial->result, &servers[i]);
		if (server == NULL || server->ready)
			continue;
		(void)snprintf(server->name, sizeof(server->name), "%s", servers[i].name);
		(void)snprintf(server->address, sizeof(server->address), "%s", servers[i].address);
		(void)snprintf(server->trouble, sizeof(server->trouble), "%s", servers[i].trouble);
		server->ready = servers[i].ready;
		server->ms = clock_monotonic_ms() - trial->begin;
	}
}

static bool wait_published(struct trial *trial, struct deadline deadline, char *detail, struct error *err)
{
	const struct dns_expectation expected = {.name = trial->result->record, .value = trial->value};
	struct dns_test *result = trial->result;
	size_t ready = 0;
	trial->begin = clock_monotonic_ms();
	bool ok = dns_propagation_wait(trial->module, trial->provider, trial->resolver, &expected, 1, deadline,
				       on_round, trial, err);
	for (size_t i = 0; i < result->server_count; i++)
		ready += result->servers[i].ready;
	if (result->server_count > 0)
		(void)snprintf(detail, ERROR_TEXT_MAX, "%zu of %zu servers show it", ready, result->server_count);
	else
		(void)snprintf(detail, ERROR_TEXT_MAX, "no server is asked, by the provider's settings");
	return ok;
}

static bool remove_record(struct trial *trial, struct deadline deadline, char *detail, struct error *err)
{
	(void)detail;
	if (trial->module->remove_txt(trial->provider, trial->zone_id, trial->result->record, trial->value,
				      trial->record, deadline, err)) {
		unlist_value(trial);
		return true;
	}
	error_hint(err, "%sremove the TXT record %s with the value %s by hand",
		   trial->listed ? "the next run tries again; or " : "", trial->result->record, trial->value);
	return false;
}

struct step {
	const char *name;
	bool (*run)(struct trial *trial, struct deadline deadline, char *detail, struct error *err);
};

static bool run_step(struct trial *trial, const struct step *step, struct deadline deadline, struct error *err)
{
	struct dns_test_step *result = &trial->result->steps[trial->result->step_count++];
	int64_t begin = clock_monotonic_ms();
	struct error failure = {0};
	*result = (struct dns_test_step){.name = step->name};
	bool ok = step->run(trial, deadline, result->detail, &failure);
	result->ms = clock_monotonic_ms() - begin;
	if (!ok) {
		error_context(&failure, step->name, /* certificate= */ NULL, /* server= */ NULL);
		error_keep(&result->error, &failure);
		if (!error_is_set(err))
			*err = failure;
	}
	if (trial->request->finished != NULL)
		trial->request->finished(trial->request->ctx, result);
	return ok;
}

bool dns_test_run(struct service *service, const struct dns_test_request *request, struct dns_test *ret,
		  struct error *err)
{
	static const struct step steps[] = {
		{"open", open_provider},    {"follow-aliases", follow_aliases}, {"find-zone", find_zone},
		{"add-record", add_record}, {"propagation", wait_published},
	};
	static const struct step removal = {"remove-record", remove_record};
	CLEANUP(trial_done) struct trial trial = {.service = service, .request = request, .result = ret};
	struct deadline deadline = service_deadline(service, service_options(service)->certificate_timeout_ms);
	bool ok = true;

	*ret = (struct dns_test){0};
	if (!record_name(request->name, ret->record, err))
		return false;
	memcpy(trial.own_record, ret->record, sizeof(ret->record));
	journal_sweep(service);
	for (size_t i = 0; i < ARRAY_LEN(steps) && ok; i++)
		ok = run_step(&trial, &steps[i], deadline, err);
	if (trial.may_exist)
		ok = run_step(&trial, &removal, deadline_in(REMOVE_MS, /* cancel= */ NULL), err) && ok;
	return ok;
}

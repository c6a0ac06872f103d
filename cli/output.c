/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what commands found and did. Each kind has its form for people and its JSON side by side. */
#include "cli/output.h"

#include "cli/output_deployed.h"
#include "cli/output_hooks.h"
#include "cli/output_json.h"
#include "cli/output_servers.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "service/backoff.h"

#include <stdio.h>
#include <string.h>

enum { DAY = 24 * 3600 };

void output_error_json(const struct error *err)
{
	struct error ignored = {0};
	json_t *document = json_object();
	(void)json_object_set_new(document, "error", output_error_object(err));
	if (!output_json(document, &ignored))
		log_failure(LOG_LEVEL_ERROR, &ignored);
}

static int64_t days_left(int64_t not_after)
{
	int64_t left = not_after - clock_wall();
	return left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY);
}

/* --- Results --- */

/* Up to which generation newer ones than the live one are not wanted; null where it is the newest. */
static void set_rollback(json_t *object, uint64_t from)
{
	(void)json_object_set_new(object, "rolled_back_from", from ? json_integer((json_int_t)from) : json_null());
}

static json_t *result_json(const struct certificate_result *certificate)
{
	json_t *object = json_object();
	json_t *deployed = json_array();
	output_set_str(object, "name", certificate->name);
	output_set_str(object, "action", result_action_name(certificate->action));
	output_set_str(object, "reason", certificate->reason);
	(void)json_object_set_new(
		object, "generation",
		certificate->generation ? json_integer((json_int_t)certificate->generation) : json_null());
	set_rollback(object, certificate->rolled_back_from);
	output_set_time(object, "not_after", certificate->not_after);
	output_set_time(object, "renew_at", certificate->renew_at);
	for (size_t i = 0; i < certificate->server_count; i++) {
		const struct server_result *server = &certificate->servers[i];
		json_t *entry = json_object();
		output_set_str(entry, "server", server->server);
		output_set_str(entry, "result", push_result_name(server->result));
		(void)json_object_set_new(entry, "error", output_error_object(server->error));
		(void)json_array_append_new(deployed, entry);
	}
	json_t *notes = json_array();
	for (size_t i = 0; i < certificate->notes.len; i++)
		(void)json_array_append_new(notes, json_string(certificate->notes.items[i]));
	(void)json_object_set_new(object, "deployed", deployed);
	(void)json_object_set_new(object, "hooks", output_hooks_json(certificate));
	(void)json_object_set_new(object, "notes", notes);
	(void)json_object_set_new(object, "error", output_error_object(certificate->error));
	return object;
}

static void print_result(const struct certificate_result *certificate)
{
	char until[RFC3339_SIZE], renew[RFC3339_SIZE];
	printf("%-32s %-10s", certificate->name, result_action_name(certificate->action));
	if (certificate->not_after > 0)
		printf(" until %.10s (%lld days), renews %.10s", rfc3339_format(certificate->not_after, until),
		       (long long)days_left(certificate->not_after), rfc3339_format(certificate->renew_at, renew));
	if (certificate->rolled_back_from > 0)
		printf(", generation %llu, rolled back from %llu", (unsigned long long)certificate->generation,
		       (unsigned long long)certificate->rolled_back_from);
	putchar('\n');
	output_deployed(certificate);
	output_deploy_hooks(certificate);
}

static void print_failure(const struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, LIMIT_JSON_BODY);
	error_format(err, &text);
	printf("\nerror: %s", buf_cstr(&text));
}

static void log_result_failures(const struct run_result *results)
{
	(void)fflush(stdout);
	for (size_t i = 0; i < results->count; i++) {
		const struct certificate_result *certificate = &results->certificates[i];
		if (certificate->error != NULL)
			log_failure(LOG_LEVEL_ERROR, certificate->error);
	}
	output_server_failures(results);
	output_hook_failures(results);
}

static bool results_json(const struct run_result *results, struct error *err)
{
	json_t *list = json_array();
	for (size_t i = 0; i < results->count; i++)
		(void)json_array_append_new(list, result_json(&results->certificates[i]));
	return output_json(json_pack("{s:o}", "results", list), err);
}

bool output_results(const struct run_result *results, enum output_form form, struct error *err)
{
	if (form == OUTPUT_JSON && !results_json(results, err))
		return false;
	if (form == OUTPUT_TEXT && results->count == 0)
		puts("nothing to do: there are no certificates");
	for (size_t i = 0; form == OUTPUT_TEXT && i < results->count; i++)
		print_result(&results->certificates[i]);
	if (form == OUTPUT_TEXT)
		output_shared_hooks(results);
	if (form == OUTPUT_TEXT)
		output_pending(results);
	log_result_failures(results);
	return true;
}

/* --- Plan --- */

static const char *plan_action_name(const struct plan_item *item)
{
	static const char *const names[] = {
		[PLAN_NONE] = "none",
		[PLAN_ISSUE] = "issue",
		[PLAN_RENEW] = "renew",
	};
	return item->error != NULL ? "failed" : names[item->action];
}

/* RFC 9773: what the CA suggests, and why; null where it does not. */
static json_t *ari_json(const struct renewal *record)
{
	if (record->ari.start == 0)
		return json_null();
	json_t *object = json_object();
	output_set_time(object, "start", record->ari.start);
	output_set_time(object, "end", record->ari.end);
	output_set_str(object, "explanation_url", record->ari.explanation);
	output_set_time(object, "next_check", record->ari.next);
	return object;
}

/* Until when a certificate is held back after failures, and what failed last. */
static void set_held(json_t *object, const struct renewal *record)
{
	output_set_time(object, "retry_at", backoff_until(record, BACKOFF_SCHEDULED, clock_wall()));
	(void)json_object_set_new(object, "failures", json_integer((json_int_t)record->failures));
}

static void print_held(const struct renewal *record)
{
	struct error held = {0};
	if (backoff_check(record, BACKOFF_SCHEDULED, clock_wall(), &held))
		return;
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, LIMIT_JSON_BODY);
	error_format(&held, &text);
	printf("  %s", buf_cstr(&text));
}

static json_t *plan_json(const struct plan_item *item)
{
	json_t *object = json_object();
	output_set_str(object, "name", item->wanted.name);
	output_set_str(object, "action", plan_action_name(item));
	output_set_str(object, "reason", item->reason);
	output_set_time(object, "renew_at", item->wanted.renew_at);
	(void)json_object_set_new(object, "ari", ari_json(&item->wanted));
	set_held(object, &item->wanted);
	(void)json_object_set_new(object, "error",
				  output_error_object(item->error != NULL ? item->error : item->wanted.last_error));
	(void)json_object_set_new(object, "servers", output_plan_servers(item));
	(void)json_object_set_new(object, "pending_hooks", output_pending_hooks_json(&item->wanted));
	return object;
}

/* Why the CA suggests what it does. */
static void print_explanation(const struct renewal *record)
{
	if (record->ari.start != 0 && record->ari.explanation != NULL)
		printf("  because %s\n", record->ari.explanation);
}

bool output_plan(const struct plan *plan, bool json, struct error *err)
{
	if (json) {
		json_t *list = json_array();
		for (size_t i = 0; i < plan->count; i++)
			(void)json_array_append_new(list, plan_json(&plan->items[i]));
		return output_json(json_pack("{s:o}", "plan", list), err);
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];
		printf("%-32s %-8s %s\n", item->wanted.name, plan_action_name(item), item->reason);
		print_explanation(&item->wanted);
		if (item->action != PLAN_NONE)
			print_held(&item->wanted);
		output_print_plan_servers(item);
		output_pending_hooks(&item->wanted);
		if (item->error != NULL)
			print_failure(item->error);
	}
	return true;
}

/* --- Inventory --- */

static json_t *inventory_json(const struct inventory_entry *entry)
{
	const struct renewal *record = &entry->record;
	bool missing = entry->status == STATUS_MISSING || entry->status == STATUS_DAMAGED;
	json_t *object = json_object();
	json_t *domains = json_array();

	for (size_t i = 0; i < record->identifier_count; i++)
		(void)json_array_append_new(domains, json_string(record->identifiers[i].value));
	output_set_str(object, "name", record->name);
	(void)json_object_set_new(object, "domains", domains);
	output_set_str(object, "key_type", record->identifier_count > 0 ? key_type_name(record->key_type) : NULL);
	output_set_str(object, "serial", record->serial);
	output_set_str(object, "issuer", record->issuer);
	output_set_str(object, "profile", record->profile_issued != NULL ? record->profile_issued : record->profile);
	output_set_time(object, "not_before", record->not_before);
	output_set_time(object, "not_after", record->not_after);
	(void)json_object_set_new(object, "days_left",
				  missing ? json_null() : json_integer((json_int_t)days_left(record->not_after)));
	output_set_str(object, "status", certificate_status_name(entry->status));
	output_set_time(object, "renew_at", record->renew_at);
	if (record->generation != 0 && record->revoked_generation == record->generation) {
		output_set_time(object, "revoked_at", record->revoked_at);
		output_set_str(object, "revocation_reason", record->revoked_reason);
	}
	(void)json_object_set_new(object, "ari", ari_json(record));
	set_held(object, record);
	output_set_str(object, "ca", record->ca_name);
	output_set_str(object, "path", entry->path);
	(void)json_object_set_new(object, "generation",
				  missing ? json_null() : json_integer((json_int_t)record->generation));
	set_rollback(object, record->rolled_back_from);
	output_set_str(object, "fingerprint_sha256", record->fingerprint_sha256);
	(void)json_object_set_new(object, "servers", output_servers(entry));
	(void)json_object_set_new(object, "pending_hooks", output_pending_hooks_json(record));
	(void)json_object_set_new(object, "error",
				  output_error_object(entry->error != NULL ? entry->error : record->last_error));
	return object;
}

static void print_rollback(const struct renewal *record)
{
	if (record->rolled_back_from > 0)
		printf("  generation %llu is live, rolled back from %llu\n", (unsigned long long)record->generation,
		       (unsigned long long)record->rolled_back_from);
}

static void print_entry(const struct inventory_entry *entry)
{
	char until[RFC3339_SIZE], start[RFC3339_SIZE], end[RFC3339_SIZE];
	const struct renewal *record = &entry->record;
	printf("%-32s %-8s", record->name, certificate_status_name(entry->status));
	if (entry->status == STATUS_DAMAGED) {
		putchar('\n');
		print_failure(entry->error);
		return;
	}
	if (entry->status != STATUS_MISSING)
		printf(" %5lld days  %.10s  %-12s %s", (long long)days_left(record->not_after),
		       rfc3339_format(record->not_after, until), key_type_name(record->key_type), record->issuer);
	putchar('\n');
	print_rollback(record);
	if (record->ari.start != 0 && record->ari.explanation != NULL)
		printf("  the CA suggests to renew between %s and %s because %s\n",
		       rfc3339_format(record->ari.start, start), rfc3339_format(record->ari.end, end),
		       record->ari.explanation);
	if (entry->status != STATUS_VALID)
		print_held(record);
	output_print_servers(entry);
	output_pending_hooks(record);
}

static void print_field(const char *label, const char *value)
{
	if (!str_is_empty(value))
		printf("  %-14s %s\n", label, value);
}

static void print_suggestion(const struct renewal *record)
{
	char start[RFC3339_SIZE], end[RFC3339_SIZE];
	if (record->ari.start == 0)
		return;
	printf("  %-14s %s to %s\n", "CA suggests", rfc3339_format(record->ari.start, start),
	       rfc3339_format(record->ari.end, end));
	print_field("because", record->ari.explanation);
}

static void print_details(const struct inventory_entry *entry)
{
	char time[RFC3339_SIZE];
	const struct renewal *record = &entry->record;

	printf("%s\n", record->name);
	print_field("status", certificate_status_name(entry->status));
	if (record->generation != 0 && record->revoked_generation == record->generation) {
		print_field("revoked", rfc3339_format(record->revoked_at, time));
		print_field("reason", record->revoked_reason);
	}
	for (size_t i = 0; i < record->identifier_count; i++)
		print_field(i == 0 ? "names" : "", record->identifiers[i].value);
	if (entry->status == STATUS_DAMAGED) {
		print_failure(entry->error);
		return;
	}
	print_field("key", key_type_name(record->key_type));
	print_field("CA", record->ca_name);
	print_field("validated by", challenge_type_name(record->challenge));
	if (entry->status != STATUS_MISSING) {
		print_field("issuer", record->issuer);
		print_field("serial", record->serial);
		print_field("sha256", record->fingerprint_sha256);
		print_field("not before", rfc3339_format(record->not_before, time));
		print_field("not after", rfc3339_format(record->not_after, time));
		print_field("renews", rfc3339_format(record->renew_at, time));
		print_suggestion(record);
		print_field("files", entry->path);
		printf("  %-14s %llu\n", "generation", (unsigned long long)record->generation);
		if (record->rolled_back_from > 0)
			printf("  %-14s %llu\n", "rolled back from", (unsigned long long)record->rolled_back_from);
	}
	output_print_server_details(entry);
	output_pending_hooks(record);
	output_print_server_errors(entry);
	if (entry->status != STATUS_VALID)
		print_held(record);
	if (record->last_error != NULL)
		print_failure(record->last_error);
}

bool output_inventory(const struct inventory *inventory, bool json, bool details, struct error *err)
{
	if (json) {
		json_t *list = json_array();
		for (size_t i = 0; i < inventory->count; i++)
			(void)json_array_append_new(list, inventory_json(&inventory->entries[i]));
		return output_json(json_pack("{s:o}", "certificates", list), err);
	}
	if (inventory->count == 0)
		puts("no certificates stored");
	for (size_t i = 0; i < inventory->count; i++) {
		if (details)
			print_details(&inventory->entries[i]);
		else
			print_entry(&inventory->entries[i]);
	}
	return true;
}

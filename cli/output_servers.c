/* SPDX-License-Identifier: Apache-2.0 */
/* Servers, as plan and list show them: what the record of their deployment says, and what they were seen to serve. */
#include "cli/output_servers.h"

#include "cli/output_deployed.h"
#include "cli/output_json.h"

#include "base/clock.h"
#include "base/limits.h"
#include "service/pending.h"

#include <stdio.h>

/* --- Plan --- */

struct server_plan {
	const char *action; /* "deploy", "held", "none" */
	char reason[512];
	int64_t retry_at; /* of one that is held */
};

/* Nothing is done where a certificate's own record says nothing. */
static bool is_known(const struct plan_item *item)
{
	return item->error == NULL;
}

static void plan_server(const struct plan_item *item, size_t index, struct server_plan *ret)
{
	const struct renewal_server *server = &item->wanted.servers[index];
	const struct served *served = item->served != NULL ? &item->served[index] : NULL;
	char reason[256] = "gets the new certificate", when[RFC3339_SIZE];

	const struct error *busy = pending_busy(server);

	*ret = (struct server_plan){.action = "deploy"};
	/* A certificate that will be issued goes to every one of its servers. */
	if (item->action == PLAN_NONE && !plan_item_server_due(item, index, reason))
		ret->action = "none";
	else if (item->action == PLAN_NONE)
		ret->retry_at = pending_until(&item->wanted, server, clock_wall());
	if (ret->retry_at == 0 && busy != NULL && str_equal(ret->action, "deploy")) {
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s; when last tried: %.220s", reason, busy->message);
		return;
	}
	if (ret->retry_at == 0) {
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s%s%.220s", reason,
			       served == NULL                   ? ""
			       : served->state == SERVED_LIVE   ? " and serves it"
			       : served->state == SERVED_UNSEEN ? ", but cannot be seen: "
								: "",
			       served != NULL && served->error != NULL ? served->error->message : "");
		return;
	}
	ret->action = "held";
	(void)snprintf(ret->reason, sizeof(ret->reason), "%s, held back until %s after %u %s in a row", reason,
		       rfc3339_format(ret->retry_at, when), server->failures,
		       server->failures == 1 ? "failure" : "failures");
}

json_t *output_plan_servers(const struct plan_item *item)
{
	json_t *list = json_array();
	for (size_t i = 0; is_known(item) && i < item->wanted.server_count; i++) {
		json_t *object = json_object();
		struct server_plan plan;
		plan_server(item, i, &plan);
		output_set_str(object, "server", item->wanted.servers[i].name);
		output_set_str(object, "action", plan.action);
		output_set_str(object, "reason", plan.reason);
		output_set_time(object, "retry_at", plan.retry_at);
		(void)json_array_append_new(list, object);
	}
	return list;
}

void output_print_plan_servers(const struct plan_item *item)
{
	for (size_t i = 0; is_known(item) && i < item->wanted.server_count; i++) {
		struct server_plan plan;
		plan_server(item, i, &plan);
		printf("  -> %-27s %-8s %s\n", item->wanted.servers[i].name, plan.action, plan.reason);
	}
}

/* --- Inventory --- */

static const struct served *served_by(const struct inventory_entry *entry, size_t index)
{
	static const struct served unasked;
	return entry->served != NULL ? &entry->served[index] : &unasked;
}

/* What one server has, in a word: by the record of its deployment, unless a look showed something else. */
static const char *server_status(const struct inventory_entry *entry, size_t index)
{
	const struct renewal_server *server = &entry->record.servers[index];
	enum served_state state = served_by(entry, index)->state;
	const char *reason = NULL;

	if (!plan_server_due(&entry->record, server, &reason))
		return state == SERVED_OTHER ? "serves_another" : state == SERVED_UNSEEN ? "unseen" : "deployed";
	return server->result[0] != '\0' && !str_equal(server->result, "deployed") &&
			       !str_equal(server->result, "unchanged")
		       ? server->result
		       : "pending";
}

/* What it serves now: null where nobody asked. */
static json_t *served_json(const struct served *served)
{
	static const char *const words[] = {
		[SERVED_LIVE] = "live", [SERVED_OTHER] = "another", [SERVED_UNSEEN] = "unseen"};
	if (served->state != SERVED_LIVE && served->state != SERVED_OTHER && served->state != SERVED_UNSEEN)
		return json_null();
	json_t *object = json_object();
	output_set_str(object, "certificate", words[served->state]);
	output_set_str(object, "fingerprint_sha256", served->fingerprint_sha256);
	output_set_time(object, "not_after", served->not_after);
	(void)json_object_set_new(object, "error", output_error_object(served->error));
	return object;
}

static json_t *server_json(const struct inventory_entry *entry, size_t index)
{
	const struct renewal_server *server = &entry->record.servers[index];
	const struct served *served = served_by(entry, index);
	bool seen = served->fingerprint_sha256[0] != '\0';
	json_t *object = json_object();

	output_set_str(object, "name", server->name);
	output_set_str(object, "status", server_status(entry, index));
	output_set_str(object, "fingerprint_sha256", seen ? served->fingerprint_sha256 : server->served_sha256);
	output_set_time(object, "seen_at", seen ? clock_wall() : server->seen_at);
	(void)json_object_set_new(object, "serves", served_json(served));
	(void)json_object_set_new(object, "generation",
				  server->pushed ? json_integer((json_int_t)server->pushed) : json_null());
	(void)json_object_set_new(object, "failures", json_integer((json_int_t)server->failures));
	output_set_time(object, "retry_at", pending_until(&entry->record, server, clock_wall()));
	(void)json_object_set_new(object, "error", output_error_object(server->error));
	return object;
}

json_t *output_servers(const struct inventory_entry *entry)
{
	json_t *list = json_array();
	for (size_t i = 0; entry->error == NULL && i < entry->record.server_count; i++)
		(void)json_array_append_new(list, server_json(entry, i));
	return list;
}

/* The status, what is served, and until when it is held, in one line. */
static void print_server(const struct inventory_entry *entry, size_t index)
{
	const struct renewal_server *server = &entry->record.servers[index];
	const struct served *served = served_by(entry, index);
	int64_t until = pending_until(&entry->record, server, clock_wall());
	char text[SERVED_TEXT], when[RFC3339_SIZE];
	const char *reason = NULL;
	bool due = plan_server_due(&entry->record, server, &reason);
	const char *status = server_status(entry, index);

	fputs(!due ? "deployed" : output_result_words(status), stdout);
	if (served->state == SERVED_LIVE)
		fputs(due ? ", but serves the live one" : ", serves it", stdout);
	else if (served->state == SERVED_OTHER)
		printf("%s %s", due ? "," : ", but", served_text(served, text));
	else if (served->state == SERVED_UNSEEN)
		printf("; cannot be seen: %s", served->error != NULL ? served->error->message : "out of memory");
	if (until != 0)
		printf("; tried again after %s", rfc3339_format(until, when));
	if (due && pending_busy(server) != NULL)
		printf("; when last tried: %s", pending_busy(server)->message);
	putchar('\n');
}

void output_print_servers(const struct inventory_entry *entry)
{
	for (size_t i = 0; i < entry->record.server_count; i++) {
		printf("  -> %-27s ", entry->record.servers[i].name);
		print_server(entry, i);
	}
}

void output_print_server_details(const struct inventory_entry *entry)
{
	for (size_t i = 0; i < entry->record.server_count; i++) {
		printf("  %-14s %s: ", i == 0 ? "servers" : "", entry->record.servers[i].name);
		print_server(entry, i);
	}
}

void output_print_server_errors(const struct inventory_entry *entry)
{
	for (size_t i = 0; i < entry->record.server_count; i++) {
		const struct renewal_server *server = &entry->record.servers[i];
		if (server->error == NULL)
			continue;
		CLEANUP(buf_done) struct buf text;
		buf_init(&text, LIMIT_JSON_BODY);
		error_format(server->error, &text);
		printf("\nerror: %s", buf_cstr(&text));
	}
}

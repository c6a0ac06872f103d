/* SPDX-License-Identifier: Apache-2.0 */
/* Servers, as plan and list show them: what the record of their deployment says. */
#include "cli/output_servers.h"

#include "cli/output_json.h"

#include "base/clock.h"
#include "base/limits.h"
#include "service/pending.h"

#include <stdio.h>

/* --- Plan --- */

struct server_plan {
	const char *action; /* "deploy", "held", "none" */
	char reason[256];
	int64_t retry_at; /* of one that is held */
};

static void plan_server(const struct plan_item *item, const struct renewal_server *server, struct server_plan *ret)
{
	const char *reason = "gets the new certificate";
	char when[RFC3339_SIZE];

	*ret = (struct server_plan){.action = "deploy"};
	/* A certificate that will be issued goes to every one of its servers. */
	if (item->action == PLAN_NONE && !plan_server_due(&item->wanted, server, &reason))
		ret->action = "none";
	else if (item->action == PLAN_NONE)
		ret->retry_at = pending_until(&item->wanted, server, clock_wall());
	if (ret->retry_at == 0) {
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
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
	for (size_t i = 0; i < item->wanted.server_count; i++) {
		json_t *object = json_object();
		struct server_plan plan;
		plan_server(item, &item->wanted.servers[i], &plan);
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
	for (size_t i = 0; i < item->wanted.server_count; i++) {
		struct server_plan plan;
		plan_server(item, &item->wanted.servers[i], &plan);
		printf("  -> %-27s %-8s %s\n", item->wanted.servers[i].name, plan.action, plan.reason);
	}
}

/* --- Inventory --- */

json_t *output_servers(const struct renewal *record)
{
	json_t *list = json_array();
	for (size_t i = 0; i < record->server_count; i++) {
		const struct renewal_server *server = &record->servers[i];
		json_t *object = json_object();
		output_set_str(object, "name", server->name);
		output_set_str(object, "status", plan_server_status(record, server));
		output_set_str(object, "fingerprint_sha256", server->served_sha256);
		output_set_time(object, "seen_at", server->seen_at);
		(void)json_object_set_new(object, "generation",
					  server->pushed ? json_integer((json_int_t)server->pushed) : json_null());
		(void)json_object_set_new(object, "failures", json_integer((json_int_t)server->failures));
		output_set_time(object, "retry_at", pending_until(record, server, clock_wall()));
		(void)json_object_set_new(object, "error", output_error_object(server->error));
		(void)json_array_append_new(list, object);
	}
	return list;
}

/* Until when it is held, to follow its status; empty when it is not. */
static const char *held_text(const struct renewal *record, const struct renewal_server *server, char out[64])
{
	char when[RFC3339_SIZE];
	int64_t until = pending_until(record, server, clock_wall());
	out[0] = '\0';
	if (until != 0)
		(void)snprintf(out, 64, ", tried again after %s", rfc3339_format(until, when));
	return out;
}

void output_print_servers(const struct renewal *record)
{
	char held[64];
	for (size_t i = 0; i < record->server_count; i++) {
		const struct renewal_server *server = &record->servers[i];
		printf("  -> %-27s %s%s\n", server->name, plan_server_status(record, server),
		       held_text(record, server, held));
	}
}

void output_print_server_details(const struct renewal *record)
{
	char held[64];
	for (size_t i = 0; i < record->server_count; i++) {
		const struct renewal_server *server = &record->servers[i];
		printf("  %-14s %s: %s%s\n", i == 0 ? "servers" : "", server->name, plan_server_status(record, server),
		       held_text(record, server, held));
		if (server->error == NULL)
			continue;
		CLEANUP(buf_done) struct buf text;
		buf_init(&text, LIMIT_JSON_BODY);
		error_format(server->error, &text);
		printf("\nerror: %s", buf_cstr(&text));
	}
}

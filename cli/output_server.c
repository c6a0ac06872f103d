/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the config's servers. */
#include "cli/output_server.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/output_deployed.h"
#include "cli/output_json.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

/* --- list --- */

static json_t *names_json(const struct str_list *names)
{
	json_t *list = json_array();
	for (size_t i = 0; i < names->len; i++)
		(void)json_array_append_new(list, json_string(names->items[i]));
	return list;
}

static json_t *view_json(const struct server_view *view)
{
	const struct config_server *server = view->server;
	json_t *object = json_object(), *certificates = json_array();
	for (size_t i = 0; i < view->certificate_count; i++)
		(void)json_array_append_new(certificates, json_string(view->certificates[i].name));
	output_set_str(object, "name", server->name);
	output_set_str(object, "host", server->host);
	(void)json_object_set_new(object, "port", json_integer(server->port));
	output_set_str(object, "user", server->user);
	output_set_str(object, "proxy_jump", server->proxy_jump);
	output_set_str(object, "webserver", config_webserver_name(server->webserver));
	(void)json_object_set_new(object, "groups", names_json(&view->groups));
	(void)json_object_set_new(object, "certificates", certificates);
	output_set_str(object, "status", view->status);
	output_set_time(object, "last_try", view->last_try);
	(void)json_object_set_new(object, "error", output_error_object(view->error));
	return object;
}

static void print_view(const struct server_view *view)
{
	const struct config_server *server = view->server;
	char reached[512], when[RFC3339_SIZE];
	bool v6 = strchr(server->host, ':') != NULL;

	(void)snprintf(reached, sizeof(reached), "%s@%s%s%s:%u%s%s", server->user, v6 ? "[" : "", server->host,
		       v6 ? "]" : "", (unsigned)server->port, server->proxy_jump != NULL ? " via " : "",
		       server->proxy_jump != NULL ? server->proxy_jump : "");
	printf("%-24s %-36s %-10s %-11s %s\n", server->name, reached, config_webserver_name(server->webserver),
	       view->status != NULL ? output_result_words(view->status) : "-",
	       view->last_try > 0 ? rfc3339_format(view->last_try, when) : "-");
	for (size_t i = 0; i < view->groups.len; i++)
		printf("%s%s%s", i == 0 ? "  groups: " : ", ", view->groups.items[i],
		       i + 1 == view->groups.len ? "\n" : "");
	for (size_t i = 0; i < view->certificate_count; i++)
		printf("  <- %-27s %s\n", view->certificates[i].name,
		       output_result_words(view->certificates[i].status));
	if (view->error != NULL)
		printf("  %s: %s\n", view->error->step != NULL ? view->error->step : "error", view->error->message);
}

bool output_server_list(const struct server_list *list, enum output_form form, struct error *err)
{
	if (form == OUTPUT_JSON) {
		json_t *servers = json_array();
		for (size_t i = 0; i < list->count; i++)
			(void)json_array_append_new(servers, view_json(&list->items[i]));
		return output_json(json_pack("{s:o}", "servers", servers), err);
	}
	if (list->count == 0)
		puts("the config has no servers");
	else
		printf("%-24s %-36s %-10s %-11s %s\n", "SERVER", "REACHED AS", "WEB SERVER", "STATUS", "LAST TRY");
	for (size_t i = 0; i < list->count; i++)
		print_view(&list->items[i]);
	return true;
}

/* --- test --- */

static json_t *step_json(const struct server_test_step *step)
{
	json_t *object = json_object();
	output_set_str(object, "step", step->name);
	output_set_str(object, "result", rehearsal_result_name(step->result));
	(void)json_object_set_new(object, "seconds", json_real((double)step->ms / 1000));
	output_set_str(object, "detail", step->detail);
	(void)json_object_set_new(object, "error", output_error_object(step->error));
	return object;
}

static json_t *test_json(const struct server_test *test)
{
	json_t *object = json_object(), *steps = json_array();
	for (size_t i = 0; i < test->step_count; i++)
		(void)json_array_append_new(steps, step_json(&test->steps[i]));
	output_set_str(object, "name", test->server->name);
	(void)json_object_set_new(object, "ok", json_boolean(test->error == NULL));
	(void)json_object_set_new(object, "steps", steps);
	(void)json_object_set_new(object, "error", output_error_object(test->error));
	return object;
}

static void print_test(const struct server_test *test)
{
	printf("%s: %s\n", test->server->name, test->error == NULL ? "ok" : "failed");
	for (size_t i = 0; i < test->step_count; i++) {
		const struct server_test_step *step = &test->steps[i];
		printf("  %-10s %-7s %6.2f s  %s\n", step->name, rehearsal_result_name(step->result),
		       (double)step->ms / 1000, step->error != NULL ? step->error->message : step->detail);
	}
}

/* Each step's failure; where none failed, why there was no test, or why it came to no end. */
static void log_failures(const struct server_test *test)
{
	bool told = false;
	for (size_t i = 0; i < test->step_count; i++) {
		if (test->steps[i].error == NULL)
			continue;
		log_failure(LOG_LEVEL_ERROR, test->steps[i].error);
		told = true;
	}
	if (test->error != NULL && !told)
		log_failure(LOG_LEVEL_ERROR, test->error);
}

bool output_server_tests(const struct server_tests *tests, enum output_form form, struct error *err)
{
	if (form == OUTPUT_JSON) {
		json_t *servers = json_array();
		for (size_t i = 0; i < tests->count; i++)
			(void)json_array_append_new(servers, test_json(&tests->items[i]));
		if (!output_json(json_pack("{s:o}", "servers", servers), err))
			return false;
	}
	if (form == OUTPUT_TEXT && tests->count == 0)
		puts("the config has no servers");
	for (size_t i = 0; form == OUTPUT_TEXT && i < tests->count; i++)
		print_test(&tests->items[i]);
	(void)fflush(stdout);
	for (size_t i = 0; i < tests->count; i++)
		log_failures(&tests->items[i]);
	return true;
}

/* --- trust --- */

bool output_server_trust(const struct server_trust *trust, enum output_form form, struct error *err)
{
	const struct ssh_target *target = &trust->target;
	bool known = trust->key.verdict == KNOWN_HOSTS_OK;
	const char *file = known ? trust->key.file : target->known_hosts.items[0];
	if (form == OUTPUT_JSON) {
		json_t *object = json_object();
		output_set_str(object, "name", target->server);
		output_set_str(object, "result",
			       known                 ? "already_known"
			       : trust->replaced > 0 ? "replaced"
						     : "trusted");
		output_set_str(object, "key_type", trust->key.type);
		output_set_str(object, "fingerprint", trust->key.fingerprint);
		output_set_str(object, "known_hosts", file);
		(void)json_object_set_new(object, "replaced", json_integer(trust->replaced));
		return output_json(json_pack("{s:[o]}", "trusted", object), err);
	}
	if (form == OUTPUT_TEXT)
		printf("%s: %s %s %s %s\n", target->server, trust->key.type, trust->key.fingerprint,
		       known ? "is known already, by" : "is known from now on, by", file);
	return true;
}

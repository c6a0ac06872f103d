/* SPDX-License-Identifier: Apache-2.0 */
/* What `dns test` says. */
#include "base/log.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/output_json.h"

#include <stdio.h>

static json_t *dns_step_json(const struct dns_test_step *step)
{
	json_t *object = json_object();
	output_set_str(object, "step", step->name);
	output_set_str(object, "result", step->error == NULL ? "ok" : "failed");
	(void)json_object_set_new(object, "seconds", json_real((double)step->ms / 1000));
	output_set_str(object, "detail", step->error == NULL ? step->detail : NULL);
	(void)json_object_set_new(object, "error", output_error_object(step->error));
	return object;
}

static json_t *dns_server_json(const struct dns_test_server *server)
{
	json_t *object = json_object();
	output_set_str(object, "server", server->name);
	output_set_str(object, "address", server->address);
	(void)json_object_set_new(object, "seen", json_boolean(server->ready));
	(void)json_object_set_new(object, "seconds",
				  server->ready ? json_real((double)server->ms / 1000) : json_null());
	output_set_str(object, "trouble", server->trouble);
	return object;
}

static bool dns_test_json(const struct dns_test *test, const char *name, struct error *err)
{
	json_t *object = json_object(), *steps = json_array(), *servers = json_array();
	bool ok = true;
	for (size_t i = 0; i < test->step_count; i++) {
		ok = ok && test->steps[i].error == NULL;
		(void)json_array_append_new(steps, dns_step_json(&test->steps[i]));
	}
	for (size_t i = 0; i < test->server_count; i++)
		(void)json_array_append_new(servers, dns_server_json(&test->servers[i]));
	(void)json_object_set_new(object, "ok", json_boolean(ok));
	output_set_str(object, "name", name);
	output_set_str(object, "provider", test->title);
	output_set_str(object, "record", test->record);
	output_set_str(object, "zone", test->zone);
	(void)json_object_set_new(object, "steps", steps);
	(void)json_object_set_new(object, "servers", servers);
	return output_json(object, err);
}

static void print_dns_server(const struct dns_test_server *server)
{
	printf("  -> %-27s ", server->name);
	if (server->ready)
		printf("%s after %.2f s\n", server->address, (double)server->ms / 1000);
	else
		printf("%s\n", server->trouble);
}

bool output_dns_test(const struct dns_test *test, const char *name, enum output_form form, struct error *err)
{
	if (form == OUTPUT_JSON && !dns_test_json(test, name, err))
		return false;
	for (size_t i = 0; form == OUTPUT_TEXT && i < test->server_count; i++)
		print_dns_server(&test->servers[i]);
	(void)fflush(stdout);
	const struct error *told = NULL;
	for (size_t i = 0; i < test->step_count; i++) {
		const struct error *failure = test->steps[i].error;
		/* What keeps a value from being added keeps it from being removed: once is enough. */
		if (failure == NULL || (told != NULL && str_equal(told->message, failure->message)))
			continue;
		log_failure(LOG_LEVEL_ERROR, failure);
		told = failure;
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Prints accounts and revocations, for people and as JSON. */
#include "cli/output.h"
#include "cli/output_json.h"

#include "base/json.h"
#include "base/log.h"

#include <stdio.h>

static json_t *view_json(const struct account_view *view)
{
	json_t *object = json_object();
	output_set_str(object, "name", view->name);
	output_set_str(object, "ca", view->ca);
	output_set_str(object, "directory", view->ca_url);
	output_set_str(object, "url", view->url);
	output_set_str(object, "email", view->email);
	output_set_str(object, "status", view->status);
	output_set_str(object, "key_type", view->key_type);
	output_set_time(object, "created_at", view->created_at);
	(void)json_object_set_new(object, "orders",
				  view->has_orders ? json_integer((json_int_t)view->orders) : json_null());
	output_set_str(object, "caa", view->caa);
	if (view->action != NULL)
		output_set_str(object, "action", view->action);
	(void)json_object_set_new(object, "error", output_error_object(view->error));
	return object;
}

static void print_line(const char *label, const char *value)
{
	if (!str_is_empty(value))
		printf("  %-9s %s\n", label, value);
}

static void print_view(const struct account_view *view)
{
	char created[RFC3339_SIZE];
	printf("%s%s%s\n", view->ca != NULL ? view->ca : view->name, view->action != NULL ? ": " : "",
	       view->action != NULL ? view->action : "");
	print_line("account", view->url);
	if (view->ca != NULL)
		print_line("contact", view->email != NULL ? view->email : "none");
	print_line("key", view->key_type);
	if (view->status != NULL)
		printf("  %-9s %s%s\n", "status", view->status, view->asked ? ", says the CA" : "");
	if (view->created_at > 0)
		printf("  %-9s %.10s\n", "created", rfc3339_format(view->created_at, created));
	if (view->has_orders)
		printf("  %-9s %zu in the CA's list\n", "orders", view->orders);
	print_line("CAA", view->caa);
	print_line("name", view->name);
}

bool output_accounts(const struct account_list *list, enum output_form form, struct error *err)
{
	if (form == OUTPUT_JSON) {
		json_t *array = json_array();
		for (size_t i = 0; i < list->count; i++)
			(void)json_array_append_new(array, view_json(&list->items[i]));
		if (!output_json(json_pack("{s:o}", "accounts", array), err))
			return false;
	}
	if (form == OUTPUT_TEXT && list->count == 0)
		puts("no accounts stored: `certferry account register` makes one, and so does the first certificate");
	for (size_t i = 0; form == OUTPUT_TEXT && i < list->count; i++)
		print_view(&list->items[i]);
	(void)fflush(stdout);
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].error != NULL)
			log_failure(LOG_LEVEL_ERROR, list->items[i].error);
	return true;
}

bool output_revocation(const struct revoke_request *request, const struct revoke_result *result, enum output_form form,
		       struct error *err)
{
	const char *reason = revocation_reason_name(request->reason);
	const char *what = result->already ? "already_revoked" : "revoked";
	if (form == OUTPUT_JSON) {
		json_t *object = json_object();
		output_set_str(object, "name", request->name);
		output_set_str(object, "serial", result->serial);
		(void)json_object_set_new(object, "generation", json_integer((json_int_t)result->generation));
		output_set_str(object, "result", what);
		output_set_str(object, "reason", reason);
		output_set_str(object, "signed_by", result->by_certificate_key ? "certificate_key" : "account");
		return output_json(json_pack("{s:[o]}", "revoked", object), err);
	}
	if (form == OUTPUT_TEXT)
		printf("%s: %s (%s), serial %s; the next `apply` or `renew` replaces it, with a new key\n",
		       request->name, result->already ? "was revoked already" : "revoked", reason, result->serial);
	return true;
}

bool output_deletion(const char *name, bool still_wanted, enum output_form form, struct error *err)
{
	if (form == OUTPUT_JSON) {
		json_t *object = json_object();
		output_set_str(object, "name", name);
		return output_json(json_pack("{s:[o]}", "deleted", object), err);
	}
	if (form == OUTPUT_TEXT)
		printf("%s: deleted%s\n", name,
		       still_wanted ? "; the config still has it, so the next `apply` issues it anew" : "");
	return true;
}

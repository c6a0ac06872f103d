/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders. A CA may hand back an order in any state, an older one for the same names too, and members come and go with
 * the state: so nothing but the status is required, and whoever needs a member asks for it.
 */
#include "acme/order.h"

#include "acme/problem.h"
#include "base/base64url.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"

#include <string.h>

static const char *const status_names[] = {
	[ORDER_PENDING] = "pending", [ORDER_READY] = "ready",     [ORDER_PROCESSING] = "processing",
	[ORDER_VALID] = "valid",     [ORDER_INVALID] = "invalid", [ORDER_OTHER] = "unknown",
};

const char *order_status_name(enum order_status status)
{
	return status_names[status];
}

static enum order_status parse_status(const char *text)
{
	for (size_t i = 0; i < ORDER_OTHER; i++)
		if (strcmp(status_names[i], text) == 0)
			return (enum order_status)i;
	return ORDER_OTHER;
}

static bool set_time(json_t *root, const char *key, int64_t wall, struct error *err)
{
	char text[RFC3339_SIZE];
	return wall == 0 || json_object_set_new(root, key, json_string(rfc3339_format(wall, text))) == 0 ||
	       error_oom(err);
}

static bool set_wishes(json_t *root, const struct order_wishes *wishes, struct error *err)
{
	if (wishes->profile != NULL && json_object_set_new(root, "profile", json_string(wishes->profile)) != 0)
		return error_oom(err);
	if (wishes->replaces != NULL && json_object_set_new(root, "replaces", json_string(wishes->replaces)) != 0)
		return error_oom(err);
	return set_time(root, "notBefore", wishes->not_before, err) &&
	       set_time(root, "notAfter", wishes->not_after, err);
}

bool order_request(const struct identifier *identifiers, size_t count, const struct order_wishes *wishes,
		   struct buf *ret, struct error *err)
{
	AUTO_JSON json_t *root = json_object();
	json_t *list = json_array();

	if (json_object_set_new(root, "identifiers", list) != 0)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		json_t *identifier = json_object();
		if (json_array_append_new(list, identifier) != 0 ||
		    json_object_set_new(identifier, "type", json_string(identifier_type_name(identifiers[i].type))) !=
			    0 ||
		    json_object_set_new(identifier, "value", json_string(identifiers[i].value)) != 0)
			return error_oom(err);
	}
	return set_wishes(root, wishes, err) && json_write(root, /* pretty= */ false, ret, err);
}

bool order_finalize_request(const void *csr_der, size_t len, struct buf *ret, struct error *err)
{
	buf_str(ret, "{\"csr\":\"");
	base64url_encode(ret, csr_der, len);
	buf_str(ret, "\"}");
	return buf_check(ret, "finalize request", err);
}

static bool parse_identifier(const json_t *object, struct identifier *ret, struct error *err)
{
	const char *type = NULL, *value = NULL;
	if (!json_need_str(object, "type", IDENTIFIER_MAX, &type, err) ||
	    !json_need_str(object, "value", IDENTIFIER_MAX, &value, err))
		return false;
	if (!identifier_parse(value, ret, err) || strcmp(type, identifier_type_name(ret->type)) != 0) {
		error_clear(err); /* identifier_parse() blames the user */
		return error_set(err, ERROR_DATA, NULL, "order holds an identifier that is no name of ours");
	}
	return true;
}

static bool parse_identifiers(const json_t *list, struct order *order, struct error *err)
{
	size_t count = json_array_size(list);
	if (count == 0)
		return true;
	order->identifiers = calloc(count, sizeof(*order->identifiers));
	if (order->identifiers == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		if (!parse_identifier(json_array_get(list, i), &order->identifiers[order->identifier_count++], err))
			return false;
	return true;
}

static bool parse_authorizations(const json_t *list, struct order *order, struct error *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *url = json_string_value(json_array_get(list, i));
		if (url == NULL)
			return error_set(err, ERROR_DATA, NULL, "order has an authorization that is no URL");
		/* The same one twice would be read and answered twice. */
		if (!str_list_add_once(&order->authorizations, url, err))
			return false;
	}
	return true;
}

static bool parse_members(const json_t *root, struct order *order, struct error *err)
{
	const char *status = NULL, *expires = NULL, *finalize = NULL, *certificate = NULL;
	const json_t *identifiers = NULL, *authorizations = NULL, *problem = NULL;

	if (!json_need_str(root, "status", 64, &status, err) || !json_opt_str(root, "expires", 64, &expires, err) ||
	    !json_opt_str(root, "finalize", LIMIT_URL, &finalize, err) ||
	    !json_opt_str(root, "certificate", LIMIT_URL, &certificate, err) ||
	    !json_opt_array(root, "identifiers", &identifiers, err) ||
	    !json_opt_array(root, "authorizations", &authorizations, err) ||
	    !json_opt_object(root, "error", &problem, err))
		return false;

	order->status = parse_status(status);
	/* No order depends on it: what is no usable text was not echoed. */
	const char *profile = json_string_value(json_object_get(root, "profile"));
	if (profile != NULL && strlen(profile) > LIMIT_PROFILE_NAME)
		profile = NULL;
	if (expires != NULL && !rfc3339_parse(expires, strlen(expires), &order->expires))
		order->expires = 0; /* a date we cannot read binds nobody */
	if (problem != NULL)
		(void)acme_problem_from_json(problem, NULL, "the CA gave the order up", &order->error);
	return parse_identifiers(identifiers, order, err) && parse_authorizations(authorizations, order, err) &&
	       str_set(&order->finalize, finalize, err) && str_set(&order->certificate, certificate, err) &&
	       str_set(&order->profile, profile, err);
}

bool order_parse(const char *text, size_t len, struct order *ret, struct error *err)
{
	AUTO_JSON json_t *root = json_read(text, len, "order", err);
	CLEANUP(order_done) struct order order = {0};

	if (root == NULL || !parse_members(root, &order, err))
		return false;
	*ret = order;
	order = (struct order){0};
	return true;
}

static bool holds(const struct identifier *list, size_t count, const struct identifier *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (identifier_equal(&list[i], wanted))
			return true;
	return false;
}

bool order_is_for(const struct order *order, const struct identifier *identifiers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!holds(order->identifiers, order->identifier_count, &identifiers[i]))
			return false;
	for (size_t i = 0; i < order->identifier_count; i++)
		if (!holds(identifiers, count, &order->identifiers[i]))
			return false;
	return true;
}

void order_done(struct order *order)
{
	free(order->identifiers);
	str_list_done(&order->authorizations);
	free(order->finalize);
	free(order->certificate);
	free(order->profile);
	*order = (struct order){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pre-authorization, RFC 8555 §7.4.1: the names are authorized one by one before there is an order, which then finds
 * them valid. The authorizations stand in for those of an order, so that all the rest is the same.
 */
#include "acme/flow_internal.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"

#include <string.h>

static const char step[] = "authorize";

static bool request_payload(const struct identifier *identifier, struct buf *ret, struct error *err)
{
	AUTO_JSON json_t *root = json_pack("{s:{s:s,s:s}}", "identifier", "type",
					   identifier_type_name(identifier->type), "value", identifier->value);
	if (root == NULL)
		return error_oom(err);
	return json_write(root, /* pretty= */ false, ret, err);
}

/* newAuthz for one name; its URL joins the flow's list. */
static bool add_authorization(struct flow *flow, const char *new_authz, const struct identifier *identifier,
			      struct error *err)
{
	CLEANUP(buf_done) struct buf payload;
	buf_init(&payload, LIMIT_JSON_BODY);
	if (!request_payload(identifier, &payload, err))
		return false;
	CLEANUP(acme_post_done) struct acme_post post = {.url = new_authz, .payload = buf_cstr(&payload)};
	if (!acme_session_post(flow->session, flow->account, &post, 1, step, flow->deadline, err))
		return false;
	const char *location = http_response_header(&post.response, "Location", 0);
	if (location == NULL)
		return error_set(err, ERROR_CA, step, "the CA's answer to newAuthz has no URL (Location)");
	return acme_session_check_url(flow->session, location, step, err) &&
	       str_list_add_once(&flow->order.authorizations, location, err);
}

static bool add_authorizations(struct flow *flow, struct error *err)
{
	const struct acme_certificate_request *request = flow->request;
	const struct acme_directory *directory = acme_session_directory(flow->session, flow->deadline, err);
	if (directory == NULL)
		return false;
	if (directory->new_authz == NULL) {
		(void)error_set(err, ERROR_CA, step, "this CA does not offer pre-authorization");
		error_hint(err, "order without it: the names are then authorized with the order");
		return false;
	}
	for (size_t i = 0; i < request->identifier_count; i++)
		/* A wildcard can only be authorized by an order. */
		if (!identifier_is_wildcard(&request->identifiers[i]) &&
		    !add_authorization(flow, directory->new_authz, &request->identifiers[i], err))
			return false;
	return true;
}

static bool all_valid(const struct solving *solving, struct error *err)
{
	if (solving_failures(solving, err))
		return false;
	for (size_t i = 0; i < solving->count; i++)
		if (solving->authorizations[i].status != AUTHORIZATION_VALID)
			return error_set(err, ERROR_CA, "validate", "the authorization for %s is %s",
					 solving->authorizations[i].identifier.value,
					 authorization_status_name(solving->authorizations[i].status));
	return true;
}

static bool solve(struct solving *solving, struct error *err)
{
	struct flow *flow = solving->flow;
	if (!solving_read(solving, err) || !solving_choose(solving, err))
		return false;
	flow_begin(flow, "challenge");
	if (!solving_present(solving, err) || !solving_answer(solving, err))
		return false;
	flow_begin(flow, "validate");
	if (!solving_await_asked(solving, err))
		return false;
	pace_restart(&flow->pace);
	while (!solving_is_decided(solving))
		if (!pace_wait(&flow->pace, acme_session_port(flow->session), flow->deadline, "validate", err) ||
		    !solving_refresh(solving, err))
			return false;
	return all_valid(solving, err);
}

/* No order will ever ask for these. Where the user interrupts, nothing more is sent. */
static void give_up(struct solving *solving)
{
	struct error unread = {0};
	if (solving->count == 0 && !solving_read(solving, &unread))
		log_debug("authorizations cannot be read to be given up: %s", unread.message);
	solving_deactivate(solving);
}

bool flow_preauthorize(struct flow *flow, struct error *err)
{
	CLEANUP(solving_done) struct solving solving = {.flow = flow};

	flow_begin(flow, step);
	bool ok = add_authorizations(flow, err) && (flow->order.authorizations.len == 0 || solve(&solving, err));
	if (!ok)
		give_up(&solving);
	solving_done(&solving);
	order_done(&flow->order);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An order that is placed only to be looked at. */
#include "acme/persist_learn.h"

#include "acme/authorization.h"
#include "acme/flow.h"
#include "acme/order.h"
#include "base/buf.h"
#include "base/limits.h"

static const char step[] = "authorize";

/* newOrder: the order, and its URL. */
static bool place(struct acme_session *session, const struct acme_identity *account,
		  const struct identifier *identifier, struct deadline deadline, struct order *ret, char **ret_url,
		  struct error *err)
{
	const struct order_wishes wishes = {0};
	CLEANUP(buf_done) struct buf payload;
	buf_init(&payload, LIMIT_JSON_BODY);

	const struct acme_directory *directory = acme_session_directory(session, deadline, err);
	if (directory == NULL || !order_request(identifier, 1, &wishes, &payload, err))
		return false;
	CLEANUP(acme_post_done) struct acme_post post = {.url = directory->new_order, .payload = buf_cstr(&payload)};
	if (!acme_session_post(session, account, &post, 1, "new-order", deadline, err))
		return false;
	const char *location = http_response_header(&post.response, "Location", 0);
	if (location == NULL)
		return error_set(err, ERROR_CA, "new-order", "the CA's answer to newOrder has no order URL (Location)");
	if (!acme_session_check_url(session, location, "new-order", err) || !str_set(ret_url, location, err))
		return false;
	return order_parse(buf_cstr(&post.response.body), post.response.body.len, ret, err) ||
	       error_attribute(err, ERROR_CA, "new-order");
}

static bool read_authorization(struct acme_session *session, const struct acme_identity *account, const char *url,
			       struct deadline deadline, struct authorization *ret, struct error *err)
{
	CLEANUP(acme_post_done) struct acme_post post = {.url = url};
	return acme_session_post(session, account, &post, 1, step, deadline, err) &&
	       (authorization_parse(buf_cstr(&post.response.body), post.response.body.len, ret, err) ||
		error_attribute(err, ERROR_CA, step));
}

static bool take_offer(const struct authorization *authorization, struct persist_offer *ret, bool *ret_found,
		       struct error *err)
{
	struct error none = {0};
	const struct challenge *challenge = authorization_choose(authorization, CHALLENGE_DNS_PERSIST_01, &none);

	*ret_found = challenge != NULL;
	if (challenge == NULL) {
		/* One that is valid may show just the challenge that made it so, or none. */
		if (authorization->status == AUTHORIZATION_VALID)
			return true;
		*err = none;
		error_context(err, step, /* certificate= */ NULL, /* server= */ NULL);
		return false;
	}
	struct persist_offer offer = {.form = challenge->persist.form};
	if (!str_list_copy(&offer.issuers, &challenge->persist.issuers, err) ||
	    !str_set(&offer.account_uri, challenge->persist.account_uri, err)) {
		persist_offer_done(&offer);
		return false;
	}
	*ret = offer;
	return true;
}

static void url_free(char **url)
{
	free(*url);
}

bool acme_persist_learn(struct acme_session *session, const struct acme_identity *account,
			const struct identifier *identifier, struct deadline deadline, struct persist_offer *ret,
			bool *ret_found, struct error *err)
{
	CLEANUP(order_done) struct order order = {0};
	CLEANUP(authorization_done) struct authorization authorization = {0};
	CLEANUP(url_free) char *url = NULL;

	*ret_found = false;
	bool ok = place(session, account, identifier, deadline, &order, &url, err);
	if (ok && order.authorizations.len > 0)
		ok = read_authorization(session, account, order.authorizations.items[0], deadline, &authorization,
					err) &&
		     take_offer(&authorization, ret, ret_found, err);
	if (url != NULL)
		acme_abandon_order(session, account, url, deadline);
	return ok;
}

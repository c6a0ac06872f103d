/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 8555 §7.4, straight down: new order, authorizations, finalize, certificate. The order's status alone decides what
 * is next, never what we did before: an order may be born in any state, and an answer of the CA may have been lost.
 */
#include "acme/flow.h"

#include "acme/flow_internal.h"
#include "acme/problem.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/limits.h"
#include "base/log.h"

#include <string.h>

enum {
	FAILED_LOOKS_MAX = 5, /* in a row, at an order that the CA is working on */
	ABANDON_MS = 10 * 1000,
	ORDERS_MAX = 2,        /* of one run */
	FINALIZE_ATTEMPTS = 3, /* each only after the order was seen to be ready */
};

static bool read_order(struct flow *flow, const char *step, struct error *err);
static bool resume_order(struct flow *flow, struct error *err);
static bool new_order(struct flow *flow, struct error *err);
static bool authorize(struct flow *flow, struct error *err);
static bool finalize(struct flow *flow, struct error *err);

static void flow_done(struct flow *flow)
{
	order_done(&flow->order);
	free(flow->url);
	free(flow->trouble);
}

bool acme_obtain_certificate(struct acme_session *session, const struct acme_identity *account,
			     const struct acme_certificate_request *request, const struct acme_solver *solver,
			     const struct acme_observer *observer, struct deadline deadline,
			     struct acme_certificate *ret, struct error *err)
{
	CLEANUP(flow_done)
	struct flow flow = {
		.session = session,
		.account = account,
		.request = request,
		.solver = solver,
		.observer = observer,
		.deadline = deadline,
	};
	pace_restart(&flow.pace);
	if (request->resume_url != NULL && !resume_order(&flow, err))
		return false;
	if (!flow.resumed && ((request->pre_authorize && !flow_preauthorize(&flow, err)) || !new_order(&flow, err)))
		return false;
	return authorize(&flow, err) && finalize(&flow, err) && flow_download(&flow, ret, err);
}

void acme_abandon_order(struct acme_session *session, const struct acme_identity *account, const char *url,
			struct deadline deadline)
{
	struct error failure = {0};
	CLEANUP(flow_done)
	struct flow flow = {.session = session, .account = account, .deadline = deadline_within(deadline, ABANDON_MS)};
	CLEANUP(solving_done) struct solving solving = {.flow = &flow};

	if (!acme_session_check_url(session, url, "clean-up", &failure) || !str_set(&flow.url, url, &failure) ||
	    !read_order(&flow, "clean-up", &failure) ||
	    (flow.order.status == ORDER_PENDING && !solving_read(&solving, &failure)))
		log_debug("the earlier order %s stays as it is: %s", url, failure.message);
	else
		solving_deactivate(&solving);
}

/* ---- The order, as the CA shows it. ---- */

/* The order in RESPONSE is the latest view of ours, and its Retry-After says when to look again (§7.4, §7.5.1). */
static bool adopt_order(struct flow *flow, const struct http_response *response, const char *step, struct error *err)
{
	const struct acme_port *port = acme_session_port(flow->session);
	struct order order;

	pace_retry_after(&flow->pace, response, port->now(port->ctx));
	if (!order_parse(buf_cstr(&response->body), response->body.len, &order, err))
		return error_attribute(err, ERROR_CA, step);
	order_done(&flow->order);
	flow->order = order;
	log_debug("the order %s is %s", flow->url, order_status_name(order.status));
	/* Early, before anything is published for an order that could never be finalized. */
	return order.finalize == NULL || acme_session_check_url(flow->session, order.finalize, step, err);
}

/* §7.4: POST-as-GET to the order. */
static bool read_order(struct flow *flow, const char *step, struct error *err)
{
	CLEANUP(acme_post_done) struct acme_post post = {.url = flow->url};
	if (!acme_session_post(flow->session, flow->account, &post, 1, step, flow->deadline, err))
		return false;
	return adopt_order(flow, &post.response, step, err);
}

/*
 * Whether the order has ended while it waited for us: §7.1.3's `expires` ends what we may still do, not what the CA has
 * begun or done. One that was over before it began is a clock's mistake, and for the CA to judge.
 */
static bool has_expired(const struct flow *flow)
{
	const struct acme_port *port = acme_session_port(flow->session);
	const struct order *order = &flow->order;
	bool waits_for_us = order->status == ORDER_PENDING || order->status == ORDER_READY;
	return waits_for_us && order->expires != 0 && order->expires > flow->placed_at &&
	       order->expires <= port->now(port->ctx);
}

/*
 * Wait for the pace, then read the order. A look that fails for a passing reason leaves the order as it was: the CA is
 * working on it, and a hiccup on the way must not cost a validation.
 */
static bool look_again(struct flow *flow, const char *step, struct error *err)
{
	struct error failure = {0};

	if (!flow_wait(flow, step, err)) {
		if (flow->url != NULL)
			error_hint(err, "the order %s is kept: the next run takes it up again", flow->url);
		return false;
	}
	if (has_expired(flow)) {
		char when[RFC3339_SIZE];
		(void)error_set(err, ERROR_CA, step, "the order was not done before its end at %s",
				rfc3339_format(flow->order.expires, when));
		error_hint(err, "run again: a new order is placed");
		err->transient = true;
		return false;
	}
	if (read_order(flow, step, &failure)) {
		flow->failed_looks = 0;
		error_keep(&flow->trouble, /* err= */ NULL);
		return true;
	}
	/* A CA that refuses one nonce after the other has been asked often enough. */
	bool passing =
		(failure.transient || failure.category == ERROR_NETWORK) && !acme_problem_is(failure.type, "badNonce");
	if (!passing || failure.category == ERROR_CANCELLED || ++flow->failed_looks > FAILED_LOOKS_MAX) {
		*err = failure;
		return false;
	}
	flow_keep_trouble(flow, &failure);
	return true;
}

/* ---- An order of an earlier run. ---- */

/* Whether the resumed order can still lead to this certificate. */
static bool is_usable(const struct flow *flow)
{
	const struct acme_certificate_request *request = flow->request;
	if (flow->order.status == ORDER_INVALID || has_expired(flow))
		return false;
	return order_is_for(&flow->order, request->identifiers, request->identifier_count);
}

/*
 * Take up the order at resume_url in whatever state it is: sets flow->resumed, or leaves it false when the order is
 * gone or of no use and a new one has to be placed. Fails only where the CA could not be asked: a new order then might
 * be one too many.
 */
static bool resume_order(struct flow *flow, struct error *err)
{
	static const char step[] = "new-order";
	struct error failure = {0};

	flow_begin(flow, step);
	/* Another CA's order (the config has changed since) is not asked for. */
	if (!acme_session_check_url(flow->session, flow->request->resume_url, step, &failure))
		return true;
	if (!str_set(&flow->url, flow->request->resume_url, err))
		return false;
	if (read_order(flow, step, &failure)) {
		flow->resumed = is_usable(flow);
		return true;
	}
	if (failure.category == ERROR_CA && !failure.transient) {
		log_debug("the earlier order %s cannot be taken up: %s", flow->url, failure.message);
		return true;
	}
	*err = failure;
	return false;
}

/* ---- §7.4: a new order. ---- */

/* A CA refused what the order, or its CSR, asked for beyond the names: what it would take instead. */
static void explain_wishes(struct flow *flow, struct error *err)
{
	const struct acme_certificate_request *request = flow->request;
	struct error ignored = {0};
	const struct acme_directory *directory = acme_session_directory(flow->session, flow->deadline, &ignored);

	if (directory != NULL && acme_problem_is(err->type, "invalidProfile"))
		acme_profiles_hint(&directory->profiles, err);
	/* §7.4: a CA must not pass these over in silence, and the largest refuse both with this type. */
	if ((request->not_before != 0 || request->not_after != 0) && acme_problem_is(err->type, "malformed"))
		error_hint(err, "this CA may not take dates for a certificate: order without --not-after");
}

/*
 * A CA without profiles passes the wish over, and another one may answer with a different profile
 * (draft-ietf-acme-profiles §4): it is the operator who has to know.
 */
static void note_profile(const struct flow *flow)
{
	const char *wanted = flow->request->profile, *got = flow->order.profile;
	struct error note = {0};
	char safe[LIMIT_PROFILE_NAME + 1];

	if (wanted == NULL || str_equal(wanted, got))
		return;
	if (got == NULL)
		(void)error_set(&note, ERROR_CA, "new-order", "the CA passed the profile \"%s\" over and uses its own",
				wanted);
	else
		(void)error_set(&note, ERROR_CA, "new-order", "the CA uses the profile \"%s\" instead of \"%s\"",
				escape_str(safe, sizeof(safe), got), wanted);
	flow_note(flow, &note);
}

/* POST newOrder, with REPLACES unless that is NULL. The answer is the caller's. */
static bool ask_for_order(struct flow *flow, const struct acme_directory *directory, const char *replaces,
			  struct http_response *ret, struct error *err)
{
	static const char step[] = "new-order";
	const struct acme_certificate_request *request = flow->request;
	CLEANUP(buf_done) struct buf payload;
	buf_init(&payload, LIMIT_JSON_BODY);

	const struct order_wishes wishes = {
		.profile = request->profile,
		.not_before = request->not_before,
		.not_after = request->not_after,
		.replaces = replaces,
	};
	if (!order_request(request->identifiers, request->identifier_count, &wishes, &payload, err)) {
		error_context(err, step, NULL, NULL);
		return false;
	}
	struct acme_post post = {.url = directory->new_order, .payload = buf_cstr(&payload)};
	if (!acme_session_post(flow->session, flow->account, &post, 1, step, flow->deadline, err)) {
		acme_post_done(&post);
		return false;
	}
	*ret = post.response;
	return true;
}

/*
 * RFC 9773 §5: what the order replaces may be refused for reasons that do not concern the order: it was replaced
 * already, another account ordered it, the CA has forgotten it. CAs use several types for that.
 */
static bool is_about_replaces(const struct error *failure)
{
	enum { NOT_FOUND = 404, CONFLICT = 409 };
	return failure->http_status == NOT_FOUND || failure->http_status == CONFLICT ||
	       acme_problem_is(failure->type, "alreadyReplaced") || acme_problem_is(failure->type, "malformed") ||
	       acme_problem_is(failure->type, "unauthorized");
}

static bool new_order(struct flow *flow, struct error *err)
{
	static const char step[] = "new-order";
	const struct acme_port *port = acme_session_port(flow->session);
	CLEANUP(http_response_done) struct http_response response = {0};
	struct error failure = {0};

	flow_begin(flow, step);
	const struct acme_directory *directory = acme_session_directory(flow->session, flow->deadline, err);
	if (directory == NULL || (flow->request->profile != NULL &&
				  !acme_profiles_check(&directory->profiles, flow->request->profile, err))) {
		error_context(err, step, NULL, NULL);
		return false;
	}
	bool tell = directory->renewal_info != NULL && !flow->replaces_refused;
	const char *replaces = tell ? flow->request->replaces : NULL;
	bool ok = ask_for_order(flow, directory, replaces, &response, &failure);
	if (!ok && replaces != NULL && is_about_replaces(&failure)) {
		log_debug("the CA does not take the order as a replacement, asking without: %s", failure.message);
		flow->replaces_refused = true;
		failure = (struct error){0};
		ok = ask_for_order(flow, directory, /* replaces= */ NULL, &response, &failure);
	}
	if (!ok) {
		*err = failure;
		/* Not sent again blindly: each order placed counts against the CA's limits. */
		if (err->category == ERROR_NETWORK)
			err->transient = true;
		explain_wishes(flow, err);
		return false;
	}

	/* The order's URL stands in Location and nowhere else. It is safe before anything else can fail. */
	const char *location = http_response_header(&response, "Location", 0);
	if (location == NULL)
		return error_set(err, ERROR_CA, step, "the CA's answer to newOrder has no order URL (Location)");
	if (!acme_session_check_url(flow->session, location, step, err) || !str_set(&flow->url, location, err))
		return false;
	flow->resumed = false;
	flow->orders++;
	flow->placed_at = port->now(port->ctx);
	if (flow->observer != NULL && flow->observer->order_placed != NULL &&
	    !flow->observer->order_placed(flow->observer->ctx, flow->url, err)) {
		error_context(err, step, NULL, NULL);
		return false;
	}
	if (!adopt_order(flow, &response, step, err))
		return false;
	note_profile(flow);
	return true;
}

/* ---- §7.5, §7.5.1: pending → ready. ---- */

static bool authorize(struct flow *flow, struct error *err)
{
	CLEANUP(solving_done) struct solving solving = {.flow = flow};

	if (flow->order.status != ORDER_PENDING)
		return true;
	flow_begin(flow, "authorize");
	if (!solving_read(&solving, err))
		return false;
	/* §7.4 lets a CA hand back an older order, and one of ours may have waited long: a new one, but not for ever.
	 */
	if (solving_is_dead(&solving) && flow->orders < ORDERS_MAX) {
		solving_deactivate(&solving);
		solving_done(&solving);
		return new_order(flow, err) && authorize(flow, err);
	}
	if (!solving_choose(&solving, err))
		return false;

	flow_begin(flow, "challenge");
	if (!solving_present(&solving, err) || !solving_answer(&solving, err))
		return false;

	/* One poll of the order instead of one for each authorization: it leaves "pending" when all are decided. */
	flow_begin(flow, "validate");
	if (!solving_await_asked(&solving, err))
		return false;
	pace_restart(&flow->pace);
	while (flow->order.status == ORDER_PENDING)
		if (!look_again(flow, "validate", err))
			return false;
	return true;
}

/* ---- §7.4: ready → valid. ---- */

/*
 * POST the CSR. Where the CA may have taken it although the answer is an error, or was lost, *RET_DOUBT is set: the
 * order then has to be looked at before anything is sent again.
 */
static bool send_csr(struct flow *flow, bool *ret_doubt, struct error *err)
{
	static const char step[] = "finalize";
	struct error malformed = {0};
	CLEANUP(buf_done) struct buf payload;
	buf_init(&payload, LIMIT_JSON_BODY);

	*ret_doubt = false;
	if (flow->order.finalize == NULL)
		return error_set(err, ERROR_CA, step, "the order is ready but has no finalize URL");
	if (!order_finalize_request(flow->request->csr_der, flow->request->csr_der_len, &payload, err))
		return false;
	CLEANUP(acme_post_done) struct acme_post post = {.url = flow->order.finalize, .payload = buf_cstr(&payload)};
	if (!acme_session_post(flow->session, flow->account, &post, 1, step, flow->deadline, err)) {
		*ret_doubt = err->category == ERROR_NETWORK || err->http_status >= 500 ||
			     acme_problem_is(err->type, "orderNotReady");
		explain_wishes(flow, err);
		return false;
	}
	/* The CSR has arrived, whatever the body is worth: the order itself tells. */
	if (!adopt_order(flow, &post.response, step, &malformed))
		flow->order.status = ORDER_PROCESSING;
	return true;
}

/* send_csr(), and where that leaves doubt, a look at the order. */
static bool try_finalize(struct flow *flow, unsigned attempt, struct error *err)
{
	struct error failure = {0};
	bool doubt = false;

	if (attempt == 1)
		pace_restart(&flow->pace);
	if (send_csr(flow, &doubt, &failure))
		return true;
	if (!doubt || attempt == FINALIZE_ATTEMPTS) {
		*err = failure;
		return false;
	}
	flow_keep_trouble(flow, &failure);
	return look_again(flow, "finalize", err);
}

static bool finalize(struct flow *flow, struct error *err)
{
	static const char step[] = "finalize";
	unsigned attempts = 0;

	flow_begin(flow, step);
	for (;;) {
		bool ok = true;
		switch (flow->order.status) {
		case ORDER_READY:
			ok = try_finalize(flow, ++attempts, err);
			break;
		case ORDER_VALID:
			if (flow->order.certificate != NULL)
				return true;
			ok = look_again(flow, step, err); /* some CAs name the certificate a moment later */
			break;
		case ORDER_PENDING: /* after orderNotReady: the CA has not caught up with its own validations */
		case ORDER_PROCESSING:
		case ORDER_OTHER:
			ok = look_again(flow, step, err);
			break;
		case ORDER_INVALID:
			return solving_explain(flow, err);
		}
		if (!ok)
			return false;
	}
}

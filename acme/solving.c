/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authorizations of one order: read, have their challenges provisioned all together, tell the CA, clean up. With
 * four names or more the requests go side by side; below that, the nonces this would take cost more than they save.
 */
#include "acme/flow_internal.h"
#include "acme/jwk.h"
#include "acme/key.h"
#include "acme/problem.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"

#include <string.h>

enum {
	SIDE_BY_SIDE_FROM = 4,
	DEACTIVATE_MS = 5 * 1000, /* for all of them: a courtesy that must not keep anybody waiting */
};

/* Send all posts, also behind one that failed. True when all are ok. */
static bool post_all(struct flow *flow, struct acme_post *posts, size_t count, const char *step, struct error *err)
{
	size_t at_once = count >= SIDE_BY_SIDE_FROM ? count : 1;
	bool ok = true;
	for (size_t i = 0; i < count; i += at_once)
		ok = acme_session_post(flow->session, flow->account, posts + i, at_once, step, flow->deadline, err) &&
		     ok;
	return ok;
}

static void posts_free(struct acme_post *posts, size_t count)
{
	for (size_t i = 0; posts != NULL && i < count; i++)
		acme_post_done(&posts[i]);
	free(posts);
}

static bool parse_authorization(const struct http_response *response, struct authorization *ret, const char *step,
				struct error *err)
{
	if (!authorization_parse(buf_cstr(&response->body), response->body.len, ret, err))
		return error_attribute(err, ERROR_CA, step);
	return true;
}

bool solving_read(struct solving *solving, struct error *err)
{
	static const char step[] = "authorize";
	const struct str_list *urls = &solving->flow->order.authorizations;
	struct acme_post *posts = calloc(urls->len + 1, sizeof(*posts));

	solving->authorizations = calloc(urls->len + 1, sizeof(*solving->authorizations));
	if (posts == NULL || solving->authorizations == NULL) {
		free(posts);
		return error_oom(err);
	}
	solving->count = urls->len;
	for (size_t i = 0; i < urls->len; i++)
		posts[i].url = urls->items[i];
	/* What could be read is kept even if something else could not: it may explain a failure. */
	bool ok = post_all(solving->flow, posts, urls->len, step, err);
	for (size_t i = 0; i < urls->len; i++)
		if (posts[i].ok && !parse_authorization(&posts[i].response, &solving->authorizations[i], step, err))
			ok = false;
	posts_free(posts, urls->len);
	return ok;
}

static bool is_decided(const struct authorization *authorization)
{
	/* §7.1.6: from these no way leads back. An unknown state may still change. */
	switch (authorization->status) {
	case AUTHORIZATION_INVALID:
	case AUTHORIZATION_DEACTIVATED:
	case AUTHORIZATION_EXPIRED:
	case AUTHORIZATION_REVOKED:
		return true;
	case AUTHORIZATION_PENDING:
	case AUTHORIZATION_VALID:
	case AUTHORIZATION_OTHER:
		return false;
	}
	return false;
}

bool solving_is_dead(const struct solving *solving)
{
	for (size_t i = 0; i < solving->count; i++)
		if (is_decided(&solving->authorizations[i]))
			return true;
	return false;
}

bool solving_is_decided(const struct solving *solving)
{
	for (size_t i = 0; i < solving->count; i++)
		if (!is_decided(&solving->authorizations[i]) &&
		    solving->authorizations[i].status != AUTHORIZATION_VALID)
			return false;
	return true;
}

bool solving_refresh(struct solving *solving, struct error *err)
{
	static const char step[] = "validate";
	struct flow *flow = solving->flow;
	const struct acme_port *port = acme_session_port(flow->session);

	/* They point into what is about to be replaced, and all answers are given. */
	free(solving->picks);
	solving->picks = NULL;
	for (size_t i = 0; i < solving->count; i++) {
		struct authorization *known = &solving->authorizations[i], seen;
		CLEANUP(acme_post_done) struct acme_post post = {.url = flow->order.authorizations.items[i]};
		if (is_decided(known) || known->status == AUTHORIZATION_VALID)
			continue;
		if (!acme_session_post(flow->session, flow->account, &post, 1, step, flow->deadline, err) ||
		    !parse_authorization(&post.response, &seen, step, err))
			return false;
		pace_retry_after(&flow->pace, &post.response, port->now(port->ctx));
		authorization_done(known);
		*known = seen;
	}
	return true;
}

void solving_deactivate(const struct solving *solving)
{
	struct flow *flow = solving->flow;
	struct acme_post *posts = calloc(solving->count + 1, sizeof(*posts));
	struct error failure = {0};
	size_t count = 0;

	for (size_t i = 0; posts != NULL && i < solving->count; i++) {
		if (solving->authorizations[i].status != AUTHORIZATION_PENDING ||
		    solving->authorizations[i].identifier.value[0] == '\0')
			continue;
		posts[count].url = flow->order.authorizations.items[i];
		posts[count++].payload = "{\"status\":\"deactivated\"}";
	}
	if (count > 0 && !acme_session_post(flow->session, flow->account, posts, count, "clean-up",
					    deadline_within(flow->deadline, DEACTIVATE_MS), &failure))
		log_debug("an authorization stays pending at the CA: %s", failure.message);
	posts_free(posts, count);
}

static bool is_ordered(const struct acme_certificate_request *request, const struct identifier *identifier)
{
	for (size_t i = 0; i < request->identifier_count; i++)
		if (identifier_equal(&request->identifiers[i], identifier))
			return true;
	return false;
}

/* One authorization that is not valid yet: its challenge becomes the next task. */
static bool add_task(struct solving *solving, size_t index, const struct challenge_context *context, struct error *err)
{
	const struct flow *flow = solving->flow;
	const struct authorization *authorization = &solving->authorizations[index];
	const char *name = authorization->identifier.value;

	if (is_decided(authorization)) {
		CLEANUP(buf_done) struct buf said;
		struct error reason = {0};
		buf_init(&said, LIMIT_JSON_BODY);
		authorization_failures(authorization, &said, &reason);
		(void)error_set(err, ERROR_CA, NULL, "the authorization for %s is %s", name,
				authorization_status_name(authorization->status));
		error_type(err, reason.type);
		error_said(err, buf_cstr(&said), said.len);
		authorization_parts(authorization, err);
		return false;
	}
	/* We prove control of what was asked for, and of nothing that a CA would like to have proven besides. */
	if (!is_ordered(flow->request, &authorization->identifier))
		return error_set(err, ERROR_CA, NULL, "the CA wants %s authorized, which was not ordered", name);

	const struct challenge *challenge = authorization_choose(authorization, flow->solver->type, err);
	if (challenge == NULL)
		return false;
	struct acme_challenge_task *task = &solving->tasks[solving->task_count];
	if (!challenge_task(challenge, &authorization->identifier, context, task, err))
		return false;
	solving->picks[solving->task_count].url = flow->order.authorizations.items[index];
	solving->picks[solving->task_count++].challenge = challenge;
	return true;
}

static bool add_tasks(struct solving *solving, struct error *err)
{
	const struct acme_identity *account = solving->flow->account;
	char thumbprint[SHA256_BASE64URL_SIZE];
	struct challenge_context context = {.account_url = account->kid, .thumbprint = thumbprint};
	if (solving->count == 0)
		return error_set(err, ERROR_CA, NULL, "the order is pending but lists no authorizations");
	solving->tasks = calloc(solving->count, sizeof(*solving->tasks));
	solving->picks = calloc(solving->count, sizeof(*solving->picks));
	if (solving->tasks == NULL || solving->picks == NULL)
		return error_oom(err);
	if (!jwk_thumbprint(account->signer->jwk, thumbprint, err))
		return false;
	context.directory = acme_session_directory(solving->flow->session, solving->flow->deadline, err);
	if (context.directory == NULL)
		return false;
	for (size_t i = 0; i < solving->count; i++)
		if (solving->authorizations[i].status != AUTHORIZATION_VALID && !add_task(solving, i, &context, err))
			return false;
	return true;
}

bool solving_choose(struct solving *solving, struct error *err)
{
	if (add_tasks(solving, err))
		return true;
	error_context(err, "authorize", NULL, NULL);
	return false;
}

bool solving_present(struct solving *solving, struct error *err)
{
	const struct acme_solver *solver = solving->flow->solver;
	if (solving->task_count == 0)
		return true;
	solving->presented = true; /* also when it fails: a part may be out already */
	if (solver->present(solver->ctx, solving->tasks, solving->task_count, solving->flow->deadline, err))
		return true;
	error_context(err, "challenge", NULL, NULL);
	return false;
}

/*
 * The answer to a challenge failed with FAILURE: has the CA taken it all the same? §8.2 allows one answer, so the
 * authorization is read before a second one is sent.
 */
static bool settle_answer(struct solving *solving, const struct challenge_pick *pick, const struct error *failure,
			  struct error *err)
{
	static const char step[] = "challenge";
	struct flow *flow = solving->flow;
	CLEANUP(authorization_done) struct authorization seen = {0};
	CLEANUP(acme_post_done) struct acme_post read = {.url = pick->url};
	CLEANUP(acme_post_done) struct acme_post again = {.url = pick->challenge->url, .payload = "{}"};

	/* A CA that is validating already may refuse a second answer so. */
	if (acme_problem_is(failure->type, "conflict"))
		return true;
	bool lost = failure->category == ERROR_NETWORK || failure->http_status >= 500;
	if (!lost && failure->category != ERROR_CA) {
		*err = *failure;
		return false;
	}
	if (!acme_session_post(flow->session, flow->account, &read, 1, step, flow->deadline, err) ||
	    !parse_authorization(&read.response, &seen, step, err))
		return false;
	const struct challenge *challenge = authorization_choose(&seen, pick->challenge->type, err);
	if (challenge == NULL)
		return false;
	if (seen.status != AUTHORIZATION_PENDING || challenge->status != CHALLENGE_STATUS_PENDING)
		return true;
	if (!lost) {
		*err = *failure;
		return false;
	}
	log_debug("the answer to a challenge was lost; sending it again");
	return acme_session_post(flow->session, flow->account, &again, 1, step, flow->deadline, err);
}

bool solving_answer(struct solving *solving, struct error *err)
{
	struct acme_post *posts = calloc(solving->task_count + 1, sizeof(*posts));
	const struct challenge_pick **picks = calloc(solving->task_count + 1, sizeof(*picks));
	struct error first = {0};
	size_t count = 0;
	bool ok = posts != NULL && picks != NULL;

	/* Of a resumed order some may be answered already: those are only kept answerable. */
	for (size_t i = 0; ok && i < solving->task_count; i++) {
		if (solving->picks[i].challenge->status != CHALLENGE_STATUS_PENDING)
			continue;
		posts[count].url = solving->picks[i].challenge->url;
		posts[count].payload = "{}"; /* §7.5.1 */
		picks[count++] = &solving->picks[i];
	}
	if (!ok)
		(void)error_oom(err);
	else if (!post_all(solving->flow, posts, count, "challenge", &first))
		for (size_t i = 0; ok && i < count; i++)
			ok = posts[i].ok || settle_answer(solving, picks[i], &posts[i].error, err);
	posts_free(posts, count);
	free(picks);
	return ok;
}

bool solving_await_asked(struct solving *solving, struct error *err)
{
	const struct acme_solver *solver = solving->flow->solver;
	if (solver->await_asked == NULL || solving->task_count == 0 ||
	    solver->await_asked(solver->ctx, solving->flow->deadline, err))
		return true;
	err->transient = err->category != ERROR_CANCELLED;
	error_context(err, "validate", NULL, NULL);
	return false;
}

void solving_done(struct solving *solving)
{
	const struct acme_solver *solver = solving->flow->solver;
	struct error failure = {0};

	if (solving->presented && !solver->cleanup(solver->ctx, solving->tasks, solving->task_count, &failure))
		flow_note(solving->flow, &failure);
	for (size_t i = 0; i < solving->task_count; i++)
		challenge_task_done(&solving->tasks[i]);
	for (size_t i = 0; i < solving->count; i++)
		authorization_done(&solving->authorizations[i]);
	free(solving->tasks);
	free(solving->picks);
	free(solving->authorizations);
	*solving = (struct solving){.flow = solving->flow};
}

/* "a.example, b.example": those with a failed challenge. */
static void list_failed(const struct solving *solving, struct buf *out)
{
	for (size_t i = 0; i < solving->count; i++) {
		CLEANUP(buf_done) struct buf said;
		struct error reason = {0};
		buf_init(&said, LIMIT_JSON_BODY);
		authorization_failures(&solving->authorizations[i], &said, &reason);
		if (error_is_set(&reason))
			buf_printf(out, "%s%s", out->len > 0 ? ", " : "", solving->authorizations[i].identifier.value);
	}
}

bool solving_failures(const struct solving *solving, struct error *err)
{
	CLEANUP(buf_done) struct buf said, names;
	struct error reason = {0};
	buf_init(&said, (size_t)4 * LIMIT_JSON_BODY);
	buf_init(&names, LIMIT_JSON_BODY);

	for (size_t i = 0; i < solving->count; i++)
		authorization_failures(&solving->authorizations[i], &said, &reason);
	if (!error_is_set(&reason))
		return false;
	list_failed(solving, &names);
	(void)error_set(err, ERROR_CA, "validate", "the CA could not validate %s", buf_cstr(&names));
	error_said(err, buf_cstr(&said), said.len);
	for (size_t i = 0; i < solving->count; i++)
		authorization_parts(&solving->authorizations[i], err);
	error_type(err, reason.type);
	if (reason.hint[0] != '\0')
		error_hint(err, "%s", reason.hint);
	err->transient = reason.transient;
	return true;
}

bool solving_explain(struct flow *flow, struct error *err)
{
	CLEANUP(solving_done) struct solving solving = {.flow = flow};
	const struct error *reason = &flow->order.error;
	struct error unread = {0};

	if (!solving_read(&solving, &unread))
		log_debug("cannot read why the order failed: %s", unread.message);
	if (!solving_failures(&solving, err)) {
		/* No challenge failed: the CA gave up later, and says so in the order (§7.1.3). */
		(void)error_set(err, ERROR_CA, "finalize", "the CA gave the order up");
		error_said(err, reason->said, strlen(reason->said));
		memcpy(err->parts, reason->parts, sizeof(err->parts));
		error_type(err, reason->type);
		if (reason->hint[0] != '\0')
			error_hint(err, "%s", reason->hint);
		err->transient = reason->transient;
	}
	solving_deactivate(&solving);
	return false;
}

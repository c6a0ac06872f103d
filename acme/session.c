/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation with one CA: the directory, and how a signed request is sent. Every send takes a nonce that was never
 * used and makes a new signature (RFC 8555 §6.5); posts go out in rounds, and what has to be sent again joins the next
 * round.
 */
#include "acme/session.h"

#include "acme/directory.h"
#include "acme/jws.h"
#include "acme/nonce.h"
#include "acme/problem.h"
#include "acme/url.h"
#include "base/escape.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"

#include <pthread.h>
#include <string.h>

static const char step_directory[] = "directory";
static const char step_nonce[] = "nonce";

struct acme_session {
	const struct acme_port *port;
	struct acme_url origin;
	pthread_mutex_t directory_lock; /* held while fetching, so that it is fetched once */
	bool has_directory;
	struct acme_directory directory; /* its url is there from the start */
	struct nonce_pool nonces;
	_Atomic int64_t clock_offset; /* seconds ahead of the CA, by its latest Date */
};

struct acme_session *acme_session_new(const struct acme_port *port, const char *url, struct error *err)
{
	struct acme_url origin;
	if (!acme_url_parse(url, &origin, err)) {
		(void)error_attribute(err, ERROR_CONFIG, step_directory);
		return NULL;
	}
	/* RFC 8555 §6.1: HTTPS. A literal loopback address is a laboratory. */
	if (!origin.secure && !acme_url_is_loopback(&origin)) {
		(void)error_set(err, ERROR_CONFIG, step_directory, "the ACME directory must have an https:// URL");
		return NULL;
	}
	CLEANUP(acme_session_freep) struct acme_session *session = calloc(1, sizeof(*session));
	if (session == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	session->port = port;
	session->origin = origin;
	(void)pthread_mutex_init(&session->directory_lock, NULL);
	nonce_pool_init(&session->nonces);
	return str_set(&session->directory.url, url, err) ? STEAL(session) : NULL;
}

void acme_session_free(struct acme_session *session)
{
	if (session == NULL)
		return;
	directory_done(&session->directory);
	nonce_pool_done(&session->nonces);
	(void)pthread_mutex_destroy(&session->directory_lock);
	free(session);
}

const struct acme_port *acme_session_port(const struct acme_session *session)
{
	return session->port;
}

bool acme_session_check_url(const struct acme_session *session, const char *url, const char *step, struct error *err)
{
	struct acme_url parsed;
	char safe[256];
	if (!acme_url_parse(url, &parsed, err))
		return error_attribute(err, ERROR_CA, step);
	if (!acme_url_same_origin(&parsed, &session->origin))
		return error_set(err, ERROR_CA, step, "the CA sends us to another server: %s",
				 escape_str(safe, sizeof(safe), url));
	return true;
}

static void exchange_done(struct http_exchange *exchange)
{
	http_response_done(&exchange->response);
}

static bool is_success(const struct http_response *response)
{
	return response->status >= 200 && response->status < 300;
}

/* Certificates, windows and back-off are all of the wall clock: where it is wrong, nothing else makes sense. */
static void note_date(struct acme_session *session, const struct http_response *response)
{
	const char *date = http_response_header(response, "Date", 0);
	int64_t theirs = 0;
	if (date != NULL && http_date_parse(date, strlen(date), &theirs))
		session->clock_offset = session->port->now(session->port->ctx) - theirs;
}

int64_t acme_session_clock_offset(const struct acme_session *session)
{
	return session->clock_offset;
}

/* One unsigned GET or HEAD, tried once more when its connection fails: it changes nothing at the CA. */
static bool send_unsigned(struct acme_session *session, struct http_exchange *exchange, const char *step,
			  struct deadline deadline, struct error *err)
{
	const struct acme_port *port = session->port;
	for (int tries = 0; tries < 2 && !exchange->ok; tries++) {
		exchange->error = (struct error){0};
		if (!port->send(port->ctx, exchange, 1, deadline, err)) {
			error_context(err, step, NULL, NULL);
			return false;
		}
		if (!exchange->ok && exchange->error.category != ERROR_NETWORK)
			break;
	}
	if (!exchange->ok) {
		*err = exchange->error;
		error_context(err, step, NULL, NULL);
		return false;
	}
	note_date(session, &exchange->response);
	nonce_pool_put(&session->nonces, http_response_header(&exchange->response, "Replay-Nonce", 0));
	if (!is_success(&exchange->response)) {
		error_clock(err, session->clock_offset);
		return acme_problem_from_response(&exchange->response, exchange->request.url, step,
						  port->now(port->ctx), err);
	}
	return true;
}

bool acme_session_get(struct acme_session *session, const char *url, const char *step, struct deadline deadline,
		      struct http_response *ret, struct error *err)
{
	CLEANUP(exchange_done)
	struct http_exchange exchange = {
		.request = {.method = HTTP_GET,
			    .url = url,
			    .accept = "application/json",
			    .max_response = LIMIT_JSON_BODY,
			    .follow = true},
	};
	if (!acme_session_check_url(session, url, step, err) || !send_unsigned(session, &exchange, step, deadline, err))
		return false;
	*ret = exchange.response;
	exchange.response = (struct http_response){0};
	return true;
}

/* RFC 8555 §7.1.1. */
static bool fetch_directory(struct acme_session *session, struct deadline deadline, struct error *err)
{
	CLEANUP(exchange_done)
	struct http_exchange exchange = {
		.request = {.method = HTTP_GET,
			    .url = session->directory.url,
			    .accept = "application/json",
			    .max_response = LIMIT_JSON_BODY,
			    .follow = true},
	};
	CLEANUP(directory_done) struct acme_directory directory = {0};

	if (!send_unsigned(session, &exchange, step_directory, deadline, err))
		return false;
	const struct buf *body = &exchange.response.body;
	if (!directory_parse(buf_cstr(body), body->len, &directory, err)) {
		error_hint(err, "check that %s is an ACME directory", session->directory.url);
		return error_attribute(err, ERROR_CA, step_directory);
	}
	if (!acme_session_check_url(session, directory.new_nonce, step_directory, err) ||
	    !acme_session_check_url(session, directory.new_account, step_directory, err) ||
	    !acme_session_check_url(session, directory.new_order, step_directory, err))
		return false;

	directory.url = STEAL(session->directory.url);
	session->directory = directory;
	directory = (struct acme_directory){0};
	session->has_directory = true;
	return true;
}

const struct acme_directory *acme_session_directory(struct acme_session *session, struct deadline deadline,
						    struct error *err)
{
	(void)pthread_mutex_lock(&session->directory_lock);
	bool ok = session->has_directory || fetch_directory(session, deadline, err);
	(void)pthread_mutex_unlock(&session->directory_lock);
	return ok ? &session->directory : NULL;
}

/* One post on its way: what it needs beyond the caller's part. */
struct attempt {
	struct acme_post *post;
	char *nonce;      /* for the next send; NULL: to be taken from the pool or fetched */
	unsigned refused; /* badNonce answers so far */
	bool resent;      /* after a lost connection */
	bool finished;    /* post has its response or its error */
	struct buf body;  /* the JWS of this round */
};

struct round {
	struct acme_session *session;
	const struct acme_identity *identity;
	const char *step;
	struct deadline deadline;
	struct attempt attempts[LIMIT_PARALLEL_REQUESTS];
	struct http_exchange exchanges[LIMIT_PARALLEL_REQUESTS];
	struct attempt *sent[LIMIT_PARALLEL_REQUESTS]; /* whose exchange is the one of the same index */
	size_t count;
};

static void round_free(struct round *round)
{
	if (round == NULL)
		return;
	for (size_t i = 0; i < LIMIT_PARALLEL_REQUESTS; i++) {
		free(round->attempts[i].nonce);
		buf_done(&round->attempts[i].body);
		http_response_done(&round->exchanges[i].response);
	}
	free(round);
}

DEFINE_FREEP(round_freep, struct round, round_free)

static void clear_exchanges(struct round *round)
{
	for (size_t i = 0; i < LIMIT_PARALLEL_REQUESTS; i++) {
		http_response_done(&round->exchanges[i].response);
		round->exchanges[i] = (struct http_exchange){0};
	}
}

static struct http_request nonce_request(const struct acme_directory *directory)
{
	return (struct http_request){.method = HTTP_HEAD, .url = directory->new_nonce, .max_response = LIMIT_JSON_BODY};
}

/* RFC 8555 §7.2: HEAD newNonce, into the pool. */
static bool fetch_nonce(struct acme_session *session, const struct acme_directory *directory, struct deadline deadline,
			struct error *err)
{
	CLEANUP(exchange_done) struct http_exchange exchange = {.request = nonce_request(directory)};
	if (!send_unsigned(session, &exchange, step_nonce, deadline, err))
		return false;
	if (!nonce_is_valid(http_response_header(&exchange.response, "Replay-Nonce", 0)))
		return error_set(err, ERROR_CA, step_nonce, "the CA answered newNonce without a usable Replay-Nonce");
	return true;
}

/* COUNT of them side by side. Fewer are fine as long as there is one; where there is none, a single one tells why. */
static bool fetch_nonces(struct round *round, size_t count, struct error *err)
{
	struct acme_session *session = round->session;
	const struct acme_port *port = session->port;
	const struct acme_directory *directory = acme_session_directory(session, round->deadline, err);
	size_t got = 0;

	if (directory == NULL)
		return false;
	if (count == 1)
		return fetch_nonce(session, directory, round->deadline, err);
	clear_exchanges(round);
	for (size_t i = 0; i < count; i++)
		round->exchanges[i].request = nonce_request(directory);
	if (!port->send(port->ctx, round->exchanges, count, round->deadline, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct http_exchange *exchange = &round->exchanges[i];
		const char *nonce = http_response_header(&exchange->response, "Replay-Nonce", 0);
		if (!exchange->ok || !is_success(&exchange->response) || !nonce_is_valid(nonce))
			continue;
		nonce_pool_put(&session->nonces, nonce);
		got++;
	}
	return got > 0 || fetch_nonce(session, directory, round->deadline, err);
}

/* Give every unfinished attempt a nonce; the pool first, and what it lacks is fetched. */
static bool assign_nonces(struct round *round, struct error *err)
{
	for (;;) {
		size_t missing = 0;
		for (size_t i = 0; i < round->count; i++) {
			struct attempt *attempt = &round->attempts[i];
			if (attempt->finished || attempt->nonce != NULL)
				continue;
			attempt->nonce = nonce_pool_take(&round->session->nonces);
			missing += attempt->nonce == NULL;
		}
		if (missing == 0)
			return true;
		/* Another thread may take what we fetch: then we fetch again. */
		if (!fetch_nonces(round, missing, err))
			return false;
	}
}

/* Sign what is not finished, and put it into exchanges. Returns how many there are, 0 with ERR on failure. */
static size_t sign_round(struct round *round, struct error *err)
{
	size_t count = 0;
	clear_exchanges(round);
	for (size_t i = 0; i < round->count; i++) {
		struct attempt *attempt = &round->attempts[i];
		const struct acme_post *post = attempt->post;
		if (attempt->finished)
			continue;
		AUTO_FREE char *nonce = STEAL(attempt->nonce);
		const struct jws_header header = {.kid = round->identity->kid, .nonce = nonce, .url = post->url};
		buf_done(&attempt->body);
		buf_init(&attempt->body, (size_t)2 * LIMIT_JSON_BODY);
		if (!jws_build(round->identity->signer, &header, post->payload != NULL ? post->payload : "",
			       &attempt->body, err))
			return 0;
		round->sent[count] = attempt;
		round->exchanges[count++].request = (struct http_request){
			.method = HTTP_POST,
			.url = post->url,
			.content_type = "application/jose+json",
			.accept = post->accept != NULL ? post->accept : "application/json",
			.body = buf_cstr(&attempt->body),
			.body_len = attempt->body.len,
			.unrepeatable = true, /* RFC 8555 §6.5: what is sent again needs a nonce of its own */
			.max_response = post->max_response != 0 ? post->max_response : LIMIT_JSON_BODY,
		};
	}
	return count;
}

/*
 * RFC 8555 §6.5: badNonce is retried at once, with the nonce of that very answer. The first refusal also empties the
 * pool: what a CA forgot once, it forgot wholesale.
 */
static bool retry_bad_nonce(struct round *round, struct attempt *attempt, const struct http_response *response)
{
	const char *nonce = http_response_header(response, "Replay-Nonce", 0);
	if (++attempt->refused > LIMIT_BAD_NONCE_RETRIES)
		return false;
	if (attempt->refused == 1)
		nonce_pool_drop(&round->session->nonces);
	if (nonce_is_valid(nonce))
		attempt->nonce = strdup(nonce); /* NULL: one is fetched */
	log_debug("the CA refused a nonce; signing again");
	return true;
}

/* What came of one exchange: the post's response, its error, or another try. */
static void judge(struct round *round, struct attempt *attempt, struct http_exchange *exchange)
{
	const struct acme_port *port = round->session->port;
	struct acme_post *post = attempt->post;
	struct error problem = {0};

	if (!exchange->ok) {
		bool repeatable = post->payload == NULL || post->repeatable;
		if (exchange->error.category == ERROR_NETWORK && repeatable && !attempt->resent) {
			attempt->resent = true;
			return;
		}
		post->error = exchange->error;
		error_context(&post->error, round->step, NULL, NULL);
		attempt->finished = true;
		return;
	}
	if (is_success(&exchange->response)) {
		post->response = exchange->response;
		exchange->response = (struct http_response){0};
		post->ok = true;
		attempt->finished = true;
		return;
	}
	(void)acme_problem_from_response(&exchange->response, post->url, round->step, port->now(port->ctx), &problem);
	error_clock(&problem, round->session->clock_offset);
	if (acme_problem_is(problem.type, "badNonce") && retry_bad_nonce(round, attempt, &exchange->response))
		return;
	/* Its headers and its problem document may say more than an error holds. */
	post->response = exchange->response;
	exchange->response = (struct http_response){0};
	post->error = problem;
	attempt->finished = true;
}

/* One round: nonces, signatures, the exchanges, and what came of each. */
static bool run_round(struct round *round, struct error *err)
{
	const struct acme_port *port = round->session->port;
	if (!assign_nonces(round, err))
		return false;
	size_t count = sign_round(round, err);
	if (count == 0)
		return false;
	if (!port->send(port->ctx, round->exchanges, count, round->deadline, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		note_date(round->session, &round->exchanges[i].response);
		judge(round, round->sent[i], &round->exchanges[i]);
	}
	/* After judging, because a badNonce among the answers empties the pool of what is older than this round. */
	for (size_t i = 0; i < count; i++) {
		const struct http_response *kept = &round->sent[i]->post->response;
		const struct http_response *response = kept->status != 0 ? kept : &round->exchanges[i].response;
		const char *nonce = http_response_header(response, "Replay-Nonce", 0);
		if (!str_equal(nonce, round->sent[i]->nonce)) /* a badNonce's own is spoken for */
			nonce_pool_put(&round->session->nonces, nonce);
	}
	return true;
}

static bool has_unfinished(const struct round *round)
{
	for (size_t i = 0; i < round->count; i++)
		if (!round->attempts[i].finished)
			return true;
	return false;
}

/* At most LIMIT_PARALLEL_REQUESTS posts, until each has its response or its error. */
static void post_side_by_side(struct acme_session *session, const struct acme_identity *identity,
			      struct acme_post *posts, size_t count, const char *step, struct deadline deadline)
{
	struct error failure = {0};
	CLEANUP(round_freep) struct round *round = calloc(1, sizeof(*round));
	if (round == NULL) {
		for (size_t i = 0; i < count; i++)
			(void)error_oom(&posts[i].error);
		return;
	}
	round->session = session;
	round->identity = identity;
	round->step = step;
	round->deadline = deadline;
	round->count = count;
	for (size_t i = 0; i < count; i++) {
		round->attempts[i].post = &posts[i];
		round->attempts[i].finished = !acme_session_check_url(session, posts[i].url, step, &posts[i].error);
	}
	while (has_unfinished(round)) {
		if (run_round(round, &failure))
			continue;
		error_context(&failure, step, NULL, NULL);
		for (size_t i = 0; i < count; i++)
			if (!round->attempts[i].finished)
				posts[i].error = failure;
		return;
	}
}

bool acme_session_post(struct acme_session *session, const struct acme_identity *identity, struct acme_post *posts,
		       size_t count, const char *step, struct deadline deadline, struct error *err)
{
	for (size_t i = 0; i < count; i += LIMIT_PARALLEL_REQUESTS) {
		size_t left = count - i;
		post_side_by_side(session, identity, posts + i,
				  left < LIMIT_PARALLEL_REQUESTS ? left : LIMIT_PARALLEL_REQUESTS, step, deadline);
	}
	for (size_t i = 0; i < count; i++) {
		if (posts[i].ok)
			continue;
		if (!error_is_set(err))
			*err = posts[i].error;
		return false;
	}
	return true;
}

void acme_post_done(struct acme_post *post)
{
	http_response_done(&post->response);
	post->response = (struct http_response){0};
	post->ok = false;
}

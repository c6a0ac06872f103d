/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP calls to vendors. Only what is safe to repeat is repeated: a create whose answer is lost may have been done, so
 * its caller looks first.
 */
#include "dns-providers/common.h"

#include "base/escape.h"
#include "base/identifier.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "dns-providers/turns.h"
#include "transport/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
	TRIES = 5,
	REQUEST_MS = 30 * 1000,
	PAUSE_FIRST_MS = 500,
	PAUSE_LONGEST_MS = 8 * 1000,
	METADATA_TRIES = 2, /* where there is no cloud around us, nobody answers */
	METADATA_MS = 1500,
	METADATA_SLOW_MS = 8 * 1000,
};

static bool is_https(const char *url)
{
	return str_starts(url, "https://") && url[8] != '\0' && url[8] != '/' && url[8] != ':';
}

/* "http://127.0.0.1…" or "http://[::1]…": an address, since a name may lead anywhere. */
static bool is_http_to_loopback(const char *url)
{
	char host[INET_ADDRSTRLEN] = "";
	struct in_addr address;
	if (!str_starts(url, "http://"))
		return false;
	url += strlen("http://");
	if (str_starts(url, "[::1]"))
		return url[5] == '\0' || url[5] == ':' || url[5] == '/';
	size_t len = strcspn(url, ":/");
	if (len >= sizeof(host))
		return false;
	memcpy(host, url, len);
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool provider_check_url(const struct provider_setting *setting, struct error *err)
{
	const char *url = setting->value.data;
	if (strpbrk(url, "?#@\\") == NULL && setting->value.len < LIMIT_URL / 2 &&
	    (is_https(url) || is_http_to_loopback(url)))
		return true;
	error_hint(err,
		   "write it as https://HOST/PATH; http is for a loopback address only, such as http://127.0.0.1:8080");
	return error_set(err, ERROR_CONFIG, NULL, "%s is no address of an API", setting->source);
}

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

bool provider_name_is_valid(const char *name)
{
	size_t len = strspn(name, LETTERS_AND_DIGITS "-_.");
	return len > 0 && len < IDENTIFIER_MAX && name[len] == '\0';
}

bool provider_id_is_valid(const char *id)
{
	size_t len = strspn(id, LETTERS_AND_DIGITS "-_");
	return len > 0 && len <= 64 && id[len] == '\0';
}

static int64_t random_ms(int64_t longest_ms)
{
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = UINT32_MAX / 2; /* without randomness: no jitter */
	return random % longest_ms + 1;
}

bool provider_jitter(int64_t longest_ms, const char *step, struct deadline deadline, struct error *err)
{
	return deadline_sleep(deadline, random_ms(longest_ms), step, err);
}

/* Before try number ATTEMPT, from 1. */
static int64_t pause_ms(unsigned attempt)
{
	int64_t longest = PAUSE_LONGEST_MS;
	if (attempt > 0 && attempt < 5)
		longest = (int64_t)PAUSE_FIRST_MS << (attempt - 1);
	return random_ms(longest);
}

bool provider_pause(unsigned attempt, const char *step, struct deadline deadline, struct error *err)
{
	return deadline_sleep(deadline, pause_ms(attempt), step, err);
}

/* The statuses that may pass by themselves. */
static bool status_passes(long status)
{
	static const long transient[] = {408, 429, 500, 502, 503, 504};
	for (size_t i = 0; i < ARRAY_LEN(transient); i++) {
		if (status == transient[i])
			return true;
	}
	return false;
}

static bool read_failure(const struct provider_api *api, const struct http_response *answer,
			 struct provider_failure *ret)
{
	if (api->read_failure != NULL)
		return api->read_failure(answer, ret);
	return provider_failure_read(buf_cstr(&answer->body), answer->body.len, ret);
}

/* Whether ANSWER says "not now", by its status or by a code of the vendor's: nothing was done then. */
static bool is_throttled(const struct provider_api *api, const struct http_response *answer)
{
	struct provider_failure failure = {0};
	if (answer->status == 429)
		return true;
	if (api->hints == NULL || answer->status < 400 || !read_failure(api, answer, &failure))
		return false;
	for (const struct provider_hint *hint = api->hints; hint->code != NULL; hint++) {
		if (hint->passes && provider_failure_has(&failure, hint->code))
			return true;
	}
	return false;
}

static bool retry_after(const struct provider_api *api, const struct http_response *answer, int64_t *ret_seconds)
{
	const char *text = http_response_header(answer, "Retry-After", 0);
	const char *reset = api->reset_header != NULL ? http_response_header(answer, api->reset_header, 0) : NULL;
	uint64_t at = 0;
	if (text != NULL && retry_after_parse(text, clock_wall(), ret_seconds))
		return true;
	if (answer->status != 429 || reset == NULL || !parse_u64(reset, strlen(reset), INT32_MAX * 2ULL, &at))
		return false;
	*ret_seconds = (int64_t)at > clock_wall() ? (int64_t)at - clock_wall() : 0;
	return true;
}

bool provider_failed(const struct provider_api *api, const struct provider_call *call, const struct error *cause,
		     struct error *err)
{
	if (error_is_set(err))
		return false;
	enum error_category category = cause->category == ERROR_DATA ? ERROR_DNS : cause->category;
	err->transient = cause->transient;
	err->http_status = cause->http_status;
	err->retry_at = cause->retry_at;
	error_said(err, cause->said, strlen(cause->said));
	if (cause->hint[0] != '\0')
		error_hint(err, "%s", cause->hint);
	return error_set(err, category, call->step, "%s: %s: %s", api->title, call->what, cause->message);
}

bool provider_refused(const struct provider_api *api, const struct provider_call *call,
		      const struct http_response *answer, const char *said, struct error *err)
{
	char id[128] = "", type[128] = "";
	int64_t wait = 0;
	const char *request_id =
		api->request_id_header != NULL ? http_response_header(answer, api->request_id_header, 0) : NULL;
	const char *content_type = http_response_header(answer, "Content-Type", 0);

	if (error_is_set(err))
		return false;
	err->http_status = answer->status;
	err->transient = status_passes(answer->status) || is_throttled(api, answer);
	if (retry_after(api, answer, &wait))
		err->retry_at = clock_wall() + wait;
	if (request_id != NULL)
		(void)escape_str(id, sizeof(id), request_id);
	if (content_type != NULL)
		(void)escape_str(type, sizeof(type), content_type);
	if (said != NULL)
		error_said(err, said, strlen(said));
	return error_set(err, ERROR_DNS, call->step, "%s: %s: HTTP %ld%s%s%s%s%s", api->title, call->what,
			 answer->status, said == NULL ? " without the API's usual answer" : "",
			 said == NULL && type[0] != '\0' ? ", but " : "", said == NULL ? type : "",
			 id[0] != '\0' ? ", request " : "", id);
}

static void headers_done(struct provider_headers *headers)
{
	for (size_t i = 0; i < headers->count; i++)
		secret_done(&headers->lines[i]);
}

/* One request and its answer. */
static bool send_once(const struct provider_api *api, const struct provider_call *call,
		      const struct provider_headers *own, struct deadline deadline, struct http_response *ret,
		      struct error *cause)
{
	struct http_exchange exchange = {
		.request = {.method = call->method,
			    .url = call->url,
			    .accept = api->accept != NULL ? api->accept : "application/json",
			    .max_response = LIMIT_PROVIDER_BODY,
			    .once = call->creates,
			    .metadata = call->metadata},
	};
	if (call->body != NULL) {
		exchange.request.content_type = call->content_type != NULL ? call->content_type : "application/json";
		exchange.request.body = buf_cstr(call->body);
		exchange.request.body_len = call->body->len;
	}
	for (size_t i = 0; i < own->count; i++)
		exchange.request.headers[exchange.request.header_count++] = own->lines[i].data;
	if (call->header != NULL)
		exchange.request.headers[exchange.request.header_count++] = call->header;
	for (size_t i = 0; i < api->header_count; i++)
		exchange.request.headers[exchange.request.header_count++] = api->headers[i].data;
	/* A request that hangs is given up sooner than the whole work. */
	int64_t longest = !call->metadata ? REQUEST_MS : call->slow ? METADATA_SLOW_MS : METADATA_MS;
	bool sent = http_send(api->client, &exchange, 1, deadline_within(deadline, longest), cause);
	if (sent && exchange.ok) {
		*ret = exchange.response;
		return true;
	}
	http_response_done(&exchange.response);
	if (!error_is_set(cause))
		*cause = exchange.error;
	cause->transient = cause->transient || cause->category == ERROR_TIMEOUT;
	return false;
}

/*
 * Wait for the next try, and have everybody wait whom the vendor means by what it says, here or with one's next
 * request; false with nothing set when DEADLINE leaves no time for that.
 */
static bool wait_for_try(const struct provider_api *api, const struct provider_call *call,
			 const struct http_response *answer, unsigned attempt, struct deadline deadline,
			 struct error *err)
{
	int64_t seconds = 0;
	if (answer == NULL || !retry_after(api, answer, &seconds)) {
		int64_t ms = pause_ms(attempt);
		if (answer != NULL && api->turns != NULL && is_throttled(api, answer))
			provider_turns_hold(api->turns, ms);
		return deadline_sleep(deadline, ms, call->step, err);
	}
	if (api->turns != NULL)
		provider_turns_hold(api->turns, seconds * 1000);
	if (seconds >= deadline_left_ms(deadline) / 1000)
		return false;
	log_debug("%s: asks to wait %lld s", api->title, (long long)seconds);
	return deadline_sleep(deadline, seconds * 1000, call->step, err);
}

static void log_try(const struct provider_api *api, const struct provider_call *call, const char *said, long status)
{
	if (said != NULL)
		log_debug("%s: %s %s: %s", api->title, http_method_name(call->method), call->url, said);
	else
		log_debug("%s: %s %s: HTTP %ld", api->title, http_method_name(call->method), call->url, status);
}

bool provider_send(const struct provider_api *api, const struct provider_call *call, struct deadline deadline,
		   struct http_response *ret, bool *ret_lost, struct error *err)
{
	unsigned tries = call->metadata ? METADATA_TRIES : TRIES;
	bool renewed = api->renew == NULL;
	/* What the vendor said to the try before: more than that DEADLINE passed during the one that followed. */
	struct http_response before CLEANUP(http_response_done) = {0};
	for (unsigned attempt = 1;; attempt++) {
		struct http_response answer CLEANUP(http_response_done) = {0};
		CLEANUP(headers_done) struct provider_headers own = {0};
		struct error cause = {0};
		if (!provider_turns_take(api->turns, call->step, deadline, &cause))
			return provider_failed(api, call, &cause, err);
		/* Signatures have a time: not before the wait. */
		bool authorized = api->authorize == NULL || api->authorize(api->ctx, call, deadline, &own, &cause);
		bool answered = authorized && send_once(api, call, &own, deadline, &answer, &cause);
		provider_turns_end(api->turns);
		if (!authorized)
			return provider_failed(api, call, &cause, err);
		bool throttled = answered && is_throttled(api, &answer);
		bool again = answered ? throttled || status_passes(answer.status) : cause.transient;
		/* Throttled means not done; of everything else that went wrong a create may have been done. */
		bool lost = call->creates && again && !throttled;

		log_try(api, call, answered ? NULL : cause.message, answer.status);
		if (answered && answer.status == 401 && !renewed) {
			renewed = true;
			api->renew(api->ctx, own.mark);
			continue;
		}
		if (again && !lost && attempt < tries && deadline_left_ms(deadline) > 0 &&
		    wait_for_try(api, call, answered ? &answer : NULL, attempt, deadline, &cause)) {
			if (answered) {
				http_response_done(&before);
				before = answer;
				answer = (struct http_response){0};
			}
			continue;
		}
		/* Whoever gave up while it was to be tried again is told of that, not of why. */
		struct error given_up = {0};
		if (again && cancel_requested(deadline.cancel) && !deadline_check(deadline, call->step, &given_up)) {
			*ret_lost = lost;
			return provider_failed(api, call, &given_up, err);
		}
		if (!lost && !answered && before.status != 0 && cause.category == ERROR_TIMEOUT) {
			*ret = before;
			before = (struct http_response){0};
			return true;
		}
		if (lost || !answered) {
			*ret_lost = lost;
			return answered ? provider_refused(api, call, &answer, /* said= */ NULL, err)
					: provider_failed(api, call, &cause, err);
		}
		*ret = answer;
		answer = (struct http_response){0};
		return true;
	}
}

enum provider_result provider_call_api(const struct provider_api *api, const struct provider_call *call,
				       struct deadline deadline, struct http_response *ret,
				       struct provider_failure *ret_failure, struct error *err)
{
	struct http_response answer CLEANUP(http_response_done) = {0};
	struct provider_failure failure = {0};
	bool lost = false;

	if (!provider_send(api, call, deadline, &answer, &lost, err))
		return lost ? PROVIDER_LOST : PROVIDER_FAILED;
	bool fine = answer.status >= 200 && answer.status < 300;
	bool said = !fine && read_failure(api, &answer, &failure);
	if (fine || (said && call->also_fine != NULL && provider_failure_has(&failure, call->also_fine))) {
		*ret = answer;
		answer = (struct http_response){0};
		return PROVIDER_OK;
	}
	for (const struct provider_hint *hint = api->hints; hint != NULL && hint->code != NULL; hint++) {
		if (hint->hint != NULL && provider_failure_has(&failure, hint->code))
			error_hint(err, "%s", hint->hint);
	}
	if (err->hint[0] == '\0' && (answer.status == 401 || answer.status == 403))
		error_hint(err,
			   "the credentials are wrong, have ended, or lack a right that docs/dns-providers.md names");
	(void)provider_refused(api, call, &answer, said ? failure.text : NULL, err);
	if (ret_failure != NULL)
		*ret_failure = failure;
	return PROVIDER_REFUSED;
}

bool provider_ask(const struct provider_api *api, const struct provider_call *call, struct deadline deadline,
		  struct http_response *ret, struct error *err)
{
	return provider_call_api(api, call, deadline, ret, /* ret_failure= */ NULL, err) == PROVIDER_OK;
}

bool provider_pages_next(struct provider_pages *pages, const char *title, bool *ret_more, struct error *err)
{
	*ret_more = pages->page == 0 || pages->more;
	if (*ret_more && pages->page == LIMIT_PROVIDER_PAGES)
		return error_set(err, ERROR_DNS, NULL, "%s: a listing has more than %d pages", title,
				 LIMIT_PROVIDER_PAGES);
	pages->page++;
	pages->more = false;
	return true;
}

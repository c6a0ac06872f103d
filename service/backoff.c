/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back-off. One table of minutes, one of kinds of failures; everything else is arithmetic on what the record says, and
 * distrusts it: a clock may have been wrong, and a file edited.
 */
#include "service/backoff.h"

#include "acme/problem.h"
#include "base/limits.h"
#include "service/schedule.h"

#include <stdio.h>
#include <string.h>

enum {
	MINUTE = 60,
	HOUR = 3600,
	DAY = 24 * HOUR,
	JITTER = 20,         /* per cent, either way */
	UNFINISHED_FREE = 4, /* a reboot or a kill is no failure; a loop of them is */
	OURS_FREE = 3,       /* failures on this side */
	TOO_MANY_REQUESTS = 429,
};

static const unsigned short minutes[] = {1, 2, 5, 10, 20, 30, 60, 180, 360, 720, 1440};

int64_t backoff_delay(unsigned failures, uint64_t random)
{
	if (failures == 0)
		return 0;
	size_t index = failures <= ARRAY_LEN(minutes) ? failures - 1 : ARRAY_LEN(minutes) - 1;
	int64_t seconds = (int64_t)minutes[index] * MINUTE, spread = seconds * JITTER / 100;
	return seconds - spread + (int64_t)(random % (uint64_t)(2 * spread + 1));
}

int64_t backoff_delay_ours(unsigned failures, uint64_t random)
{
	return failures > OURS_FREE ? backoff_delay(failures - OURS_FREE, random) : 0;
}

/* --- What is counted for --- */

/* FNV-1a: tells a change from no change, and need not withstand anybody. */
static uint64_t hash(uint64_t state, const char *text)
{
	for (const char *at = text != NULL ? text : ""; *at != '\0'; at++)
		state = (state ^ (unsigned char)*at) * 0x100000001b3U;
	return (state ^ 0xff) * 0x100000001b3U;
}

bool backoff_know(struct renewal *record, const char *ca_url, struct error *err)
{
	const uint64_t start = 0xcbf29ce484222325U;
	const char *const texts[] = {ca_url,
				     challenge_type_name(record->challenge),
				     record->webroot,
				     record->listen,
				     record->dns_provider,
				     record->dns_credentials};
	char what[17];
	uint64_t sum = 0, state = start;

	/* Names in any order: a sum. */
	for (size_t i = 0; i < record->identifier_count; i++)
		sum += hash(start, record->identifiers[i].value);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		state = hash(state, texts[i]);
	(void)snprintf(what, sizeof(what), "%016llx", (unsigned long long)(sum ^ state));
	if (str_equal(record->tries.what, what))
		return true;
	if (record->tries.what != NULL)
		renewal_forget_failures(record);
	return str_set(&record->tries.what, what, err);
}

/* --- What holds --- */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The end of the window of LENGTH that began at SINCE and holds COUNT of at most MAX; 0: there is room. */
static int64_t capped_until(unsigned count, unsigned max, int64_t since, int64_t length, int64_t now)
{
	bool running = since <= now && now < since + length;
	return running && count >= max ? since + length : 0;
}

static int64_t orders_capped_until(const struct renewal *record, int64_t now)
{
	return capped_until(record->tries.orders, LIMIT_ORDERS_PER_DAY, record->tries.orders_since, DAY, now);
}

/* Tries that began and never ended: with failures before them they count as such, alone only from the fifth on. */
static int64_t unfinished_until(const struct renewal *record, int64_t now)
{
	unsigned count = record->tries.unfinished, free = record->failures == 0 ? UNFINISHED_FREE : 0;
	if (count <= free || record->tries.begun_at > now)
		return 0;
	unsigned sum = count - free + record->failures;
	return record->tries.begun_at + backoff_delay(sum >= count - free ? sum : UINT32_MAX, 0);
}

static int64_t ca_until(const struct renewal *record, int64_t now)
{
	const struct renewal_ca *ca = renewal_find_ca(record, record->ca_url);
	return ca != NULL && ca->retry_at > now && schedule_is_sane(ca->retry_at, now) ? ca->retry_at : 0;
}

/* Our own. A failure in the future was written by a clock that was wrong: it holds nothing. */
static int64_t own_until(const struct renewal *record, int64_t now)
{
	bool sane = record->last_failure <= now && schedule_is_sane(record->retry_at, now);
	int64_t until = later(sane ? record->retry_at : 0, unfinished_until(record, now));
	return until > now ? until : 0;
}

int64_t backoff_until(const struct renewal *record, enum backoff_asked asked, int64_t now)
{
	if (asked == BACKOFF_FORCED)
		return 0;
	int64_t until = later(ca_until(record, now), orders_capped_until(record, now));
	return asked == BACKOFF_BY_HAND ? until : later(until, own_until(record, now));
}

/* What it was that failed last, into ERR. */
static void keep_last(const struct error *last, struct error *err)
{
	CLEANUP(buf_done) struct buf words;
	buf_init(&words, LIMIT_JSON_BODY);
	if (last == NULL)
		return;
	buf_printf(&words, "%s%s%s", last->message, last->said[0] != '\0' ? "\n" : "", last->said);
	error_said(err, buf_cstr(&words), words.len);
	error_type(err, last->type);
	err->http_status = last->http_status;
	err->transient = true;
}

bool backoff_check(const struct renewal *record, enum backoff_asked asked, int64_t now, struct error *err)
{
	int64_t until = backoff_until(record, asked, now);
	char when[RFC3339_SIZE], since[RFC3339_SIZE];
	const struct error *last = record->last_error;
	enum error_category category = last != NULL ? last->category : ERROR_CA;

	if (until == 0)
		return true;
	(void)rfc3339_format(until, when);
	if (until == ca_until(record, now))
		(void)error_set(err, category, "back-off", "the CA asked not to be asked again before %s", when);
	else if (until == orders_capped_until(record, now))
		(void)error_set(err, category, "back-off",
				"%u orders were begun for this certificate since %s: the next one is not before %s",
				record->tries.orders, rfc3339_format(record->tries.orders_since, since), when);
	else if (until == unfinished_until(record, now))
		(void)error_set(err, category, "back-off",
				"held back until %s: the last %u runs were begun for it and none came to its end", when,
				record->tries.unfinished);
	else
		(void)error_set(err, category, "back-off", "held back until %s after %u %s in a row", when,
				record->failures, record->failures == 1 ? "failure" : "failures");
	keep_last(last, err);
	err->retry_at = until;
	error_hint(err, "the next run after that time tries again; `certferry renew --force %s` tries now",
		   record->name);
	return false;
}

/* --- What is counted --- */

/* One more in the window of LENGTH that began at *SINCE. */
static void count_in(unsigned *count, int64_t *since, int64_t length, int64_t now)
{
	if (*since > now || now >= *since + length) {
		*count = 0;
		*since = now;
	}
	if (*count < UINT32_MAX)
		(*count)++;
}

void backoff_begin(struct renewal *record, bool places_order, int64_t now)
{
	struct renewal_tries *tries = &record->tries;
	if (tries->unfinished < UINT32_MAX)
		tries->unfinished++;
	tries->begun_at = now;
	if (places_order)
		backoff_ordered(record, now);
}

void backoff_ordered(struct renewal *record, int64_t now)
{
	count_in(&record->tries.orders, &record->tries.orders_since, DAY, now);
}

void backoff_undone(struct renewal *record)
{
	if (record->tries.unfinished > 0)
		record->tries.unfinished--;
}

bool backoff_is_the_cas(const struct error *cause)
{
	static const char *const steps[] = {"directory", "nonce",    "account",  "new-order",
					    "authorize", "validate", "finalize", "download"};
	bool at_ca = false;

	if (cause->category == ERROR_CA)
		return cause->http_status >= 500 || cause->http_status == TOO_MANY_REQUESTS ||
		       acme_problem_is(cause->type, "rateLimited") || acme_problem_is(cause->type, "serverInternal") ||
		       (cause->type[0] == '\0' && !str_equal(cause->step, "validate"));
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		at_ca = at_ca || str_equal(cause->step, steps[i]);
	return at_ca && (cause->category == ERROR_NETWORK || cause->category == ERROR_TIMEOUT);
}

/* Nothing that the CA has to do with. */
static bool is_ours(const struct error *cause)
{
	return cause->category != ERROR_CA && cause->category != ERROR_TIMEOUT && cause->category != ERROR_NETWORK;
}

/* A validation that failed may succeed when something was set up; "unauthorized" is what most wrong answers come as. */
static bool is_refused_validation(const struct error *cause)
{
	return cause->category == ERROR_CA && str_equal(cause->step, "validate") && cause->type[0] != '\0' &&
	       cause->http_status == 0;
}

/* Nobody gets further before something is changed: here, at the CA, or in DNS. */
static bool is_permanent(const struct error *cause)
{
	if (cause->category != ERROR_CA || cause->transient || acme_problem_advice(cause->type) == NULL)
		return false;
	return !str_equal(cause->step, "account") && !acme_problem_is(cause->type, "unauthorized");
}

/* The account is paused until somebody follows the link in the CA's words: waiting does not lift it. */
static bool is_pause(const struct error *cause)
{
	if (!acme_problem_is(cause->type, "rateLimited") || strstr(cause->said, "https://") == NULL)
		return false;
	return cause->retry_at == 0 || strstr(cause->said, "pause") != NULL ||
	       strstr(cause->said, "self-service") != NULL;
}

static int64_t delay_after(const struct renewal *record, const struct error *cause, uint64_t random)
{
	unsigned failures = record->failures;
	if (is_ours(cause))
		return backoff_delay_ours(failures, random);
	/* A day and a little, never less. */
	if (is_permanent(cause) || is_pause(cause))
		return DAY + (int64_t)(random % HOUR);
	return backoff_delay(failures, random);
}

/* The CA's own time, and whether it is the CA that fails. One that answers as it should does not. */
static bool count_for_ca(struct renewal *record, const struct error *cause, int64_t now, struct error *err)
{
	struct renewal_ca *ca = renewal_ca(record, record->ca_url, err);
	if (ca == NULL)
		return false;
	ca->retry_at = cause->category == ERROR_CA ? cause->retry_at : 0;
	if (!backoff_is_the_cas(cause)) {
		ca->failures = 0;
		return true;
	}
	if (ca->failures == 0 || ca->since > now)
		ca->since = now;
	if (ca->failures < UINT32_MAX)
		ca->failures++;
	return true;
}

bool backoff_may_pass_at_once(const struct error *cause)
{
	enum { SERVER_ERROR = 500 };
	bool before_order = str_equal(cause->step, "directory") || str_equal(cause->step, "nonce") ||
			    str_equal(cause->step, "account");
	if (!before_order || !backoff_is_the_cas(cause) || cause->retry_at != 0)
		return false;
	return cause->category == ERROR_NETWORK ? cause->transient : cause->http_status >= SERVER_ERROR;
}

bool backoff_failed(struct renewal *record, const struct error *cause, int64_t now, uint64_t random, struct error *err)
{
	struct renewal_tries *tries = &record->tries;
	backoff_undone(record);
	if (record->failures < UINT32_MAX)
		record->failures++;
	record->last_failure = now;
	record->retry_at = now + delay_after(record, cause, random);
	if (is_refused_validation(cause)) {
		count_in(&tries->refusals, &tries->refusals_since, HOUR, now);
		record->retry_at = later(record->retry_at, capped_until(tries->refusals, LIMIT_REFUSALS_PER_HOUR,
									tries->refusals_since, HOUR, now));
	}
	error_keep(&record->last_error, cause);
	if (cause->category == ERROR_CA || backoff_is_the_cas(cause))
		return count_for_ca(record, cause, now, err);
	/* A DNS provider's or a server's own time. */
	record->retry_at = later(record->retry_at, cause->retry_at);
	return true;
}

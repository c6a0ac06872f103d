/* SPDX-License-Identifier: Apache-2.0 */
/* How long what failed is left alone. */
#include "service/backoff.h"

#include "base/limits.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static const int64_t MINUTE = 60, HOUR = 3600, DAY = 24 * 3600, NOW = 1795478400;
static const uint64_t LEAST = 0;

static struct identifier names[] = {{IDENTIFIER_DNS, "a.example"}, {IDENTIFIER_DNS, "b.example"}};
static struct identifier turned[] = {{IDENTIFIER_DNS, "b.example"}, {IDENTIFIER_DNS, "a.example"}};
static char ca_a[] = "https://a.example/dir", ca_b[] = "https://b.example/dir", webroot[] = "/var/www";
static char name[] = "a.example";

/* Its lists are its own; the strings are static. */
static struct renewal record(void)
{
	return (struct renewal){.name = name,
				.identifiers = names,
				.identifier_count = 2,
				.challenge = CHALLENGE_HTTP_01,
				.webroot = webroot,
				.ca_url = ca_a};
}

static void done(struct renewal *renewal)
{
	renewal_forget_failures(renewal);
	free(renewal->tries.what);
}

static struct error failure(enum error_category category, const char *step, const char *type)
{
	struct error err = {0};
	(void)error_set(&err, category, step, "it failed");
	if (type != NULL) {
		char urn[128];
		(void)snprintf(urn, sizeof(urn), "urn:ietf:params:acme:error:%s", type);
		error_type(&err, urn);
		const char *const transient[] = {"rateLimited", "connection", "dns", "incorrectResponse",
						 "serverInternal"};
		for (size_t i = 0; i < ARRAY_LEN(transient); i++)
			err.transient |= strcmp(type, transient[i]) == 0;
	}
	return err;
}

static void fail(struct renewal *renewal, struct error cause, int64_t now)
{
	struct error err = {0};
	CHECK_OK(backoff_failed(renewal, &cause, now, LEAST, &err), err);
}

TEST(the_table_with_its_jitter)
{
	static const int64_t minutes[] = {1, 2, 5, 10, 20, 30, 60, 180, 360, 720, 1440};
	CHECK_INT(backoff_delay(0, 1), 0);
	for (unsigned i = 0; i < ARRAY_LEN(minutes); i++) {
		int64_t seconds = minutes[i] * MINUTE, spread = seconds / 5;
		CHECK_INT(backoff_delay(i + 1, 0), seconds - spread);
		CHECK_INT(backoff_delay(i + 1, (uint64_t)spread), seconds);
		CHECK_INT(backoff_delay(i + 1, (uint64_t)(2 * spread)), seconds + spread);
		CHECK_INT(backoff_delay(i + 1, (uint64_t)(2 * spread) + 1), seconds - spread);
	}
	/* Read from disk, it may be anything. */
	CHECK_INT(backoff_delay(12, 0), 1152 * MINUTE);
	CHECK_INT(backoff_delay(UINT32_MAX, 0), 1152 * MINUTE);
}

TEST(what_a_failure_costs)
{
	static const struct {
		enum error_category category;
		const char *step, *type;
		int64_t first, second, tenth; /* minutes, at the jitter's least, after so many in a row */
	} cases[] = {
		{ERROR_NETWORK, "directory", NULL, 1, 2, 720},
		{ERROR_TIMEOUT, "finalize", NULL, 1, 2, 720},
		{ERROR_CA, "new-order", NULL, 1, 2, 720},
		{ERROR_CA, "new-order", "serverInternal", 1, 2, 720},
		/* what may be mended soon */
		{ERROR_CA, "validate", "connection", 1, 2, 720},
		{ERROR_CA, "validate", "unauthorized", 1, 2, 720},
		{ERROR_CA, "account", "externalAccountRequired", 1, 2, 720},
		/* what somebody has to change first */
		{ERROR_CA, "new-order", "rejectedIdentifier", 1800, 1800, 1800},
		{ERROR_CA, "validate", "caa", 1800, 1800, 1800},
		{ERROR_CA, "finalize", "badCSR", 1800, 1800, 1800},
		/* this side's: nobody else is bothered */
		{ERROR_DNS, "dns-provider", NULL, 0, 0, 60},
		{ERROR_STORE, "commit", NULL, 0, 0, 60},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct renewal renewal = record();
		struct error cause = failure(cases[i].category, cases[i].step, cases[i].type);
		const int64_t want[] = {cases[i].first, cases[i].second, cases[i].tenth};
		int64_t got[10];
		for (size_t n = 0; n < ARRAY_LEN(got); n++) {
			fail(&renewal, cause, NOW + (int64_t)n * DAY);
			got[n] = renewal.retry_at - renewal.last_failure;
		}
		CHECK_INT(got[0], want[0] * MINUTE * 4 / 5);
		CHECK_INT(got[1], want[1] * MINUTE * 4 / 5);
		CHECK_INT(got[9], want[2] * MINUTE * 4 / 5);
		CHECK_INT(renewal.failures, 10);
		done(&renewal);
	}
}

TEST(who_is_held_by_what)
{
	struct renewal renewal = record();
	struct error limited = failure(ERROR_CA, "new-order", "rateLimited");
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), 0);
	fail(&renewal, failure(ERROR_NETWORK, "directory", NULL), NOW);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), NOW + 48);
	CHECK_INT(backoff_until(&renewal, BACKOFF_BY_HAND, NOW), 0);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW + 48), 0);
	limited.retry_at = NOW + 3 * DAY;
	fail(&renewal, limited, NOW);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), NOW + 3 * DAY);
	CHECK_INT(backoff_until(&renewal, BACKOFF_BY_HAND, NOW), NOW + 3 * DAY);
	CHECK_INT(backoff_until(&renewal, BACKOFF_FORCED, NOW), 0);
	/* Another CA has not asked for anything. */
	renewal.ca_url = ca_b;
	CHECK_INT(backoff_until(&renewal, BACKOFF_BY_HAND, NOW), 0);
	done(&renewal);
}

TEST(a_pause_is_tried_daily_and_its_link_is_whole)
{
	static const char words[] =
		"Your account is temporarily prevented from requesting certificates for a.example and possibly others. "
		"Please visit: https://portal.ca.example/sfe/v1/unpause?jwt=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x";
	struct renewal renewal = record();
	struct error paused = failure(ERROR_CA, "new-order", "rateLimited"), err = {0};
	error_said(&paused, words, strlen(words));
	fail(&renewal, paused, NOW);
	CHECK(renewal.retry_at >= NOW + DAY);
	CHECK(!backoff_check(&renewal, BACKOFF_SCHEDULED, NOW, &err));
	CHECK_CONTAINS(err.said,
		       "https://portal.ca.example/sfe/v1/unpause?jwt=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x");
	done(&renewal);
}

TEST(tries_that_never_ended)
{
	struct renewal renewal = record();
	struct error err = {0};
	/* A reboot, a kill, another: whoever runs it again wants it done. A loop of them is something else. */
	for (int i = 0; i < 4; i++) {
		CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), 0);
		backoff_begin(&renewal, false, NOW);
	}
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), 0);
	backoff_begin(&renewal, false, NOW);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), NOW + 48);
	CHECK(!backoff_check(&renewal, BACKOFF_SCHEDULED, NOW, &err));
	CHECK_CONTAINS(err.message, "the last 5 runs were begun");
	backoff_begin(&renewal, false, NOW);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), NOW + 96);
	/* Ctrl-C is no failure. */
	backoff_undone(&renewal);
	backoff_undone(&renewal);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), 0);
	/* The one that ends counts for all. */
	fail(&renewal, failure(ERROR_NETWORK, "directory", NULL), NOW);
	renewal_forget_failures(&renewal);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), 0);
	done(&renewal);
}

TEST(after_a_failure_dying_does_not_help)
{
	struct renewal renewal = record();
	fail(&renewal, failure(ERROR_NETWORK, "directory", NULL), NOW);
	fail(&renewal, failure(ERROR_NETWORK, "directory", NULL), NOW + HOUR);
	backoff_begin(&renewal, true, NOW + 2 * HOUR);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW + 2 * HOUR), NOW + 2 * HOUR + 240);
	done(&renewal);
}

TEST(ten_orders_a_day)
{
	struct renewal renewal = record();
	struct error err = {0};
	for (int i = 0; i < 10; i++) {
		CHECK_INT(backoff_until(&renewal, BACKOFF_BY_HAND, NOW + i * HOUR), 0);
		backoff_begin(&renewal, true, NOW + i * HOUR);
		renewal_forget_failures(&renewal); /* it worked: for the caps it counts all the same */
	}
	CHECK_INT(backoff_until(&renewal, BACKOFF_BY_HAND, NOW + 10 * HOUR), NOW + DAY);
	CHECK(!backoff_check(&renewal, BACKOFF_SCHEDULED, NOW + 10 * HOUR, &err));
	CHECK_CONTAINS(err.message, "10 orders were begun");
	CHECK_INT(backoff_until(&renewal, BACKOFF_FORCED, NOW + 10 * HOUR), 0);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW + DAY), 0);
	backoff_begin(&renewal, true, NOW + DAY);
	CHECK_INT(renewal.tries.orders, 1);
	/* Taking up an order that was placed before is none. */
	backoff_begin(&renewal, false, NOW + DAY);
	CHECK_INT(renewal.tries.orders, 1);
	done(&renewal);
}

TEST(five_refused_validations_an_hour)
{
	struct renewal renewal = record();
	for (int i = 0; i < 5; i++)
		fail(&renewal, failure(ERROR_CA, "validate", "connection"), NOW + i * MINUTE);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW + 5 * MINUTE), NOW + HOUR);
	/* A new hour. */
	fail(&renewal, failure(ERROR_CA, "validate", "connection"), NOW + 2 * HOUR);
	CHECK_INT(renewal.tries.refusals, 1);
	done(&renewal);
}

TEST(what_changed_is_tried_at_once)
{
	struct renewal renewal = record();
	struct error err = {0};
	CHECK_OK(backoff_know(&renewal, ca_a, &err), err);
	fail(&renewal, failure(ERROR_CA, "new-order", "rejectedIdentifier"), NOW);
	/* The same names in another order are the same. */
	renewal.identifiers = turned;
	CHECK_OK(backoff_know(&renewal, ca_a, &err), err);
	CHECK_INT(renewal.failures, 1);
	renewal.identifier_count = 1;
	CHECK_OK(backoff_know(&renewal, ca_a, &err), err);
	CHECK_INT(renewal.failures, 0);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), 0);
	CHECK(renewal.last_error == NULL);
	fail(&renewal, failure(ERROR_CA, "new-order", "rejectedIdentifier"), NOW);
	CHECK_OK(backoff_know(&renewal, ca_b, &err), err);
	CHECK_INT(renewal.failures, 0);
	fail(&renewal, failure(ERROR_CA, "validate", "connection"), NOW);
	renewal.challenge = CHALLENGE_DNS_01;
	CHECK_OK(backoff_know(&renewal, ca_b, &err), err);
	CHECK_INT(renewal.failures, 0);
	done(&renewal);
}

TEST(a_clock_that_was_wrong_holds_nothing)
{
	struct renewal renewal = record();
	struct error limited = failure(ERROR_CA, "new-order", "rateLimited");
	limited.retry_at = NOW + 2000 * DAY + HOUR;
	fail(&renewal, limited, NOW + 2000 * DAY);
	backoff_begin(&renewal, true, NOW + 2000 * DAY);
	CHECK_INT(backoff_until(&renewal, BACKOFF_SCHEDULED, NOW), 0);
	done(&renewal);
}

TEST(whose_failure_it_is)
{
	struct error err = failure(ERROR_CA, "new-order", NULL);
	err.http_status = 503;
	CHECK(backoff_is_the_cas(&err));
	CHECK(!backoff_may_pass_at_once(&err)); /* an order may have been placed all the same */
	err.step = "directory";
	CHECK(backoff_may_pass_at_once(&err));
	err.retry_at = NOW + 60;
	CHECK(!backoff_may_pass_at_once(&err));
	err = failure(ERROR_CA, "new-order", "rateLimited");
	CHECK(backoff_is_the_cas(&err) && !backoff_may_pass_at_once(&err));
	err = failure(ERROR_NETWORK, "directory", NULL);
	CHECK(backoff_is_the_cas(&err) && !backoff_may_pass_at_once(&err)); /* a certificate that is not trusted */
	err.transient = true;
	CHECK(backoff_may_pass_at_once(&err));
	static const char *const ours[] = {"rejectedIdentifier", "caa", "badCSR", "connection", "unauthorized"};
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		err = failure(ERROR_CA, "validate", ours[i]);
		CHECK(!backoff_is_the_cas(&err));
	}
	err = failure(ERROR_NETWORK, "dns-provider", NULL);
	CHECK(!backoff_is_the_cas(&err));
	err = failure(ERROR_DNS, "challenge", NULL);
	CHECK(!backoff_is_the_cas(&err));
}

TEST_MAIN()

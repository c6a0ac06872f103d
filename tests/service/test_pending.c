/* SPDX-License-Identifier: Apache-2.0 */
#include "service/pending.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1795000000, MIDDLE = 1 << 20 };

static struct push_outcome failure(enum push_result result, enum error_category category, const char *step)
{
	struct push_outcome outcome = {.result = result};
	if (category != ERROR_NONE)
		(void)error_set(&outcome.error, category, step, "it did not work");
	return outcome;
}

static void try_in_vain(struct renewal_server *server, uint64_t generation, int64_t now)
{
	struct push_outcome outcome = failure(PUSH_FAILED, ERROR_NETWORK, "connect");
	pending_ended(server, generation, &outcome, now, 0);
}

TEST(delays_double_up_to_six_hours)
{
	CHECK_INT(pending_delay(0, MIDDLE), 0);
	CHECK_INT(pending_delay(1, 0), 48);
	CHECK_INT(pending_delay(1, 24), 72);
	CHECK_INT(pending_delay(2, 24), 120);
	CHECK_INT(pending_delay(9, 0), 256L * 60 * 8 / 10);
	CHECK_INT(pending_delay(10, 0), 6 * 3600 * 8 / 10);
	CHECK_INT(pending_delay(4000000000U, 0), 6 * 3600 * 8 / 10);
}

TEST(a_failure_holds_the_same_generation_and_no_other)
{
	struct renewal wanted = {.generation = 7};
	struct renewal_server server = {0};
	CHECK_INT(pending_until(&wanted, &server, NOW), 0);
	try_in_vain(&server, 7, NOW);
	CHECK_INT(server.failures, 1);
	CHECK_INT(pending_until(&wanted, &server, NOW), NOW + 48);
	CHECK_INT(pending_until(&wanted, &server, NOW + 48), 0);
	wanted.generation = 8;
	CHECK_INT(pending_until(&wanted, &server, NOW), 0);
	/* The next one counts on. */
	try_in_vain(&server, 8, NOW);
	CHECK_INT(server.failures, 2);
	CHECK_INT(pending_until(&wanted, &server, NOW), NOW + 96);
	free(server.error);
}

TEST(a_clock_that_was_wrong_holds_nothing)
{
	struct renewal wanted = {.generation = 7};
	struct renewal_server server = {0};
	try_in_vain(&server, 7, NOW);
	CHECK_INT(pending_until(&wanted, &server, NOW - 1), 0);
	server.retry_at = NOW + (int64_t)400 * 24 * 3600;
	CHECK_INT(pending_until(&wanted, &server, NOW), 0);
	free(server.error);
}

TEST(success_forgets_failures_and_keeps_what_was_seen)
{
	struct renewal_server server = {0};
	struct push_outcome done = {.result = PUSH_DEPLOYED};
	memset(done.served_sha256, 'a', sizeof(done.served_sha256) - 1);
	try_in_vain(&server, 7, NOW);
	pending_ended(&server, 7, &done, NOW + 60, 0);
	CHECK(server.failures == 0 && server.retry_at == 0 && server.error == NULL);
	CHECK_INT(server.pushed, 7);
	CHECK_STR(server.result, "deployed");
	CHECK_INT(server.seen_at, NOW + 60);
	/* One that could not be reached later was still seen then. */
	try_in_vain(&server, 8, NOW + 120);
	CHECK_INT(server.pushed, 7);
	CHECK_STR(server.served_sha256, done.served_sha256);
	CHECK_INT(server.seen_at, NOW + 60);
	free(server.error);
}

TEST(what_bothered_nobody_waits_for_nothing)
{
	static const enum error_category ours[] = {ERROR_CONFIG, ERROR_CANCELLED, ERROR_STORE};
	struct renewal wanted = {.generation = 7};
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		struct renewal_server server = {0};
		struct push_outcome outcome = failure(PUSH_FAILED, ours[i], NULL);
		pending_ended(&server, 7, &outcome, NOW, 0);
		CHECK_INT(server.failures, 0);
		CHECK_INT(pending_until(&wanted, &server, NOW), 0);
		CHECK_STR(server.result, "failed");
		/* Nor does it hold what an earlier generation's failures held. */
		server.retry_at = NOW + 1000;
		pending_ended(&server, 8, &outcome, NOW, 0);
		CHECK_INT(server.retry_at, 0);
		free(server.error);
	}
}

TEST(anothers_lock_leaves_what_is_known)
{
	struct renewal_server server = {0};
	struct push_outcome done = {.result = PUSH_DEPLOYED};
	struct push_outcome busy = failure(PUSH_FAILED, ERROR_BUSY, "lock");
	struct push_outcome refused = failure(PUSH_ROLLED_BACK, ERROR_REMOTE, "reload");

	/* One that was never brought anything was never tried. */
	pending_ended(&server, 7, &busy, NOW, 0);
	CHECK(server.last_try == 0 && server.wanted == 0 && server.result[0] == '\0' && server.failures == 0);
	CHECK(pending_busy(&server) != NULL);
	/* One that has it has it. */
	pending_ended(&server, 7, &done, NOW, 0);
	pending_ended(&server, 7, &busy, NOW + 60, 0);
	CHECK_STR(server.result, "deployed");
	CHECK(server.pushed == 7 && server.last_try == NOW && server.error == NULL);
	/* One that is to get the next one has the last one still, and somebody is at it. */
	pending_ended(&server, 8, &busy, NOW + 60, 0);
	CHECK_STR(server.result, "deployed");
	CHECK(server.pushed == 7 && server.wanted == 7 && pending_busy(&server) != NULL);
	/* A failure of its own is worth more than that. */
	pending_ended(&server, 8, &refused, NOW + 120, 0);
	pending_ended(&server, 8, &busy, NOW + 180, 0);
	CHECK_STR(server.result, "rolled_back");
	CHECK_STR(server.error->step, "reload");
	CHECK(server.failures == 1 && server.retry_at > NOW && server.last_try == NOW + 120);
	pending_ended(&server, 8, &done, NOW + 240, 0);
	CHECK(server.error == NULL && pending_busy(&server) == NULL);
}

TEST(only_what_happened_on_the_server_says_something_about_the_others)
{
	struct push_outcome outcome = failure(PUSH_ROLLED_BACK, ERROR_REMOTE, "test");
	CHECK(pending_is_refusal(&outcome));
	outcome = failure(PUSH_FAILED, ERROR_REMOTE, "upload");
	CHECK(pending_is_refusal(&outcome));
	outcome = failure(PUSH_FAILED, ERROR_NETWORK, "connect");
	CHECK(!pending_is_refusal(&outcome));
	outcome = failure(PUSH_FAILED, ERROR_BUSY, NULL);
	CHECK(!pending_is_refusal(&outcome));
	outcome = failure(PUSH_FAILED, ERROR_STORE, "read-live");
	CHECK(!pending_is_refusal(&outcome));
	outcome = failure(PUSH_ROLLED_BACK, ERROR_CANCELLED, "test");
	CHECK(!pending_is_refusal(&outcome));
	outcome = failure(PUSH_UNCHANGED, ERROR_NONE, NULL);
	CHECK(!pending_is_refusal(&outcome));

	struct renewal wanted = {.generation = 7};
	struct renewal_server server = {0};
	outcome = failure(PUSH_ROLLED_BACK, ERROR_REMOTE, "test");
	pending_ended(&server, 7, &outcome, NOW, 0);
	CHECK(pending_refused(&wanted, &server));
	wanted.generation = 8;
	CHECK(!pending_refused(&wanted, &server));
	free(server.error);
}

TEST(a_held_server_is_told_with_its_time_and_its_words)
{
	static char name[] = "example.com", web[] = "web-1";
	struct renewal wanted = {.name = name, .generation = 7};
	struct renewal_server server = {.name = web};
	struct push_outcome outcome = failure(PUSH_ROLLED_BACK, ERROR_REMOTE, "test");
	struct error err = {0};
	error_said(&outcome.error, "unknown directive", 17);
	pending_ended(&server, 7, &outcome, NOW, 0);
	pending_held(&wanted, &server, pending_until(&wanted, &server, NOW), &err);
	CHECK_STR(err.step, "back-off");
	CHECK_INT(err.retry_at, NOW + 48);
	CHECK_CONTAINS(err.message, "after 1 failure in a row");
	CHECK_CONTAINS(err.said, "it did not work");
	CHECK_CONTAINS(err.said, "unknown directive");
	CHECK_CONTAINS(err.hint, "certferry deploy example.com --to web-1");
	CHECK_STR(err.server, "web-1");
	free(server.error);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The back-off of deployments. It is kinder than that of issuance (backoff.h): nobody limits how often a server of our
 * own is asked, and a certificate that lies here while the old one runs out there helps nobody.
 */
#include "service/pending.h"

#include "base/clock.h"
#include "service/schedule.h"

#include <stdio.h>
#include <string.h>

enum {
	MINUTE = 60,
	LONGEST = 6 * 3600, /* a server that was down over night is served before noon */
	JITTER = 20,        /* per cent, either way */
};

int64_t pending_delay(unsigned failures, uint64_t random)
{
	int64_t seconds = MINUTE;
	if (failures == 0)
		return 0;
	for (unsigned i = 1; i < failures && seconds < LONGEST; i++)
		seconds *= 2;
	if (seconds > LONGEST)
		seconds = LONGEST;
	int64_t spread = seconds * JITTER / 100;
	return seconds - spread + (int64_t)(random % (uint64_t)(2 * spread + 1));
}

int64_t pending_until(const struct renewal *wanted, const struct renewal_server *server, int64_t now)
{
	bool sane = server->last_try <= now && schedule_is_sane(server->retry_at, now);
	return server->wanted == wanted->generation && sane && server->retry_at > now ? server->retry_at : 0;
}

void pending_held(const struct renewal *wanted, const struct renewal_server *server, int64_t until, struct error *err)
{
	const struct error *last = server->error;
	char when[RFC3339_SIZE];
	CLEANUP(buf_done) struct buf words;

	(void)error_set(err, last != NULL ? last->category : ERROR_REMOTE, "back-off",
			"held back until %s after %u %s in a row", rfc3339_format(until, when), server->failures,
			server->failures == 1 ? "failure" : "failures");
	buf_init(&words, sizeof(last->message) + sizeof(last->said) + 2);
	if (last != NULL) {
		buf_printf(&words, "%s%s%s", last->message, last->said[0] != '\0' ? "\n" : "", last->said);
		error_said_output(err, buf_cstr(&words), words.len, /* left_out= */ 0);
	}
	err->retry_at = until;
	err->transient = true;
	error_hint(err, "the next run after that time tries again; `certferry deploy %s --to %s` tries now",
		   wanted->name, server->name);
	error_context(err, /* step= */ NULL, wanted->name, server->name);
}

/* What failed on this side, or was given up: it says nothing of the server. */
static bool bothered_nobody(const struct error *cause)
{
	return cause->category == ERROR_BUSY || cause->category == ERROR_CANCELLED || cause->category == ERROR_CONFIG ||
	       cause->category == ERROR_STORE;
}

bool pending_is_untried(const struct error *cause)
{
	return str_equal(cause->step, "rollout");
}

/* Nothing on the server was touched, and nothing is known of it. */
static bool was_unreachable(const struct error *cause)
{
	return str_equal(cause->step, "connect") || pending_is_untried(cause) || bothered_nobody(cause);
}

bool pending_refused(const struct renewal *wanted, const struct renewal_server *server)
{
	return server->wanted == wanted->generation && server->error != NULL && !was_unreachable(server->error);
}

bool pending_is_unreachable(const struct renewal_server *server)
{
	return server->error != NULL && str_equal(server->error->step, "connect");
}

bool pending_is_done(const struct push_outcome *outcome)
{
	return outcome->result == PUSH_DEPLOYED || outcome->result == PUSH_UNCHANGED;
}

bool pending_is_refusal(const struct push_outcome *outcome)
{
	if (bothered_nobody(&outcome->error)) /* interrupted, even where it was taken back, it is nobody's no */
		return false;
	return outcome->result == PUSH_ROLLED_BACK ||
	       (outcome->result == PUSH_FAILED && !was_unreachable(&outcome->error));
}

const struct error *pending_busy(const struct renewal_server *server)
{
	return server->error != NULL && server->error->category == ERROR_BUSY ? server->error : NULL;
}

/*
 * Somebody else was at it: that was no try, and says nothing of what is there. Who it was is told where nothing worse
 * is known.
 */
static void note_busy(struct renewal_server *server, uint64_t wanted, const struct error *busy)
{
	bool has_it = server->pushed == wanted && server->error == NULL && server->result[0] != '\0';
	if (!has_it && (server->error == NULL || pending_busy(server) != NULL))
		error_keep(&server->error, busy);
}

void pending_ended(struct renewal_server *server, uint64_t wanted, const struct push_outcome *outcome, int64_t now,
		   uint64_t random)
{
	if (outcome->result == PUSH_FAILED && outcome->error.category == ERROR_BUSY) {
		note_busy(server, wanted, &outcome->error);
		return;
	}
	bool done = pending_is_done(outcome);

	if (server->wanted != wanted)
		server->retry_at = 0;
	server->wanted = wanted;
	if (done)
		server->pushed = wanted;
	if (outcome->served_sha256[0] != '\0') {
		memcpy(server->served_sha256, outcome->served_sha256, sizeof(server->served_sha256));
		server->seen_at = now;
	}
	(void)snprintf(server->result, sizeof(server->result), "%s", push_result_name(outcome->result));
	server->last_try = now;
	if (done) {
		server->failures = 0;
		server->retry_at = 0;
	} else if (!bothered_nobody(&outcome->error)) {
		if (server->failures < UINT32_MAX)
			server->failures++;
		server->retry_at = now + pending_delay(server->failures, random);
	}
	error_keep(&server->error, &outcome->error);
}

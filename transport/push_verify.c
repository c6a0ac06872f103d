/* SPDX-License-Identifier: Apache-2.0 */
/* A handshake, as a client makes it, is the only proof. */
#include "base/str.h"
#include "transport/push_transaction.h"
#include "transport/tls_probe.h"

#include <string.h>

enum {
	PROBE_MS = 5000,        /* one handshake */
	RETRY_FIRST_MS = 50,    /* servers reload asynchronously: ask soon, */
	RETRY_LONGEST_MS = 500, /* then less often */
	SIGHTINGS = 3,          /* in a row: during a graceful reload old workers still answer beside the new ones */
};

/* One handshake: is the new leaf served? What was seen goes into the outcome. */
static bool is_served(struct transaction *t, struct placement *p, int64_t ms, struct error *err)
{
	const struct push_job *job = t->job;
	struct deadline deadline = deadline_in(ms < PROBE_MS ? ms : PROBE_MS, t->cancel);
	const struct tls_probe_target target = {
		.address = job->verify_address,
		.addresses = &job->verify_addresses,
		.port = job->verify_port,
		.server_name = p->certificate->server_name,
		.starttls = job->verify_starttls,
	};
	struct tls_probe_result seen;

	p->outcome->served_sha256[0] = '\0';
	if (!remote_look(&t->remote, &target, job->verify_through_jump, deadline, &seen, err))
		return false;
	memcpy(p->outcome->served_sha256, seen.fingerprint_sha256, sizeof(seen.fingerprint_sha256));
	return str_equal(seen.fingerprint_sha256, p->certificate->fingerprint_sha256);
}

bool push_is_served_already(struct transaction *t, struct placement *p)
{
	struct error unseen = {0};

	if (t->mute)
		return false;
	bool served = is_served(t, p, deadline_left_ms(t->transfer) / 2, &unseen);
	t->mute = unseen.category == ERROR_TIMEOUT;
	return served;
}

/* It is there for the first time: what serves it may have been waiting for these very files. */
static void hint_first(const struct push_job *job, const struct placement *p, struct error *err)
{
	const struct push_certificate *c = p->certificate;

	if (job->dir != NULL && p->made_home)
		error_hint(err,
			   "does %s port %u serve %s at all yet? `certferry deploy %s --to %s --no-verify` brings "
			   "%s/%s for the server's configuration to name; from then on deployments are verified. "
			   "`verify` says where to look",
			   job->verify_address, (unsigned)job->verify_port, c->server_name, c->name, job->target.server,
			   job->dir, c->name);
}

static bool not_served(const struct push_job *job, const struct placement *p, const struct error *unseen,
		       struct error *err)
{
	const struct push_certificate *c = p->certificate;
	const char *served = p->outcome->served_sha256;

	if (served[0] == '\0') {
		*err = *unseen;
		if (!job->verify_through_jump)
			hint_first(job, p, err);
		if (err->hint[0] == '\0' || job->verify_through_jump)
			remote_hint_unseen(job->verify_address, job->verify_port, job->verify_through_jump, err);
		return push_blame(err, p);
	}
	(void)error_set(err, ERROR_REMOTE, NULL,
			"%s port %u still serves the certificate with SHA-256 fingerprint %s for "
			"%s, not the new one (%s)",
			job->verify_address, (unsigned)job->verify_port, served, c->server_name, c->fingerprint_sha256);
	hint_first(job, p, err);
	if (job->dir != NULL)
		error_hint(
			err,
			"does the server's configuration for %s name %s/%s/%s, may the server read them, and does the "
			"reload command reload it?",
			c->server_name, job->dir, c->name,
			job->combined ? "combined.pem" : "fullchain.pem and privkey.pem");
	return push_blame(err, p);
}

static bool interrupted(const struct push_job *job, const struct placement *p, struct error *err)
{
	(void)error_set(err, ERROR_CANCELLED, NULL,
			"interrupted before %s port %u was seen to serve the new certificate for %s",
			job->verify_address, (unsigned)job->verify_port, p->certificate->server_name);
	return push_blame(err, p);
}

/* Until the new leaf is seen once. *MISSED, where it was not at first. */
static bool await_served(struct transaction *t, struct placement *p, struct deadline deadline, bool *missed,
			 struct error *err)
{
	int64_t pause = RETRY_FIRST_MS;

	for (;;) {
		struct error unseen = {0}, ended = {0};
		if (is_served(t, p, deadline_left_ms(deadline), &unseen))
			return true;
		*missed = true;
		/* What a jump host forbids it forbids for good. */
		if (unseen.category == ERROR_REMOTE || !deadline_sleep(deadline, pause, NULL, &ended))
			return cancel_requested(t->cancel) ? interrupted(t->job, p, err)
							   : not_served(t->job, p, &unseen, err);
		pause = pause * 2 < RETRY_LONGEST_MS ? pause * 2 : RETRY_LONGEST_MS;
	}
}

static bool look_at_each(struct transaction *t, struct deadline deadline, bool *missed, struct error *err)
{
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct deadline patience = deadline_within(deadline, t->job->verify_ms);
		if (t->placements[i].wanted && !await_served(t, &t->placements[i], patience, missed, err))
			return false;
	}
	return true;
}

/* All are looked at in rounds: a pause serves for all of them. */
bool push_verify(struct transaction *t, struct error *err)
{
	struct deadline deadline =
		deadline_in((int64_t)t->job->verify_ms * (int64_t)t->job->certificate_count, t->cancel);
	struct error ended = {0};

	for (int round = 0; t->job->verify && round < SIGHTINGS;) {
		bool missed = false;
		if (!look_at_each(t, deadline, &missed, err))
			return false;
		round = missed ? 1 : round + 1;
		if (round < SIGHTINGS && !deadline_sleep(deadline, RETRY_FIRST_MS, NULL, &ended))
			break; /* each of them was seen */
	}
	return true;
}

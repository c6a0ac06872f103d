/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deployment's rehearsal on one server: everything short of a change, step by step. Runs in the courier process
 * (courier.h), which is given nothing but one job; no certificate's key is in it.
 */
#ifndef TRANSPORT_REHEARSAL_H
#define TRANSPORT_REHEARSAL_H

#include "transport/push.h"

/* One certificate that is meant for the server. All strings owned. */
struct rehearsal_certificate {
	char *name;
	char *server_name;           /* SNI */
	char fingerprint_sha256[65]; /* of the live leaf; empty: there is none yet */
	struct str_list copies;      /* paths */
	char *webroot;               /* that it is validated through, there; NULL: none */
};

struct rehearsal_job {
	struct push_job push; /* what a deployment would be given, but for its certificates */
	struct rehearsal_certificate *certificates;
	size_t certificate_count;
};

void rehearsal_job_done(struct rehearsal_job *job);

enum rehearsal_result { REHEARSAL_OK, REHEARSAL_WARNING, REHEARSAL_FAILED, REHEARSAL_SKIPPED };

/* "ok", "warning", "failed", "skipped". */
const char *rehearsal_result_name(enum rehearsal_result result);

/*
 * What came of one step: "jump" for each jump host on the way, "resolve", "connect", "host-key", "login", "sftp",
 * "owner", "directory", "copies", "webroot", "space", "test", "reload" (never run), "verify".
 */
struct rehearsal_finding {
	const char *step; /* static */
	enum rehearsal_result result;
	uint32_t ms;
	char detail[ERROR_TEXT_MAX]; /* a sentence, terminal-safe; empty where FAILED */
	struct error error;          /* where FAILED */
};

/* A job of this server as it goes on: both may be NULL. Findings are borrowed for the call. */
struct rehearsal_watch {
	void *ctx;
	void (*begun)(void *ctx, const char *step);
	void (*ended)(void *ctx, const struct rehearsal_finding *finding);
};

/* The longest all of it may take; `timeout` grows with the certificates as for a deployment. */
int64_t rehearsal_longest_ms(const struct rehearsal_job *job);

/*
 * Run JOB. The way to the server ends at its first failure; what can be looked at then is looked at, whatever fails.
 * False with the first failure.
 */
MUST_CHECK bool rehearsal_run(const struct rehearsal_job *job, const struct rehearsal_watch *watch, struct error *err);

#endif

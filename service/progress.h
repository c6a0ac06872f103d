/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who watches a run. Called from worker threads: an implementation locks. Strings are borrowed for the call.
 */
#ifndef SERVICE_PROGRESS_H
#define SERVICE_PROGRESS_H

#include "base/error.h"

/* How far a deployment to several servers has come. */
struct progress_fleet {
	size_t servers; /* that have their turn in this run; 0: it is over */
	size_t done;    /* of them, failed ones included */
	size_t failed;
	size_t running;
};

struct progress {
	void *ctx;

	/* CERTIFICATE (and SERVER, where one is being deployed to; else NULL) is now at STEP. */
	void (*step)(void *ctx, const char *certificate, const char *server, const char *step);

	/* That work ended as OUTCOME ("issued", "deployed", "failed" …). ERR is NULL where nothing failed. */
	void (*finished)(void *ctx, const char *certificate, const char *server, const char *outcome,
			 const struct error *err);

	/* The deployment has come so far. */
	void (*fleet)(void *ctx, const struct progress_fleet *fleet);
};

/* They accept PROGRESS NULL: nobody watches. */
void progress_step(const struct progress *progress, const char *certificate, const char *server, const char *step);
void progress_finished(const struct progress *progress, const char *certificate, const char *server,
		       const char *outcome, const struct error *err);
void progress_fleet(const struct progress *progress, const struct progress_fleet *fleet);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O thread: it alone touches the multi handle, and a transfer's easy handle from http_multi_run() until that
 * returns. Internal to http.c.
 */
#ifndef TRANSPORT_HTTP_MULTI_H
#define TRANSPORT_HTTP_MULTI_H

#include "base/clock.h"
#include "base/compiler.h"

#include <curl/curl.h>

struct error;
struct http_batch;
struct http_multi;

/* What the I/O thread keeps about an easy handle. Found again through its CURLOPT_PRIVATE. */
struct http_job {
	CURL *easy;
	bool done; /* RESULT holds; else it was given up at the deadline */
	CURLcode result;
	struct http_batch *batch;
	struct http_job *next;
};

/* The thread starts with the first job. */
MUST_CHECK struct http_multi *http_multi_new(struct error *err);
void http_multi_free(struct http_multi *multi);

/*
 * Perform COUNT jobs side by side. Returns when all are done, or at once when DEADLINE passed or was cancelled: the
 * handles are the caller's again either way. False, with none done, when the thread could not be started.
 */
MUST_CHECK bool http_multi_run(struct http_multi *multi, struct http_job **jobs, size_t count, struct deadline deadline,
			       struct error *err);

#endif

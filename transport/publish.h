/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small public files in a web server's folder on one server, for as long as they are needed: http-01's answers (RFC
 * 8555 §8.3). Runs in the courier process (courier.h), which is given nothing but one job.
 */
#ifndef TRANSPORT_PUBLISH_H
#define TRANSPORT_PUBLISH_H

#include "base/clock.h"
#include "transport/remote.h"
#include "transport/ssh_target.h"

#include <stdbool.h>
#include <stddef.h>

struct error;

/* All strings owned. */
struct publish_file {
	char *name; /* letters, digits, "-" and "_" only */
	char *content;
};

struct publish_job {
	struct ssh_target target;
	char *folder;         /* the webroot; the files arrive below its .well-known/acme-challenge */
	uint32_t transfer_ms; /* for publishing, and again for withdrawing */
	uint32_t hold_ms;     /* the longest that the files may stay when nobody asks to withdraw them */
	struct publish_file *files;
	size_t file_count;
};

void publish_job_done(struct publish_job *job);
/* Only its files: the same server may be given others. */
void publish_job_drop_files(struct publish_job *job);

/* What was published. Zeroed but for its job, which is borrowed. */
struct publication {
	const struct publish_job *job;
	struct remote remote;
	size_t written; /* files that may be there */
};

void publication_done(struct publication *publication);

/* Write every file, readable by all, replacing one of the same name. What fails half-way stays for publish_withdraw().
 * Folders that are missing are made, and stay: another certificate may be using them. */
MUST_CHECK bool publish_files(struct publication *publication, struct error *err);

/* Remove them again, over a new connection where the first is gone. Nothing written: nothing done. */
MUST_CHECK bool publish_withdraw(struct publication *publication, struct error *err);

#endif

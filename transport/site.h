/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A web server's virtual host on one server, as one transaction: written beside what is there, switched by rename,
 * linked where the distribution has that, tested, reloaded, and seen by a TLS handshake; whatever fails after the
 * switch puts back what was there and reloads again. Runs in the courier process (courier.h).
 */
#ifndef TRANSPORT_SITE_H
#define TRANSPORT_SITE_H

#include "transport/push.h"
#include "transport/site_rival.h"

/* Where it may go. */
struct site_place {
	char *file;
	char *link; /* leads to the file; NULL: the file itself is read */
};

/* All strings owned. */
struct site_job {
	struct ssh_target target;
	struct site_place *places; /* the first whose folders are there is taken */
	size_t place_count;
	char *text; /* with lines for some servers only (site_text.h) */
	enum site_dialect dialect;
	struct str_list names; /* that it is for, as it has them */
	uint16_t http_port;    /* the other is verify_port */
	char *holder;          /* who we are: to take turns on the server with other installations (live_lock.h) */
	bool force;            /* replace a file of other content */
	bool undo;             /* install nothing: put back what an installation that was cut off has replaced */
	char *test_command;    /* NULL: none */
	char *reload_command;  /* NULL: none */
	char *verify_address;  /* NULL: no handshake */
	struct str_list verify_addresses;
	bool verify_through_jump; /* as in push.h */
	uint16_t verify_port;
	char *server_name;
	char fingerprint_sha256[65];                 /* of the leaf that is to be served */
	uint32_t transfer_ms, command_ms, verify_ms; /* as in push.h */
};

void site_job_done(struct site_job *job);

struct site_outcome {
	enum push_result result;
	uint32_t place;     /* index, where one was chosen */
	bool healed;        /* what an earlier installation, which was cut off, had replaced was put back first */
	struct error error; /* when FAILED or ROLLED_BACK */
};

/* How long it may take, with putting back what was there, in milliseconds. */
int64_t site_longest_ms(const struct site_job *job);

/*
 * Run JOB, telling its steps as push_run() does. Returns whether the outcome is DEPLOYED or UNCHANGED; of one that only
 * undoes: put back and reloaded, or nothing was to be put back.
 */
MUST_CHECK bool site_run(const struct site_job *job, push_step *step, void *ctx, struct site_outcome *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What servers behind a jump host serve: one login to that, and a TLS handshake with each place from there. Runs in the
 * courier process (courier.h). Nobody logs in to the servers themselves.
 */
#ifndef TRANSPORT_LOOK_H
#define TRANSPORT_LOOK_H

#include "transport/ssh_target.h"
#include "transport/starttls.h"
#include "transport/tls_probe.h"

/* Where a handshake is wanted. Strings owned. */
struct look_place {
	char *address; /* as the last jump host knows it */
	uint16_t port;
	char *server_name; /* SNI */
	enum starttls_protocol starttls;
};

struct look_job {
	struct ssh_target target; /* one of the servers: its jump hosts are gone through, itself it is not asked */
	struct look_place *places;
	size_t place_count;
	uint32_t login_ms; /* for the jump hosts */
	uint32_t look_ms;  /* for each place */
};

void look_job_done(struct look_job *job);

/* The longest all of it may take. */
int64_t look_longest_ms(const struct look_job *job);

/* What came of one place. */
struct look_sight {
	struct tls_probe_result seen;
	struct error error; /* why nothing was seen; empty: it was */
};

/* Fill SIGHTS, one for each place. False when the jump hosts could not be gone through. */
MUST_CHECK bool look_run(const struct look_job *job, struct look_sight *sights, struct error *err);

#endif

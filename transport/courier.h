/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The courier: a short-lived process per server that runs one push job and knows nothing else. It is this binary
 * itself, started with one SOCK_SEQPACKET socket; its wall-clock kill is the real time-out, since a stalled SFTP server
 * can hang libssh for ever.
 */
#ifndef TRANSPORT_COURIER_H
#define TRANSPORT_COURIER_H

#include "transport/push.h"

/* argv[0] under which main() must call courier_main(). */
#define COURIER_ROLE "certferry-courier"

/* The descriptor of the courier's socket in its process. */
enum { COURIER_FD = 3 };

/*
 * Start a courier for JOB, pass on its steps, and wait for its report, killing it at DEADLINE or on cancellation.
 * OUTCOMES as push_run's. Safe to call from several threads.
 */
MUST_CHECK bool courier_run(const struct push_job *job, push_step *step, void *ctx, struct deadline deadline,
			    struct push_outcome *outcomes, struct error *err);

/* The courier's whole life: read the job from FD, run it, report. Returns the process's exit code. */
int courier_main(int fd);

/* Messages, for courier.c and its fuzzer: typed, length-checked, hostile input refused as ERROR_DATA. */
struct buf;
void courier_encode_job(const struct push_job *job, struct buf *out);
MUST_CHECK bool courier_decode_job(const void *data, size_t len, struct push_job *ret, struct error *err);
void courier_encode_report(const struct push_outcome *outcomes, size_t count, const struct error *failure,
			   struct buf *out);
MUST_CHECK bool courier_decode_report(const void *data, size_t len, struct push_outcome *outcomes, size_t count,
				      struct error *ret_failure, struct error *err);

#endif

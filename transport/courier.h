/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The courier: a short-lived process per server that runs one errand, a deployment, a publication, a rehearsal, a
 * virtual host or a look through a jump host, and knows nothing else. It is this binary itself, started with one
 * SOCK_SEQPACKET socket; its wall-clock kill is the real time-out, since a stalled SFTP server can hang libssh for
 * ever.
 */
#ifndef TRANSPORT_COURIER_H
#define TRANSPORT_COURIER_H

#include "transport/look.h"
#include "transport/publish.h"
#include "transport/push.h"
#include "transport/rehearsal.h"
#include "transport/site.h"

/* argv[0] under which main() must call courier_main(). */
#define COURIER_ROLE "certferry-courier"

/* The descriptor of the courier's socket in its process. */
enum { COURIER_FD = 3 };

/*
 * Start a courier for JOB, with WATCH as push_run() has it, and wait for its report. OUTCOMES as push_run's. Safe to
 * call from several threads.
 *
 * At DEADLINE, which is put off by as long as WATCH takes to let it change something, the courier is killed. On
 * cancellation it is told to end, as push_run() does it: from its step "switch" on only after COURIER_PATIENCE_MS, in
 * which what is well comes to its end by itself; and it is killed where it takes longer than that allows. WATCH hears
 * "interrupted" then. Killed at any moment, by us or with us, it leaves key and
 * certificate matching on the server, and a journal there from which the next run goes on (live_dir.h).
 */
MUST_CHECK bool courier_run(const struct push_job *job, const struct push_watch *watch, struct deadline deadline,
			    struct push_outcome *outcomes, struct error *err);

enum { COURIER_PATIENCE_MS = 2000 };

/*
 * The same for a virtual host; ends as site_run() does. Its courier does not die with us once it may have changed what
 * is live: it ends its transaction, and holds the lock of the descriptor LOCK that long. One that dies itself, or is
 * killed at DEADLINE, or COURIER_GRACE_MS after a cancellation, is followed by another that puts back what was there.
 */
MUST_CHECK bool courier_install_site(const struct site_job *job, push_step *step, void *ctx, int lock,
				     struct deadline deadline, struct site_outcome *ret);

enum { COURIER_GRACE_MS = 10 * 1000 };

/* Start a courier for JOB; ends as look_run() does, with SIGHTS filled unless it failed. Killed at DEADLINE. */
MUST_CHECK bool courier_look(const struct look_job *job, struct deadline deadline, struct look_sight *sights,
			     struct error *err);

/* Files that a courier keeps published; it withdraws them by itself when we die. */
struct courier_publication;

/*
 * Start a courier for JOB and return once its files are there. NULL with ERR, its step "publish", when they could not
 * be published by DEADLINE or before its cancellation.
 */
MUST_CHECK struct courier_publication *courier_publish(const struct publish_job *job, struct deadline deadline,
						       struct error *err);

/* Have the files removed and the courier end. Bounds its own time. False when some may still be there. */
MUST_CHECK bool courier_withdraw(struct courier_publication *take_publication, struct error *err);

/*
 * Start a courier for JOB and pass on what WATCH is to hear. False with its first failure, or with why it came to no
 * end: killed at DEADLINE or its cancellation, which changes nothing anywhere. Safe to call from several threads.
 */
MUST_CHECK bool courier_rehearse(const struct rehearsal_job *job, const struct rehearsal_watch *watch,
				 struct deadline deadline, struct error *err);

/* The courier's whole life: read the errand from FD, run it, report. Returns the process's exit code. */
int courier_main(int fd);

#endif

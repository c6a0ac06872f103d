/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One server's deployment as one transaction: compare, upload beside the live files, switch, test, reload, verify by a
 * TLS handshake; whatever fails after the switch puts the previous files back and reloads again. Runs in the courier
 * process (courier.h), which is given nothing but one job.
 */
#ifndef TRANSPORT_PUSH_H
#define TRANSPORT_PUSH_H

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"
#include "transport/ssh_target.h"
#include "transport/starttls.h"

#include <stdint.h>

enum push_result { PUSH_FAILED, PUSH_ROLLED_BACK, PUSH_UNCHANGED, PUSH_DEPLOYED };

/* "failed", "rolled_back", "unchanged", "deployed". */
const char *push_result_name(enum push_result result);

enum push_file {
	PUSH_FILE_CERT,
	PUSH_FILE_CHAIN,
	PUSH_FILE_FULLCHAIN,
	PUSH_FILE_PRIVKEY,
	PUSH_FILE_COMBINED,
	PUSH_FILE_PKCS12
};

/* An extra copy of one file at an exact path, replaced by rename and put back by rename. */
struct push_copy {
	enum push_file file;
	char *path;
};

struct push_certificate {
	char *name;          /* certificate name; files arrive under <dir>/<name>/ */
	uint64_t generation; /* ours; names the remote generation's folder */
	char *cert;          /* PEM */
	char *chain;
	char *fullchain;
	struct secret privkey;
	struct secret pkcs12;        /* where a copy of that kind is wanted; else empty */
	char fingerprint_sha256[65]; /* of the leaf */
	char *server_name;           /* SNI for the verification */
	struct push_copy *copies;
	size_t copy_count;
};

/* Everything the courier knows. All strings owned. */
struct push_job {
	struct ssh_target target;
	char *dir;     /* NULL: only copies are written */
	bool combined; /* combined.pem beside the four files in it */
	char *owner;   /* NULL: left as created */
	char *group;
	uint32_t key_mode;    /* e.g. 0600; the other files get 0644 */
	char *test_command;   /* NULL: none */
	char *reload_command; /* NULL: none */
	bool verify;          /* TLS handshake after the reload */
	char *verify_address;
	struct str_list verify_addresses; /* of verify_address, where it was looked up already */
	bool verify_through_jump;         /* from the last jump host instead of from here */
	uint16_t verify_port;
	enum starttls_protocol verify_starttls;
	char *holder;         /* who we are: to take turns on the server with other installations (live_lock.h) */
	uint32_t transfer_ms; /* for connecting, and for what is done with each certificate at a time */
	uint32_t command_ms;  /* for each command */
	uint32_t verify_ms;   /* until the new leaf must be seen */
	bool force;           /* push even where nothing differs */
	struct push_certificate *certificates;
	size_t certificate_count;
};

void push_certificate_done(struct push_certificate *certificate);
void push_job_done(struct push_job *job);

/*
 * For connecting and transferring altogether: a distant server's time is made of round trips, some for each
 * certificate. The other is that of JOB with COUNT certificates.
 */
int64_t push_transfer_ms(const struct push_job *job);
int64_t push_transfer_for_ms(const struct push_job *job, size_t count);

/* The longest a whole transaction may take, its roll-back and tidying up included. */
int64_t push_longest_ms(const struct push_job *job);

/* The longest that push_run() goes on after its cancellation: less patient, so that somebody can wait for it. */
int64_t push_interrupted_ms(const struct push_job *job);

/* What is left of that for putting files back, for the reload of what was put back, and for tidying up. */
enum { PUSH_BRIEF_BACK_MS = 10 * 1000, PUSH_BRIEF_RELOAD_MS = 10 * 1000, PUSH_BRIEF_TIDY_MS = 5 * 1000 };

/* What came of one certificate on this server. */
struct push_outcome {
	enum push_result result;
	char served_sha256[65]; /* the leaf seen in the last handshake, unless it was taken back since; or empty */
	struct error error;     /* when FAILED or ROLLED_BACK */
};

/* Hears each step as it begins: "connect", "compare", "upload", "switch", "test", "reload", "verify", "roll-back". */
typedef void push_step(void *ctx, const char *step);

/* Who watches a deployment, and has a say in it. */
struct push_watch {
	push_step *step; /* NULL: nobody hears */

	/*
	 * Asked once, before "upload" changes anything; may take as long as it likes, which is not held against the
	 * server. False with ERR: nothing is changed. NULL: nobody is asked.
	 */
	bool (*may_change)(void *ctx, struct error *err);
	void *ctx;
};

/*
 * Run JOB; WATCH may be NULL. OUTCOMES has certificate_count entries. Returns true when every outcome is DEPLOYED or
 * UNCHANGED; otherwise ERR is the first cause. A transaction is all or nothing per server: when one certificate makes
 * test, reload or verify fail, all of the job's certificates are rolled back.
 *
 * CANCEL (NULL: never) interrupts it: no other step begins, a command that runs is ended as at its time-out, and what
 * has changed what is live is rolled back (ERROR_CANCELLED). A transaction that is proven, or being rolled back, goes
 * on to its end; only the reload behind that is given up.
 */
MUST_CHECK bool push_run(const struct push_job *job, struct cancel *cancel, const struct push_watch *watch,
			 struct push_outcome *outcomes, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between support_transcript.c, which plays a conversation, and what is run in it about accounts and revocation.
 */
#ifndef TESTS_ACME_SUPPORT_TRANSCRIPT_ACCOUNT_H
#define TESTS_ACME_SUPPORT_TRANSCRIPT_ACCOUNT_H

#include "acme/session.h"

/* The script's "NAME: …" before its first request, and its "= NAME: …"; NULL where there is none. */
const char *transcript_setting(const char *name);
const char *transcript_result(const char *name);
struct deadline transcript_deadline(void);

/* A leaf that nobody checks. */
extern const char *const transcript_chain_pem;

/* Run WHAT ("register", "find", …) and hold what came of it against the script. */
bool transcript_run_account(struct acme_session *session, const struct acme_signer *signer, const char *what,
			    struct error *err);

#endif

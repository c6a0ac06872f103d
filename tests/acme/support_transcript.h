/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays a written conversation with a CA: see tests/transcripts/README.md for the format. The port it makes has no
 * network and a clock of its own; every request is held against the next one of the script, its signature verified, its
 * nonce seen once only.
 */
#ifndef TESTS_ACME_SUPPORT_TRANSCRIPT_H
#define TESTS_ACME_SUPPORT_TRANSCRIPT_H

#include "acme/flow.h"
#include "base/buf.h"

/* When every transcript begins: 2026-11-24T00:00:00Z. */
enum { TRANSCRIPT_START = 1795478400 };

/* Run tests/transcripts/NAME.txt, and fail the test unless everything happens as it says. */
void transcript_run(const char *name);

/* The same for a script made in memory. Returns the largest number of requests that were in flight together. */
size_t transcript_run_text(const char *text);

#endif

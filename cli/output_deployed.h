/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came of a run on servers, so that a fleet fits on a screen: who has it, what failed for the same cause told
 * once, and what is pending until when.
 */
#ifndef CLI_OUTPUT_DEPLOYED_H
#define CLI_OUTPUT_DEPLOYED_H

#include "service/result.h"

/* "rolled_back" of documents and records, as people read it; other words as they are. Borrowed. */
const char *output_result_words(const char *word);

/* CERTIFICATE's servers on stdout: each with its result, or many with the same result in one line. */
void output_deployed(const struct certificate_result *certificate);

/* On stdout: how many servers are pending, and when they are tried again. Nothing when none is. */
void output_pending(const struct run_result *results);

/* Every failure of a server through the log: equal causes together, with the names of all whom they concern. */
void output_server_failures(const struct run_result *results);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a solver is given, as transcripts have it. */
#ifndef TESTS_ACME_SUPPORT_TRANSCRIPT_PERSIST_H
#define TESTS_ACME_SUPPORT_TRANSCRIPT_PERSIST_H

#include "acme/port.h"
#include "base/str.h"

/* TASK is as its type has it; of dns-persist-01 its record is the INDEX-th "record: …" of RESULTS. */
void transcript_check_task(const struct str_list *results, size_t index, const struct acme_challenge_task *task);

#endif

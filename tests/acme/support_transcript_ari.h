/* SPDX-License-Identifier: Apache-2.0 */
/* What transcripts about renewal information run. */
#ifndef TESTS_ACME_SUPPORT_TRANSCRIPT_ARI_H
#define TESTS_ACME_SUPPORT_TRANSCRIPT_ARI_H

#include "acme/session.h"

/* Ask about the certificate "id:" and hold the answer against the script. */
bool transcript_run_renewal_info(struct acme_session *session, const struct acme_identity *account, struct error *err);

#endif

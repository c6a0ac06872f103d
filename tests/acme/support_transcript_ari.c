/* SPDX-License-Identifier: Apache-2.0 */
/* What transcripts about renewal information run. */
#include "support_transcript_ari.h"

#include "acme/ari.h"
#include "support_transcript_account.h"
#include "tests/support/test.h"

#include <stdio.h>

bool transcript_run_renewal_info(struct acme_session *session, const struct acme_identity *account, struct error *err)
{
	CLEANUP(ari_info_done) struct ari_info info = {0};
	char start[RFC3339_SIZE], end[RFC3339_SIZE], got[64];
	bool offered = false;

	(void)account;
	bool ok = acme_renewal_info(session, transcript_setting("id"), transcript_deadline(), &info, &offered, err);
	if (transcript_result("offered") != NULL) {
		CHECK_STR(offered ? "yes" : "no", transcript_result("offered"));
		CHECK(!ok && !error_is_set(err));
		return true;
	}
	if (!ok) {
		CHECK_STR(ari_is_passing(err) ? "yes" : "no", transcript_result("passing"));
		return false;
	}
	(void)snprintf(got, sizeof(got), "%s %s", rfc3339_format(info.start, start), rfc3339_format(info.end, end));
	CHECK_STR(got, transcript_result("window"));
	(void)snprintf(got, sizeof(got), "+%lld", (long long)info.retry_after);
	CHECK_STR(got, transcript_result("again"));
	CHECK_STR(info.explanation != NULL ? info.explanation : "none", transcript_result("explanation"));
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation against a scripted CA (each TRANSCRIPT is tests/transcripts/<its name>.txt), and its reasons. */
#include "acme/revoke.h"

#include "support_transcript.h"
#include "tests/support/test.h"

#define TRANSCRIPT(name)               \
	TEST(name)                     \
	{                              \
		transcript_run(#name); \
	}

TRANSCRIPT(revoke_already)
TRANSCRIPT(revoke_answer_lost)
TRANSCRIPT(revoke_bad_reason)
TRANSCRIPT(revoke_by_account)
TRANSCRIPT(revoke_by_certificate_key)
TRANSCRIPT(revoke_not_offered)
TRANSCRIPT(revoke_unauthorized)

static void check_reason(const char *text, enum revocation_reason want)
{
	struct error err = {0};
	enum revocation_reason got = REVOCATION_UNSPECIFIED;
	CHECK_OK(revocation_reason_parse(text, &got, &err), err);
	CHECK_INT(got, want);
}

static void refuse_reason(const char *text, const char *why)
{
	struct error err = {0};
	enum revocation_reason got = REVOCATION_UNSPECIFIED;
	CHECK(!revocation_reason_parse(text, &got, &err));
	CHECK_INT(err.category, ERROR_USAGE);
	CHECK_CONTAINS(err.message, why);
	CHECK_CONTAINS(err.hint, "superseded (4)");
}

TEST(reasons_by_name_and_number)
{
	check_reason("0", REVOCATION_UNSPECIFIED);
	check_reason("1", REVOCATION_KEY_COMPROMISE);
	check_reason("10", REVOCATION_AA_COMPROMISE);
	check_reason("keyCompromise", REVOCATION_KEY_COMPROMISE);
	check_reason("key-compromise", REVOCATION_KEY_COMPROMISE);
	check_reason("KEYCOMPROMISE", REVOCATION_KEY_COMPROMISE);
	check_reason("affiliation_changed", REVOCATION_AFFILIATION_CHANGED);
	check_reason("superseded", REVOCATION_SUPERSEDED);
	check_reason("cessationofoperation", REVOCATION_CESSATION_OF_OPERATION);
	check_reason("removeFromCRL", REVOCATION_REMOVE_FROM_CRL);
	CHECK_STR(revocation_reason_name(REVOCATION_CERTIFICATE_HOLD), "certificateHold");
}

TEST(reasons_that_are_none)
{
	refuse_reason("2", "for CAs only");
	refuse_reason("cACompromise", "for CAs only");
	refuse_reason("7", "not in use");
	refuse_reason("11", "no reason");
	refuse_reason("", "no reason");
	refuse_reason("key", "no reason");
	refuse_reason("-1", "no reason");
}

TEST_MAIN()

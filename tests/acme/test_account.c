/* SPDX-License-Identifier: Apache-2.0 */
/* newAccount against a scripted CA: each test is tests/transcripts/<its name>.txt. */
#include "support_transcript.h"
#include "tests/support/test.h"

#define TRANSCRIPT(name)               \
	TEST(name)                     \
	{                              \
		transcript_run(#name); \
	}

TRANSCRIPT(account_created)
TRANSCRIPT(account_deactivated)
TRANSCRIPT(account_find_existing)
TRANSCRIPT(account_known)
TRANSCRIPT(account_needs_eab)
TRANSCRIPT(account_terms_not_agreed)
TRANSCRIPT(account_without_location)

TEST_MAIN()

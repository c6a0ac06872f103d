/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts against a scripted CA (each TRANSCRIPT is tests/transcripts/<its name>.txt), and what is read of one. */
#include "acme/account.h"

#include "support_transcript.h"
#include "tests/support/test.h"

#include <string.h>

#define TRANSCRIPT(name)               \
	TEST(name)                     \
	{                              \
		transcript_run(#name); \
	}

TRANSCRIPT(account_agreed_but_changed)
TRANSCRIPT(account_algorithms)
TRANSCRIPT(account_bad_public_key)
TRANSCRIPT(account_created)
TRANSCRIPT(account_deactivate)
TRANSCRIPT(account_deactivated)
TRANSCRIPT(account_deactivated_already)
TRANSCRIPT(account_find_bad_key)
TRANSCRIPT(account_find_ca_down)
TRANSCRIPT(account_find_deactivated)
TRANSCRIPT(account_find_existing)
TRANSCRIPT(account_find_known)
TRANSCRIPT(account_find_none)
TRANSCRIPT(account_invalid_contact)
TRANSCRIPT(account_known)
TRANSCRIPT(account_needs_eab)
TRANSCRIPT(account_read)
TRANSCRIPT(account_read_revoked)
TRANSCRIPT(account_read_thin)
TRANSCRIPT(account_read_unknown)
TRANSCRIPT(account_terms_not_agreed)
TRANSCRIPT(account_update_bad_email)
TRANSCRIPT(account_update_email)
TRANSCRIPT(account_update_removes)
TRANSCRIPT(account_update_terms)
TRANSCRIPT(account_without_location)

static bool parse(const char *text, struct acme_account *ret)
{
	struct error err = {0};
	bool ok = account_parse(text, strlen(text), ret, &err);
	CHECK(ok || err.category == ERROR_DATA);
	return ok;
}

TEST(every_member_may_be_missing_or_null)
{
	struct acme_account account = {0};
	CHECK(parse("", &account));
	CHECK_INT(account.status, ACME_ACCOUNT_UNKNOWN);
	acme_account_done(&account);
	CHECK(parse("{\"status\":null,\"contact\":null,\"termsOfServiceAgreed\":null}", &account));
	CHECK_INT(account.status, ACME_ACCOUNT_UNKNOWN);
	CHECK_INT(account.contacts.len, 0);
	acme_account_done(&account);
	CHECK(parse("{\"status\":\"suspended\",\"orders\":null,\"key\":{}}", &account));
	CHECK_INT(account.status, ACME_ACCOUNT_UNKNOWN);
	acme_account_done(&account);
}

TEST(what_is_no_account_is_refused)
{
	struct acme_account account = {0};
	CHECK(!parse("<html>", &account));
	CHECK(!parse("{\"status\":1}", &account));
	CHECK(!parse("{\"contact\":[\"mailto:a@example.org\",5]}", &account));
	CHECK(!parse("{\"contact\":\"mailto:a@example.org\"}", &account));
}

TEST_MAIN()

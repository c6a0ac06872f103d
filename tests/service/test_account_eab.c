/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials by e-mail address: the form that is sent, and the answer that is read. */
#include "service/account_eab.h"

#include "base/buf.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

TEST(the_form_is_percent_encoded)
{
	struct error err = {0};
	struct buf form CLEANUP(buf_done);
	buf_init(&form, 256);
	CHECK_OK(eab_email_form("admin+tls&x=1@ferry.test", &form, &err), err);
	CHECK_STR(buf_cstr(&form), "email=admin%2Btls%26x%3D1%40ferry.test");
}

TEST(an_address_too_long_is_no_form)
{
	struct error err = {0};
	struct buf form CLEANUP(buf_done);
	buf_init(&form, 16);
	CHECK(!eab_email_form("somebody@example.org", &form, &err));
}

static void refuse(const char *text, const char *words, const char *said)
{
	struct error err = {0};
	struct secret key CLEANUP(secret_done) = {0};
	char *kid = NULL;
	CHECK(!eab_email_parse(text, strlen(text), &kid, &key, &err));
	CHECK_INT(err.category, ERROR_CA);
	CHECK_CONTAINS(err.message, words);
	CHECK_CONTAINS(err.said, said);
	CHECK(kid == NULL);
	free(kid);
}

TEST(the_answer_is_read)
{
	static const char text[] =
		"{\"success\":true,\"eab_kid\":\"GD-VvWydSVFuss\",\"eab_hmac_key\":\"c2VjcmV0\",\"more\":1}";
	struct error err = {0};
	struct secret key CLEANUP(secret_done) = {0};
	char *kid = NULL;
	CHECK_OK(eab_email_parse(text, strlen(text), &kid, &key, &err), err);
	CHECK_STR(kid, "GD-VvWydSVFuss");
	CHECK_STR(key.data, "c2VjcmV0");
	free(kid);
}

TEST(what_is_no_answer)
{
	refuse("<html>", "no JSON", "");
	refuse("[]", "no external account", "");
	refuse("{\"success\":false,\"error\":{\"code\":2900,\"type\":\"missing_email\"}}", "no external account",
	       "missing_email");
	refuse("{\"eab_kid\":\"k\"}", "no external account", "");
	refuse("{\"eab_kid\":\"\",\"eab_hmac_key\":\"x\"}", "no external account", "");
	refuse("{\"eab_kid\":7,\"eab_hmac_key\":\"x\"}", "no external account", "");
}

TEST_MAIN()

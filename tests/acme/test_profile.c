/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles as directories list them. */
#include "acme/profile.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "tests/support/test.h"

#include <string.h>

static struct acme_profiles parse(const char *text)
{
	struct acme_profiles profiles = {0};
	struct error err = {0};
	AUTO_JSON json_t *meta = json_read(text, strlen(text), "meta", &err);
	CHECK_OK(meta != NULL && acme_profiles_parse(meta, &profiles, &err), err);
	return profiles;
}

TEST(names_and_texts)
{
	struct acme_profiles profiles =
		parse("{\"profiles\":{\"classic\":\"https://ca/x\",\"\":\"no name\",\"odd\":[1],\"nul\":null}}");
	CHECK_INT(profiles.count, 3);
	CHECK_STR(profiles.items[0].name, "classic");
	CHECK_STR(profiles.items[0].text, "https://ca/x");
	CHECK_STR(profiles.items[1].text, "");
	CHECK(acme_profiles_have(&profiles, "nul") && !acme_profiles_have(&profiles, "Classic"));
	acme_profiles_done(&profiles);
}

TEST(none)
{
	static const char *const cases[] = {"{}", "{\"profiles\":null}", "{\"profiles\":{}}", "{\"profiles\":[\"a\"]}",
					    "{\"profiles\":\"a\"}"};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		struct acme_profiles profiles = parse(cases[i]);
		CHECK_INT(profiles.count, 0);
		CHECK_OK(acme_profiles_check(&profiles, "any", &err), err);
		acme_profiles_done(&profiles);
	}
}

TEST(one_that_is_not_listed)
{
	struct error err = {0};
	struct acme_profiles profiles = parse("{\"profiles\":{\"a\":\"first\\u001b[31m\",\"b\":\"\"}}");
	CHECK_OK(acme_profiles_check(&profiles, "b", &err), err);
	CHECK(!acme_profiles_check(&profiles, "c", &err));
	CHECK_INT(err.category, ERROR_CA);
	CHECK_CONTAINS(err.message, "\"c\"");
	CHECK_CONTAINS(err.hint, "a (first");
	CHECK_CONTAINS(err.hint, "; b");
	CHECK(strchr(err.hint, 0x1b) == NULL);
	acme_profiles_done(&profiles);
}

/* Beyond the cap nobody can tell whether a profile is offered: the CA is asked. */
TEST(cap)
{
	for (int count = LIMIT_PROFILES; count <= LIMIT_PROFILES + 1; count++) {
		struct error err = {0};
		CLEANUP(buf_done) struct buf text;
		buf_init(&text, 65536);
		buf_str(&text, "{\"profiles\":{");
		for (int i = 0; i < count; i++)
			buf_printf(&text, "%s\"p%d\":\"\"", i > 0 ? "," : "", i);
		buf_str(&text, "}}");
		struct acme_profiles profiles = parse(buf_cstr(&text));
		CHECK_INT(profiles.count, LIMIT_PROFILES);
		CHECK_INT(acme_profiles_check(&profiles, "other", &err), count > LIMIT_PROFILES);
		acme_profiles_done(&profiles);
	}
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "config/ca_presets.h"
#include "tests/support/test.h"

TEST(known_cas_have_https_directories)
{
	static const char *const names[] = {
		"letsencrypt", "letsencrypt-staging", "zerossl", "google", "google-staging", "sslcom", "actalis"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct ca_preset *preset = ca_preset_find(names[i]);
		CHECK(preset != NULL);
		CHECK(str_starts(preset->url, "https://"));
		CHECK_INT(preset->needs_eab, !str_starts(names[i], "letsencrypt"));
	}
	CHECK(ca_preset_find("buypass") == NULL && ca_preset_find("") == NULL && ca_preset_find(NULL) == NULL);
}

TEST(the_table_can_be_listed)
{
	size_t count = 0;
	const struct ca_preset *presets = ca_presets(&count);
	CHECK(count >= 7);
	for (size_t i = 0; i < count; i++)
		CHECK(ca_preset_find(presets[i].name) == &presets[i]);
}

TEST_MAIN()

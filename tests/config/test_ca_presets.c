/* SPDX-License-Identifier: Apache-2.0 */
#include "config/ca_presets.h"

#include "base/str.h"
#include "tests/support/test.h"

#include <string.h>

TEST(known_cas_have_https_directories)
{
	static const char *const names[] = {"letsencrypt",    "letsencrypt-staging",
					    "zerossl",        "google",
					    "google-staging", "sslcom",
					    "actalis",        "sectigo",
					    "digicert",       "globalsign"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct ca_preset *preset = ca_preset_find(names[i]);
		CHECK(preset != NULL && preset->retired == NULL);
		CHECK(str_starts(preset->url, "https://"));
		CHECK_INT(preset->needs_eab, !str_starts(names[i], "letsencrypt"));
		CHECK(ca_preset_find_url(preset->url) == preset);
	}
	CHECK(ca_preset_find("") == NULL && ca_preset_find(NULL) == NULL && ca_preset_find("Letsencrypt") == NULL);
	CHECK(ca_preset_find_url("https://ca.internal/directory") == NULL && ca_preset_find_url(NULL) == NULL);
}

/* Whoever wants external credentials says where they come from; whoever is retired says why and since when. */
TEST(every_entry_explains_itself)
{
	size_t count = 0;
	const struct ca_preset *presets = ca_presets(&count);
	CHECK(count >= 12);
	for (size_t i = 0; i < count; i++) {
		CHECK(ca_preset_find(presets[i].name) == &presets[i]);
		CHECK(!str_is_empty(presets[i].title));
		CHECK(!presets[i].needs_eab || !str_is_empty(presets[i].eab_hint));
		CHECK(presets[i].eab_email_url == NULL || str_starts(presets[i].eab_email_url, "https://"));
	}
}

TEST(a_retired_ca_is_known_by_name_and_host)
{
	const struct ca_preset *preset = ca_preset_find("buypass");
	CHECK(preset != NULL);
	CHECK_CONTAINS(preset->retired, "2025-10-31");
	CHECK(ca_preset_find_url("https://api.buypass.com/acme-v02/directory") == preset);
	CHECK(ca_preset_find_url("https://api.test4.buypass.no/acme/directory")->retired != NULL);
}

TEST(sslcom_has_a_directory_per_key_type)
{
	const struct ca_preset *sslcom = ca_preset_find("sslcom"), *other = ca_preset_find("letsencrypt");
	CHECK_STR(ca_preset_url(sslcom, KEY_TYPE_ECDSA_P384), "https://acme.ssl.com/sslcom-dv-ecc");
	CHECK_STR(ca_preset_url(sslcom, KEY_TYPE_RSA_2048), "https://acme.ssl.com/sslcom-dv-rsa");
	CHECK_STR(ca_preset_url(other, KEY_TYPE_RSA_4096), other->url);
	CHECK(ca_preset_find_url("https://acme.ssl.com/sslcom-dv-rsa") == sslcom);
}

TEST_MAIN()

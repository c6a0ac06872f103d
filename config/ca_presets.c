/* SPDX-License-Identifier: Apache-2.0 */
/* Known CAs. Everything else about one is read from its directory and its answers. */
#include "config/ca_presets.h"

#include "base/compiler.h"
#include "base/str.h"

#include <string.h>

#define BUYPASS_ENDED "Buypass has ended its ACME service on 2025-10-31; choose another CA"

static const struct ca_preset presets[] = {
	{
		.name = "letsencrypt",
		.title = "Let's Encrypt",
		.url = "https://acme-v02.api.letsencrypt.org/directory",
		.caa = "letsencrypt.org",
	},
	{
		.name = "letsencrypt-staging",
		.title = "Let's Encrypt staging",
		.url = "https://acme-staging-v02.api.letsencrypt.org/directory",
		.caa = "letsencrypt.org",
	},
	{
		.name = "zerossl",
		.title = "ZeroSSL",
		.url = "https://acme.zerossl.com/v2/DV90",
		.needs_eab = true,
		.eab_hint = "give an e-mail address and they are fetched by themselves; or take them from "
			    "app.zerossl.com, Developer, EAB Credentials",
		.eab_email_url = "https://api.zerossl.com/acme/eab-credentials-email",
		.caa = "sectigo.com",
	},
	{
		.name = "google",
		.title = "Google Trust Services",
		.url = "https://dv.acme-v02.api.pki.goog/directory",
		.needs_eab = true,
		.needs_contact = true,
		.eab_hint = "\"gcloud publicca external-account-keys create\" prints keyId and b64MacKey; each pair is "
			    "good for one account, within 7 days",
		.caa = "pki.goog",
	},
	{
		.name = "google-staging",
		.title = "Google Trust Services staging",
		.url = "https://dv.acme-v02.test-api.pki.goog/directory",
		.needs_eab = true,
		.needs_contact = true,
		.eab_hint = "\"gcloud publicca external-account-keys create\" with the API endpoint "
			    "preprod-publicca.googleapis.com prints keyId and b64MacKey",
		.caa = "pki.goog",
	},
	{
		.name = "sslcom",
		.title = "SSL.com",
		.url = "https://acme.ssl.com/sslcom-dv-ecc",
		.url_rsa = "https://acme.ssl.com/sslcom-dv-rsa",
		.needs_eab = true,
		.needs_contact = true,
		.eab_hint = "secure.ssl.com, Dashboard, API credentials: account/ACME key and HMAC key",
		.caa = "ssl.com",
	},
	{
		.name = "actalis",
		.title = "Actalis",
		.url = "https://acme-api.actalis.com/acme/directory",
		.needs_eab = true,
		.eab_hint = "the ACME section of your account at Actalis shows key id and HMAC key",
		.caa = "actalis.it",
	},
	{
		.name = "sectigo",
		.title = "Sectigo (DV)",
		.url = "https://acme.sectigo.com/v2/DV",
		.needs_eab = true,
		.eab_hint = "the ACME account in Sectigo Certificate Manager shows key id and HMAC key",
		.caa = "sectigo.com",
	},
	{
		.name = "sectigo-ov",
		.title = "Sectigo (OV)",
		.url = "https://acme.sectigo.com/v2/OV",
		.needs_eab = true,
		.eab_hint = "the ACME account in Sectigo Certificate Manager shows key id and HMAC key",
		.caa = "sectigo.com",
	},
	{
		.name = "sectigo-ev",
		.title = "Sectigo (EV)",
		.url = "https://acme.sectigo.com/v2/EV",
		.needs_eab = true,
		.eab_hint = "the ACME account in Sectigo Certificate Manager shows key id and HMAC key",
		.caa = "sectigo.com",
	},
	{
		.name = "digicert",
		.title = "DigiCert",
		.url = "https://one.digicert.com/mpki/api/v1/acme/v2/directory",
		.needs_eab = true,
		.eab_hint = "the ACME credentials of a certificate profile in DigiCert's console; each pair stands for "
			    "one product",
		.caa = "digicert.com",
	},
	{
		.name = "globalsign",
		.title = "GlobalSign",
		.url = "https://emea.acme.atlas.globalsign.com/directory",
		.needs_eab = true,
		.eab_hint = "the ACME credentials of your Atlas account at GlobalSign",
		.caa = "globalsign.com",
	},
	{
		.name = "buypass",
		.title = "Buypass",
		.url = "https://api.buypass.com/acme/directory",
		.retired = BUYPASS_ENDED,
		.host = "api.buypass.com",
	},
	{
		.name = "buypass-staging",
		.title = "Buypass staging",
		.url = "https://api.test4.buypass.no/acme/directory",
		.retired = BUYPASS_ENDED,
		.host = "api.test4.buypass.no",
	},
};

const struct ca_preset *ca_preset_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(presets); i++)
		if (str_equal(presets[i].name, name))
			return &presets[i];
	return NULL;
}

const struct ca_preset *ca_preset_find_url(const char *url)
{
	for (size_t i = 0; url != NULL && i < ARRAY_LEN(presets); i++) {
		const struct ca_preset *preset = &presets[i];
		if (str_equal(preset->url, url) || str_equal(preset->url_rsa, url) ||
		    (preset->host != NULL && strstr(url, preset->host) != NULL))
			return preset;
	}
	return NULL;
}

const char *ca_preset_url(const struct ca_preset *preset, enum key_type type)
{
	bool is_rsa = type == KEY_TYPE_RSA_2048 || type == KEY_TYPE_RSA_3072 || type == KEY_TYPE_RSA_4096;
	return is_rsa && preset->url_rsa != NULL ? preset->url_rsa : preset->url;
}

const struct ca_preset *ca_presets(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(presets);
	return presets;
}

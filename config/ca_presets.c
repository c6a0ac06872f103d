/* SPDX-License-Identifier: Apache-2.0 */
/* Known CAs. Everything else about one is read from its directory and its answers. */
#include "config/ca_presets.h"

#include "base/compiler.h"
#include "base/str.h"

static const struct ca_preset presets[] = {
	{"letsencrypt", "https://acme-v02.api.letsencrypt.org/directory", .needs_eab = false},
	{"letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory", .needs_eab = false},
	{"zerossl", "https://acme.zerossl.com/v2/DV90", .needs_eab = true},
	{"google", "https://dv.acme-v02.api.pki.goog/directory", .needs_eab = true},
	{"google-staging", "https://dv.acme-v02.test-api.pki.goog/directory", .needs_eab = true},
	/* SSL.com has a directory per key type; this one fits the default, ecdsa-p256. */
	{"sslcom", "https://acme.ssl.com/sslcom-dv-ecc", .needs_eab = true},
	{"sslcom-rsa", "https://acme.ssl.com/sslcom-dv-rsa", .needs_eab = true},
	{"actalis", "https://acme-api.actalis.com/acme/directory", .needs_eab = true},
};

const struct ca_preset *ca_preset_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(presets); i++)
		if (str_equal(presets[i].name, name))
			return &presets[i];
	return NULL;
}

const struct ca_preset *ca_presets(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(presets);
	return presets;
}

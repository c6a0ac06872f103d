/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of DNS providers, and what is the same for all of them: checking settings, finding credentials.
 */
#ifndef DNS_PROVIDERS_REGISTRY_H
#define DNS_PROVIDERS_REGISTRY_H

#include "dns-providers/provider.h"

/* NULL when there is no module of that name in this version. */
const struct dns_provider_module *dns_provider_find(const char *name);

/* All of them, for help and messages. */
const struct dns_provider_module *const *dns_provider_modules(size_t *ret_count);

/*
 * Check that every setting's key is known to MODULE (nearest known key in the message) and that required ones are there
 * or in the environment. *RET_INDEX is the offending setting, or COUNT for a missing one. Changes nothing, asks nobody.
 */
MUST_CHECK bool dns_provider_check(const struct dns_provider_module *module, const struct dns_setting *settings,
				   size_t count, size_t *ret_index, struct error *err);

/* Whether MODULE has the key; *RET_NEAREST is the known key that is (nearly) the same, or NULL. */
bool dns_provider_key_known(const struct dns_provider_module *module, const char *key, const char **ret_nearest);

/*
 * Settings from a credentials file: our "key = value" lines, or a certbot ini with the plugin's prefix
 * (dns_cloudflare_api_token = …). For a module with the key "credentials" a file that begins with "{" is its value. The
 * file must not be readable by group or others. (Its parser is fuzzed.)
 */
struct dns_credentials {
	char **keys;
	struct secret *values;
	size_t count;
};
MUST_CHECK bool dns_credentials_read(const struct dns_provider_module *module, const char *path,
				     struct dns_credentials *ret, struct error *err);
MUST_CHECK bool dns_credentials_parse(const struct dns_provider_module *module, const char *text, size_t len,
				      const char *path, struct dns_credentials *ret, struct error *err);
void dns_credentials_done(struct dns_credentials *credentials);

#endif

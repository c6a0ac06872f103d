/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of DNS providers, and the check of settings against a module's table of keys. */
#include "dns-providers/registry.h"

#include "base/str.h"
#include "dns-providers/acmedns.h"
#include "dns-providers/azure.h"
#include "dns-providers/cloudflare.h"
#include "dns-providers/common.h"
#include "dns-providers/digitalocean.h"
#include "dns-providers/exec.h"
#include "dns-providers/google.h"
#include "dns-providers/powerdns.h"
#include "dns-providers/rfc2136.h"
#include "dns-providers/route53.h"

#include <string.h>

enum { TYPO_MAX = 3 };

/* One line each, so that additions do not meet. */
/* clang-format off */
static const struct dns_provider_module *const modules[] = {
	&azure_module,
	&cloudflare_module,
	&digitalocean_module,
	&google_module,
	&route53_module,
	&powerdns_module,
	&rfc2136_module,
	&acmedns_module,
	&exec_module,
};
/* clang-format on */

const struct dns_provider_module *dns_provider_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
		if (str_equal(modules[i]->name, name))
			return modules[i];
	}
	return NULL;
}

const struct dns_provider_module *const *dns_provider_modules(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(modules);
	return modules;
}

bool dns_provider_key_known(const struct dns_provider_module *module, const char *key, const char **ret_nearest)
{
	size_t best = TYPO_MAX + 1;
	*ret_nearest = NULL;
	for (const struct dns_provider_key *known = module->keys; known->name != NULL; known++) {
		size_t distance = str_distance(known->name, key, TYPO_MAX);
		if (distance < best) {
			best = distance;
			*ret_nearest = known->name;
		}
	}
	return best == 0;
}

static bool unknown_key(const struct dns_provider_module *module, const char *key, const char *nearest,
			struct error *err)
{
	if (nearest != NULL)
		return error_set(err, ERROR_CONFIG, NULL, "%s has no setting \"%s\"; did you mean \"%s\"?",
				 module->title, key, nearest);
	error_hint(err, "see %s", module->url);
	return error_set(err, ERROR_CONFIG, NULL, "%s has no setting \"%s\"", module->title, key);
}

static bool check_required(const struct dns_provider_module *module, const struct dns_provider_key *key,
			   const struct dns_setting *settings, size_t count, struct error *err)
{
	CLEANUP(provider_setting_done) struct provider_setting found = {0};
	if (!provider_setting_find(module, settings, count, key->name, /* environment= */ true, &found, err))
		return false;
	if (!key->required || found.value.data != NULL)
		return true;
	if (key->environment != NULL)
		error_hint(err, "set it in the config, or one of the variables %s", key->environment);
	return error_set(err, ERROR_CONFIG, NULL, "%s needs the setting \"%s\" (%s)", module->title, key->name,
			 key->help);
}

bool dns_provider_check(const struct dns_provider_module *module, const struct dns_setting *settings, size_t count,
			size_t *ret_index, struct error *err)
{
	const char *nearest = NULL;
	for (size_t i = 0; i < count; i++) {
		*ret_index = i;
		if (!dns_provider_key_known(module, settings[i].key, &nearest))
			return unknown_key(module, settings[i].key, nearest, err);
	}
	for (const struct dns_provider_key *key = module->keys; key->name != NULL; key++) {
		*ret_index = count;
		for (size_t i = 0; i < count; i++) {
			if (str_equal(settings[i].key, key->name))
				*ret_index = i;
		}
		if (!check_required(module, key, settings, count, err))
			return false;
	}
	*ret_index = count;
	return module->check == NULL || module->check(settings, count, ret_index, err);
}

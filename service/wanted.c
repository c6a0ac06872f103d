/* SPDX-License-Identifier: Apache-2.0 */
/* Builds what is wanted from the config, and lays the stored state beside it. */
#include "service/wanted.h"

#include "config/ca_presets.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

static const char *const DEFAULT_CA = "letsencrypt";

static bool copy_identifiers(struct renewal *ret, const struct config_domain *domain, struct error *err)
{
	ret->identifiers = calloc(domain->identifier_count, sizeof(*ret->identifiers));
	if (ret->identifiers == NULL)
		return error_oom(err);
	memcpy(ret->identifiers, domain->identifiers, domain->identifier_count * sizeof(*ret->identifiers));
	ret->identifier_count = domain->identifier_count;
	return true;
}

/* Some CAs have a directory for each kind of certificate key. */
static const char *directory(const char *name, const char *url, enum key_type type)
{
	const struct ca_preset *preset = ca_preset_find(name);
	return preset != NULL ? ca_preset_url(preset, type) : url;
}

bool wanted_set_ca(const struct service *service, struct renewal *wanted, struct error *err)
{
	const struct service_options *options = service_options(service);
	const struct config_ca *ca = options->config != NULL ? &options->config->cas[0] : NULL;
	const struct ca_preset *fallback = ca_preset_find(DEFAULT_CA);

	if (options->ca_url != NULL)
		return str_set(&wanted->ca_name, options->ca_name, err) &&
		       str_set(&wanted->ca_url, directory(options->ca_name, options->ca_url, wanted->key_type), err) &&
		       str_set(&wanted->ca_bundle, options->ca_bundle, err);
	if (ca != NULL)
		return str_set(&wanted->ca_name, ca->name, err) &&
		       str_set(&wanted->ca_url, directory(ca->name, ca->url, wanted->key_type), err) &&
		       str_set(&wanted->ca_bundle, options->ca_bundle ? options->ca_bundle : ca->ca_bundle, err) &&
		       (wanted->preferred_chain != NULL ||
			str_set(&wanted->preferred_chain, ca->preferred_chain, err)) &&
		       (wanted->profile != NULL || str_set(&wanted->profile, ca->profile, err));
	return str_set(&wanted->ca_name, fallback->name, err) && str_set(&wanted->ca_url, fallback->url, err) &&
	       str_set(&wanted->ca_bundle, options->ca_bundle, err);
}

/* The domain for which the config's list of CAs is meant; NULL: none is. */
static const struct config_domain *listed_domain(const struct service *service, const struct renewal *wanted)
{
	const struct service_options *options = service_options(service);
	if (options->ca_url != NULL || options->config == NULL || !wanted->from_config)
		return NULL;
	return config_find_domain(options->config, wanted->name);
}

size_t wanted_ca_count(const struct service *service, const struct renewal *wanted)
{
	return listed_domain(service, wanted) != NULL ? service_options(service)->config->ca_count : 1;
}

const char *wanted_ca_url(const struct service *service, const struct renewal *wanted, size_t index)
{
	if (listed_domain(service, wanted) == NULL)
		return wanted->ca_url;
	const struct config_ca *ca = &service_options(service)->config->cas[index];
	return directory(ca->name, ca->url, wanted->key_type);
}

bool wanted_use_ca(const struct service *service, struct renewal *wanted, size_t index, struct error *err)
{
	const struct service_options *options = service_options(service);
	const struct config_domain *domain = listed_domain(service, wanted);
	if (domain == NULL)
		return true;
	const struct config_ca *ca = &options->config->cas[index];
	const char *profile = domain->profile != NULL ? domain->profile : ca->profile;
	return str_set(&wanted->ca_name, ca->name, err) &&
	       str_set(&wanted->ca_url, directory(ca->name, ca->url, wanted->key_type), err) &&
	       str_set(&wanted->ca_bundle, options->ca_bundle != NULL ? options->ca_bundle : ca->ca_bundle, err) &&
	       str_set(&wanted->preferred_chain, ca->preferred_chain, err) && str_set(&wanted->profile, profile, err);
}

bool wanted_keep_ca(const struct service *service, struct renewal *wanted, const struct renewal *stored,
		    struct error *err)
{
	size_t count = wanted_ca_count(service, wanted), index = 0;
	if (count == 1)
		return true;
	for (size_t i = 0; stored->generation > 0 && i < count; i++)
		if (str_equal(wanted_ca_url(service, wanted, i), stored->ca_url))
			index = i;
	return wanted_use_ca(service, wanted, index, err);
}

bool wanted_from_domain(const struct service *service, const struct config_domain *domain, struct renewal *ret,
			struct error *err)
{
	const struct config *config = service_options(service)->config;
	CLEANUP(renewal_done)
	struct renewal wanted = {
		.key_type = domain->key_type,
		.reuse_key = domain->reuse_key,
		.challenge = domain->challenge,
		.pre_authorize = domain->pre_authorize,
		.from_config = true,
	};

	if (!str_set(&wanted.name, domain->cert_name, err) || !copy_identifiers(&wanted, domain, err) ||
	    !str_set(&wanted.email, config->email, err) || !str_set(&wanted.webroot, domain->webroot, err) ||
	    !str_set(&wanted.listen, domain->listen, err) ||
	    !str_set(&wanted.dns_provider, domain->dns_provider, err) ||
	    !str_set(&wanted.profile, domain->profile, err) || !wanted_set_ca(service, &wanted, err))
		return false;
	for (size_t i = 0; i < domain->servers.len; i++) {
		if (renewal_server(&wanted, domain->servers.items[i], err) == NULL)
			return false;
	}
	*ret = wanted;
	wanted = (struct renewal){0};
	return true;
}

bool wanted_take_state(struct renewal *wanted, struct renewal *stored, struct error *err)
{
	wanted->generation = stored->generation;
	wanted->not_before = stored->not_before;
	wanted->not_after = stored->not_after;
	wanted->renew_at = stored->renew_at;
	renewal_ari_done(&wanted->ari);
	wanted->ari = stored->ari;
	stored->ari = (struct renewal_ari){0};
	wanted->rolled_back_from = stored->rolled_back_from;
	wanted->revoked_generation = stored->revoked_generation;
	wanted->revoked_at = stored->revoked_at;
	renewal_forget_hooks(wanted);
	wanted->deploy_hooks_due = stored->deploy_hooks_due;
	wanted->hooks = stored->hooks;
	wanted->hook_count = stored->hook_count;
	stored->hooks = NULL;
	stored->hook_count = 0;
	if (!renewal_copy_tries(wanted, stored, err) || !str_set(&wanted->serial, stored->serial, err) ||
	    !str_set(&wanted->issuer, stored->issuer, err) ||
	    !str_set(&wanted->fingerprint_sha256, stored->fingerprint_sha256, err) ||
	    !str_set(&wanted->account, stored->account, err) ||
	    !str_set(&wanted->revoked_reason, stored->revoked_reason, err) ||
	    !str_set(&wanted->revoked_before, stored->revoked_before, err) ||
	    !str_set(&wanted->profile_issued, stored->profile_issued, err))
		return false;
	for (size_t i = 0; i < wanted->server_count; i++) {
		for (size_t j = 0; j < stored->server_count; j++) {
			if (!str_equal(wanted->servers[i].name, stored->servers[j].name))
				continue;
			char *name = wanted->servers[i].name;
			free(wanted->servers[i].error);
			wanted->servers[i] = stored->servers[j];
			wanted->servers[i].name = name;
			stored->servers[j].error = NULL;
		}
	}
	return true;
}

bool identifiers_equal(const struct identifier *a, size_t a_count, const struct identifier *b, size_t b_count)
{
	/* Neither holds duplicates, so equal counts and inclusion are equality. */
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		bool found = false;
		for (size_t j = 0; j < b_count && !found; j++)
			found = identifier_equal(&a[i], &b[j]);
		if (!found)
			return false;
	}
	return true;
}

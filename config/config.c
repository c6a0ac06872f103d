/* SPDX-License-Identifier: Apache-2.0 */
/* The structures of config.h: room for them, their release, and finding a part by its name. */
#include "config/config.h"

#include "config/config-internal.h"

#include <stdlib.h>
#include <string.h>

bool config_allocate(void *ret, size_t count, size_t size, struct error *err)
{
	void *memory = calloc(count > 0 ? count : 1, size);
	if (memory == NULL)
		return error_oom(err);
	memcpy(ret, &memory, sizeof(memory));
	return true;
}

static void command_done(struct config_command *command)
{
	str_list_done(&command->words);
}

static void ca_done(struct config_ca *ca)
{
	free(ca->name);
	free(ca->url);
	free(ca->ca_bundle);
	free(ca->profile);
	free(ca->preferred_chain);
	free(ca->eab_kid);
	free(ca->eab_algorithm);
	secret_done(&ca->eab_hmac_key);
}

static void domain_done(struct config_domain *domain)
{
	free(domain->cert_name);
	free(domain->identifiers);
	free(domain->webroot);
	free(domain->listen);
	free(domain->dns_provider);
	str_list_done(&domain->servers);
	free(domain->profile);
	command_done(&domain->hooks.pre);
	command_done(&domain->hooks.post);
	command_done(&domain->hooks.deploy);
}

void config_server_done(struct config_server *server)
{
	free(server->name);
	free(server->host);
	free(server->user);
	str_list_done(&server->identity_files);
	str_list_done(&server->certificate_files);
	free(server->agent);
	str_list_done(&server->known_hosts);
	str_list_done(&server->global_known_hosts);
	free(server->proxy_jump);
	str_list_done(&server->jumps);
	free(server->hops);
	free(server->host_key_alias);
	free(server->sftp_server);
	free(server->dir);
	for (size_t i = 0; i < server->copy_count; i++) {
		free(server->copies[i].file);
		free(server->copies[i].path);
	}
	free(server->copies);
	secret_done(&server->pkcs12_password);
	free(server->owner);
	free(server->group);
	free(server->test_command);
	free(server->reload_command);
	free(server->verify.address);
	free(server->verify.server_name);
	free(server->verify.starttls);
	free(server->vhosts.available);
	free(server->vhosts.enabled);
}

static void dns_provider_done(struct config_dns_provider *provider)
{
	for (size_t i = 0; i < provider->setting_count; i++) {
		free(provider->settings[i].key);
		secret_done(&provider->settings[i].value);
	}
	free(provider->settings);
	free(provider->name);
	free(provider->type);
}

static void notifications_done(struct config_notifications *notifications)
{
	free(notifications->email_to);
	free(notifications->email_from);
	free(notifications->email_smtp);
	free(notifications->email_username);
	secret_done(&notifications->email_password);
	secret_done(&notifications->slack_webhook);
	free(notifications->slack_channel);
	secret_done(&notifications->pagerduty_routing_key);
	secret_done(&notifications->webhook_url);
	command_done(&notifications->command);
}

static void free_parts(struct config *config)
{
	for (size_t i = 0; i < config->ca_count; i++)
		ca_done(&config->cas[i]);
	for (size_t i = 0; i < config->domain_count; i++)
		domain_done(&config->domains[i]);
	for (size_t i = 0; i < config->server_count; i++)
		config_server_done(&config->servers[i]);
	for (size_t i = 0; i < config->dns_provider_count; i++)
		dns_provider_done(&config->dns_providers[i]);
	for (size_t i = 0; i < config->group_count; i++) {
		free(config->groups[i].name);
		str_list_done(&config->groups[i].servers);
	}
	free(config->groups);
	free(config->cas);
	free(config->domains);
	free(config->domains_by_name);
	free(config->servers);
	free(config->dns_providers);
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	free_parts(config);
	notifications_done(&config->notifications);
	secret_done(&config->monitoring.token);
	free(config->monitoring.address);
	free(config->renewal.schedule);
	free(config->path);
	free(config->email);
	free(config->state_dir);
	free(config->store_url);
	free(config->audit_log);
	free(config);
}

const struct config_server *config_find_server(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->server_count; i++)
		if (str_equal(config->servers[i].name, name))
			return &config->servers[i];
	return NULL;
}

static int compare_cert_name(const void *cert_name, const void *domain)
{
	return strcmp(cert_name, (*(struct config_domain *const *)domain)->cert_name);
}

const struct config_domain *config_find_domain(const struct config *config, const char *cert_name)
{
	/* Asked for each of 100,000 certificates, and more than once. */
	if (config->domains_by_name != NULL && cert_name != NULL) {
		struct config_domain *const *found = bsearch(cert_name, config->domains_by_name, config->domain_count,
							     sizeof(config->domains_by_name[0]), compare_cert_name);
		return found != NULL ? *found : NULL;
	}
	for (size_t i = 0; i < config->domain_count; i++)
		if (str_equal(config->domains[i].cert_name, cert_name))
			return &config->domains[i];
	return NULL;
}

const struct config_dns_provider *config_find_dns_provider(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->dns_provider_count; i++)
		if (str_equal(config->dns_providers[i].name, name))
			return &config->dns_providers[i];
	return NULL;
}

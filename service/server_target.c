/* SPDX-License-Identifier: Apache-2.0 */
/* What a courier is told about its server, with the SSH keys' content: it has no files of its own. */
#include "service/server_target.h"

#include "base/limits.h"
#include "config/config.h"
#include "transport/dns.h"

#include <stdlib.h>
#include <unistd.h>

/* FILE's text is a public key: what a .pub file has, and an IdentityFile whose private half an agent keeps. */
static bool is_public(const struct secret *text)
{
	static const char *const types[] = {"ssh-", "ecdsa-", "sk-"};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (text->len > 0 && str_starts(text->data, types[i]))
			return true;
	return false;
}

/* The certificate that stands beside the key FILE, where there is one. */
static bool read_certificate_beside(const char *file, struct ssh_target *ret, struct error *err)
{
	CLEANUP(secret_done) struct secret text = {0};
	AUTO_FREE char *path = str_format(err, "%s-cert.pub", file);
	if (path == NULL)
		return false;
	if (access(path, F_OK) != 0)
		return true;
	return secret_read_file(&text, path, LIMIT_KEY_FILE, /* private_only= */ false, err) &&
	       str_list_add_once(&ret->certificates, text.data, err);
}

/*
 * One identity file. A courier gets no key that it cannot use: one under a passphrase, or of which this is the public
 * half, is the agent's where there is one, and then *RET_AGENT.
 */
static bool read_identity(const struct config_server *server, const char *file, struct ssh_target *ret, bool *ret_agent,
			  struct error *err)
{
	CLEANUP(secret_done) struct secret text = {0};
	if (!secret_read_file(&text, file, LIMIT_KEY_FILE, /* private_only= */ false, err)) {
		error_hint(err, "servers.%s.identity_file names it", server->name);
		return false;
	}
	if (server->agent == NULL && is_public(&text)) {
		(void)error_set(err, ERROR_CONFIG, NULL,
				"%s is a public key, and there is no agent that has the other half", file);
		error_hint(err, "name the private key as `identity_file`, or by `agent` the agent that keeps it");
		return false;
	}
	if (server->agent != NULL && (is_public(&text) || ssh_identity_is_encrypted(&text))) {
		*ret_agent = true;
		return true;
	}
	struct secret *identity = ssh_target_next_identity(ret);
	return identity == NULL || (secret_read_file(identity, file, LIMIT_KEY_FILE, /* private_only= */ true, err) &&
				    (server->certificate_files.len > 0 || read_certificate_beside(file, ret, err)));
}

/* Which key a certificate is of is noticed when the keys are there. */
static bool read_certificates(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	for (size_t i = 0; i < server->certificate_files.len; i++) {
		CLEANUP(secret_done) struct secret text = {0};
		if (!secret_read_file(&text, server->certificate_files.items[i], LIMIT_KEY_FILE,
				      /* private_only= */ false, err)) {
			error_hint(err, "servers.%s.certificate_file names it", server->name);
			return false;
		}
		if (!str_list_add_once(&ret->certificates, text.data, err))
			return false;
	}
	return true;
}

/* What SERVER's courier logs in with, and no more. */
static bool describe_credentials(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	bool wanted = server->offers_agent;
	for (size_t i = 0; i < server->identity_files.len; i++)
		if (!read_identity(server, server->identity_files.items[i], ret, &wanted, err))
			return false;
	return read_certificates(server, ret, err) && (!wanted || str_set(&ret->agent, server->agent, err));
}

static bool describe_known_hosts(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	if (!str_list_copy(&ret->known_hosts, &server->known_hosts, err))
		return false;
	for (size_t i = 0; i < server->global_known_hosts.len; i++)
		if (!str_list_add(&ret->known_hosts, server->global_known_hosts.items[i], err))
			return false;
	return true;
}

/* Where SERVER is and as whom to come, without what lets anybody in. */
static bool describe_place(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	ret->port = server->port;
	return str_set(&ret->server, server->name, err) && str_set(&ret->host, server->host, err) &&
	       str_set(&ret->user, server->user, err) && describe_known_hosts(server, ret, err) &&
	       str_set(&ret->host_key_alias, server->host_key_alias, err);
}

/* SERVER itself, without the way to it. */
static bool describe(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	ret->sudo = server->sudo;
	return describe_place(server, ret, err) && str_set(&ret->sftp_server, server->sftp_server, err) &&
	       describe_credentials(server, ret, err);
}

static bool describe_way(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	ret->hops = calloc(server->hop_count > 0 ? server->hop_count : 1, sizeof(ret->hops[0]));
	if (ret->hops == NULL)
		return error_oom(err);
	for (size_t i = 0; i < server->hop_count; i++) {
		if (!describe(server->hops[i], &ret->hops[ret->hop_count++], err))
			return false;
	}
	return true;
}

/* As far as it came, TARGET goes to RET when it is complete. */
static bool hand_over(const struct config_server *server, bool complete, struct ssh_target *target,
		      struct ssh_target *ret, struct error *err)
{
	if (!complete) {
		error_context(err, "connect", /* certificate= */ NULL, server->name);
		return false;
	}
	*ret = *target;
	*target = (struct ssh_target){0};
	return true;
}

bool server_target(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	bool complete = describe_way(server, &target, err) && describe(server, &target, err);
	return hand_over(server, complete, &target, ret, err);
}

bool server_target_way(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {0};
	bool complete = describe_way(server, &target, err) && describe_place(server, &target, err);
	return hand_over(server, complete, &target, ret, err);
}

bool server_addresses(struct service *service, const char *host, struct str_list *ret, struct error *err)
{
	enum { LOOK_UP_MS = 30 * 1000 };
	const struct str_list *servers = service_options(service)->resolvers;

	if (servers == NULL || servers->len == 0 || ret->len > 0)
		return true;
	struct dns_resolver *resolver = service_resolver(service, err);
	if (resolver != NULL && dns_addresses(resolver, host, service_deadline(service, LOOK_UP_MS), ret, err))
		return true;
	error_hint(err, "the DNS servers given by --resolver are asked for every name, servers included");
	error_context(err, "connect", /* certificate= */ NULL, /* server= */ NULL);
	return false;
}

bool server_look_up(struct service *service, struct ssh_target *target, struct error *err)
{
	struct ssh_target *first = target->hop_count > 0 ? &target->hops[0] : target;
	return server_addresses(service, first->host, &first->addresses, err);
}

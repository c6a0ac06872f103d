/* SPDX-License-Identifier: Apache-2.0 */
/* What a courier is told about its server, with the SSH key's content: it has no files of its own. */
#include "service/server_target.h"

#include "base/limits.h"
#include "config/config.h"
#include "transport/dns.h"

#include <stdlib.h>

static bool read_identity(const struct config_server *server, struct secret *ret, struct error *err)
{
	return server->identity_file == NULL ||
	       secret_read_file(ret, server->identity_file, LIMIT_KEY_FILE, /* private_only= */ true, err);
}

/* The certificate of the identity; one that is for another key is noticed when the key is there. */
static bool read_certificate(const struct config_server *server, char **ret, struct error *err)
{
	CLEANUP(secret_done) struct secret text = {0};
	if (server->certificate_file == NULL)
		return true;
	return secret_read_file(&text, server->certificate_file, LIMIT_KEY_FILE, /* private_only= */ false, err) &&
	       str_set(ret, text.data, err);
}

/* Where SERVER is and as whom to come, without what lets anybody in. */
static bool describe_place(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	ret->port = server->port;
	return str_set(&ret->server, server->name, err) && str_set(&ret->host, server->host, err) &&
	       str_set(&ret->user, server->user, err) && str_set(&ret->known_hosts, server->known_hosts, err) &&
	       str_set(&ret->host_key_alias, server->host_key_alias, err);
}

/* SERVER itself, without the way to it. */
static bool describe(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	ret->sudo = server->sudo;
	return describe_place(server, ret, err) && str_set(&ret->agent, server->agent, err) &&
	       str_set(&ret->sftp_server, server->sftp_server, err) && read_identity(server, &ret->identity, err) &&
	       read_certificate(server, &ret->certificate, err);
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

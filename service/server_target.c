/* SPDX-License-Identifier: Apache-2.0 */
/* What a courier is told about its server, with the SSH key's content: it has no files of its own. */
#include "service/server_target.h"

#include "base/limits.h"
#include "config/config.h"
#include "transport/dns.h"

static bool read_identity(const struct config_server *server, struct secret *ret, struct error *err)
{
	return server->identity_file == NULL ||
	       secret_read_file(ret, server->identity_file, LIMIT_KEY_FILE, /* private_only= */ true, err);
}

/* A key that this version gives no effect must not be passed over where that changes how the server is reached. */
static bool understood(const struct config_server *server, struct error *err)
{
	if (server->proxy_jump == NULL)
		return true;
	error_set(err, ERROR_CONFIG, NULL, "servers.%s.proxy_jump has no effect in this version", server->name);
	error_hint(
		err,
		"without it this server would be treated differently from what the config says, so it is left alone");
	return false;
}

bool server_target(const struct config_server *server, struct ssh_target *ret, struct error *err)
{
	CLEANUP(ssh_target_done) struct ssh_target target = {.port = server->port, .sudo = server->sudo};
	if (!understood(server, err) || !str_set(&target.server, server->name, err) ||
	    !str_set(&target.host, server->host, err) || !str_set(&target.user, server->user, err) ||
	    !str_set(&target.agent, server->agent, err) || !str_set(&target.known_hosts, server->known_hosts, err) ||
	    !str_set(&target.sftp_server, server->sftp_server, err) || !read_identity(server, &target.identity, err)) {
		error_context(err, "connect", /* certificate= */ NULL, server->name);
		return false;
	}
	*ret = target;
	target = (struct ssh_target){0};
	return true;
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

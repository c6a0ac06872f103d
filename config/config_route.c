/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to each server: what its proxy_jump names, and what that needs itself. A jump host is a server of the config,
 * else a host of the SSH config, else just a host.
 */
#include "base/limits.h"
#include "config/config-internal.h"
#include "config/jump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "user@host:port" as it is written, without its scheme: what such a host is called among the servers. */
static char *jump_name(const struct jump *jump, struct error *err)
{
	char port[8] = "";
	if (jump->port != 0)
		(void)snprintf(port, sizeof(port), ":%u", (unsigned)jump->port);
	return str_format(err, "%s%s%s%s", jump->user != NULL ? jump->user : "", jump->user != NULL ? "@" : "",
			  jump->host, port);
}

/* The hosts that the server at INDEX is reached through directly, by their names. */
static bool find_jumps(struct config_build *b, size_t index)
{
	const struct node node = {.position = b->config->servers[index].position};
	for (const char *at = b->config->servers[index].proxy_jump; at != NULL;) {
		CLEANUP(jump_done) struct jump jump = {0};
		struct error cause = {0};
		char message[ERROR_TEXT_MAX];
		bool named = false;
		if (!jump_next(&at, &jump, &cause)) { /* of the SSH config: our own was checked where it stands */
			(void)snprintf(message, sizeof(message), "the jump hosts of \"%.100s\": %.500s",
				       b->config->servers[index].name, cause.message);
			return report_error_at(b, node.position, message);
		}
		AUTO_FREE char *name = jump_name(&jump, b->err);
		if (name == NULL)
			return false;
		if (config_find_server(b->config, name) == NULL) {
			if (!config_add_ssh_host(b, &node, name, &jump, &named))
				return false;
			b->config->servers[b->config->server_count - 1].hop_only = true;
		}
		/* Looked up anew: adding a server moves the others. */
		if (!str_list_add(&b->config->servers[index].jumps, name, b->err))
			return false;
	}
	return true;
}

/* One server's way, found from its end. */
struct route {
	const struct config_server *hops[LIMIT_SSH_HOPS];
	size_t count;
};

/* What stands before SERVER. False when it is too long, which a circle is too. */
static bool add_way_to(const struct config *config, const struct config_server *server, struct route *route,
		       unsigned deep)
{
	if (deep > LIMIT_SSH_HOPS)
		return false;
	for (size_t i = 0; i < server->jumps.len; i++) {
		const struct config_server *jump = config_find_server(config, server->jumps.items[i]);
		if (jump == NULL)
			return true;
		/* As ssh(1): the first is reached in its own way, the others from the one before. */
		if (i == 0 && !add_way_to(config, jump, route, deep + 1)) // NOLINT(misc-no-recursion): bounded
			return false;
		if (route->count == LIMIT_SSH_HOPS)
			return false;
		route->hops[route->count++] = jump;
	}
	return true;
}

/* What SSH reaches through others only, a handshake does too; an address of its own is where clients find it. */
static bool choose_way_to_look(struct config_build *b, struct config_server *server)
{
	struct config_verify *verify = &server->verify;
	char message[ERROR_TEXT_MAX];

	verify->through_jump = verify->via == CONFIG_VIA_JUMP ||
			       (verify->via == CONFIG_VIA_UNSAID && !verify->own_address && server->hop_count > 0);
	if (!verify->through_jump || server->hop_count > 0)
		return true;
	(void)snprintf(message, sizeof(message),
		       "verify.via of \"%.100s\" is jump, but no proxy_jump leads to that server", server->name);
	return report_error_at(b, server->position, message);
}

static bool find_route(struct config_build *b, struct config_server *server)
{
	struct route route = {.count = 0};
	char message[ERROR_TEXT_MAX];

	if (!add_way_to(b->config, server, &route, 0)) {
		(void)snprintf(message, sizeof(message),
			       "the jump hosts of \"%.100s\" lead back to themselves, or are more than %d",
			       server->name, LIMIT_SSH_HOPS);
		return report_error_at(b, server->position, message);
	}
	if (!config_allocate(&server->hops, route.count, sizeof(server->hops[0]), b->err))
		return false;
	for (size_t i = 0; i < route.count; i++)
		server->hops[server->hop_count++] = route.hops[i];
	return choose_way_to_look(b, server);
}

bool config_build_routes(struct config_build *b)
{
	/* Jump hosts are added behind the others, and have their turn. */
	for (size_t i = 0; i < b->config->server_count; i++)
		if (!find_jumps(b, i))
			return false;
	for (size_t i = 0; i < b->config->server_count; i++)
		if (!find_route(b, &b->config->servers[i]))
			return false;
	return true;
}

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
	bool v6 = jump->port != 0 && strchr(jump->host, ':') != NULL;
	return str_format(err, "%s%s%s%s%s%s", jump->user != NULL ? jump->user : "", jump->user != NULL ? "@" : "",
			  v6 ? "[" : "", jump->host, v6 ? "]" : "", port);
}

/* Where SERVER's way is described: its proxy_jump, or where a server of the SSH config is named. */
static struct node jump_node(const struct node *root, const struct config_server *server)
{
	const struct node *servers = yaml_tree_child(root, "servers");
	const struct node *entry = servers != NULL && servers->kind == NODE_MAP && !server->hop_only
					   ? yaml_tree_child(servers, server->name)
					   : NULL;
	const struct node *jump = entry != NULL ? yaml_tree_child(entry, "proxy_jump") : NULL;
	return jump != NULL ? *jump : (struct node){.position = server->position};
}

/* A group is no host, whatever the SSH config may know by that name. */
static bool refuse_group(struct config_build *b, const struct node *node, const char *name)
{
	char shown[REPORT_SHOWN_MAX];
	return report_error(b, node, "\"%s\" is a group; a jump host is one server: name that",
			    report_shown(shown, name));
}

/* The hosts that the server at INDEX is reached through directly, by their names. */
static bool find_jumps(struct config_build *b, const struct node *root, size_t index)
{
	const struct node node = jump_node(root, &b->config->servers[index]);
	for (const char *at = b->config->servers[index].proxy_jump; at != NULL;) {
		CLEANUP(jump_done) struct jump jump = {0};
		struct error cause = {0};
		bool named = false;
		if (!jump_next(&at, &jump, &cause)) { /* of the SSH config: our own was checked where it stands */
			return report_error(b, &node, "the jump hosts of \"%.100s\": %.500s",
					    b->config->servers[index].name, cause.message);
		}
		AUTO_FREE char *name = jump_name(&jump, b->err);
		if (name == NULL)
			return false;
		if (config_is_group(b, name)) {
			if (!refuse_group(b, &node, name))
				return false;
			continue;
		}
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
static bool choose_way_to_look(struct config_build *b, const struct node *root, struct config_server *server)
{
	struct config_verify *verify = &server->verify;
	const struct node *entry = yaml_tree_child(yaml_tree_child(root, "servers"), server->name);

	verify->through_jump = verify->via == CONFIG_VIA_JUMP ||
			       (verify->via == CONFIG_VIA_UNSAID && !verify->own_address && server->hop_count > 0);
	if (!verify->through_jump || server->hop_count > 0)
		return true;
	return report_error(b, yaml_tree_child(yaml_tree_child(entry, "verify"), "via"),
			    "no proxy_jump leads to this server, so no jump host can look");
}

static bool find_route(struct config_build *b, const struct node *root, struct config_server *server)
{
	struct route route = {.count = 0};

	if (!add_way_to(b->config, server, &route, 0)) {
		const struct node node = jump_node(root, server);
		return report_error(b, &node,
				    "the jump hosts of \"%.100s\" lead back to themselves, or are more than %d",
				    server->name, LIMIT_SSH_HOPS);
	}
	if (!config_allocate(&server->hops, route.count, sizeof(server->hops[0]), b->err))
		return false;
	for (size_t i = 0; i < route.count; i++)
		server->hops[server->hop_count++] = route.hops[i];
	return choose_way_to_look(b, root, server);
}

bool config_build_routes(struct config_build *b, const struct node *root)
{
	/* Jump hosts are added behind the others, and have their turn. */
	for (size_t i = 0; i < b->config->server_count; i++)
		if (!find_jumps(b, root, i))
			return false;
	for (size_t i = 0; i < b->config->server_count; i++)
		if (!find_route(b, root, &b->config->servers[i]))
			return false;
	return true;
}

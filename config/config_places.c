/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several servers that are one place: the same host, by the same way, and the same port and folder, such as the mail
 * and the web server of one machine. They share their files, so they take turns there, and each needs to see for itself
 * what is served.
 */
#include "config/config-internal.h"

#include <string.h>

/* Behind two jump hosts, one address may be two hosts. */
static int compare_places(const struct config_server *x, const struct config_server *y)
{
	int order = strcmp(x->host, y->host);
	if (order == 0)
		order = strcmp(x->proxy_jump != NULL ? x->proxy_jump : "", y->proxy_jump != NULL ? y->proxy_jump : "");
	if (order == 0)
		order = (int)x->port - (int)y->port;
	return order != 0 ? order : strcmp(x->dir, y->dir);
}

/* By place, and in the file's order within one. */
static int compare_servers(const void *a, const void *b)
{
	const struct config_server *x = *(struct config_server *const *)a, *y = *(struct config_server *const *)b;
	int order = compare_places(x, y);
	return order != 0 ? order : (x > y) - (x < y);
}

/* Whoever comes second finds the files there already; only a handshake tells it that it has to reload. */
static bool check_second(struct config_build *b, const struct node *servers, const struct config_server *server,
			 const struct config_server *other)
{
	if (server->verify.enabled || server->reload_command == NULL)
		return true;
	return report_warning(
		b, yaml_tree_child(servers, server->name),
		"it is the same host and dir as \"%s\": when that one has brought a certificate, nothing is "
		"reloaded here, because nothing is verified; give it a dir of its own, or let it verify",
		other->name);
}

bool config_find_places(struct config_build *b, const struct node *root)
{
	struct config *config = b->config;
	const struct node *servers = yaml_tree_child(root, "servers");
	struct config_server **sorted AUTO_FREE = NULL;
	if (!config_allocate(&sorted, config->server_count, sizeof(struct config_server *), b->err))
		return false;
	for (size_t i = 0; i < config->server_count; i++)
		sorted[i] = &config->servers[i];
	qsort(sorted, config->server_count, sizeof(struct config_server *), compare_servers);
	for (size_t i = 0, first = 0; i < config->server_count; i++) {
		if (compare_places(sorted[first], sorted[i]) != 0)
			first = i;
		sorted[i]->place = sorted[first]->name;
		if (i > first && (!check_second(b, servers, sorted[i], sorted[first]) ||
				  (i == first + 1 && !check_second(b, servers, sorted[first], sorted[i]))))
			return false;
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Names of servers and groups, and what `servers:` of a domain means by them. One sorted table serves both. */
#include "config/config-internal.h"
#include "config/jump.h"
#include "config/schema.h"

#include <string.h>

enum { NEAR = 3 };

static int compare_names(const void *a, const void *b)
{
	const struct server_name *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	if (order != 0)
		return order;
	return (int)x->is_group - (int)y->is_group;
}

static int compare_to_name(const void *key, const void *element)
{
	return strcmp(key, ((const struct server_name *)element)->name);
}

static const struct server_name *find_name(const struct config_build *b, const char *name)
{
	if (b->server_name_count == 0)
		return NULL;
	return bsearch(name, b->server_names, b->server_name_count, sizeof(*b->server_names), compare_to_name);
}

bool config_is_group(const struct config_build *b, const char *name)
{
	const struct server_name *found = find_name(b, name);
	return found != NULL && found->is_group;
}

/* The name most like TEXT; NULL when none is. */
static const char *nearest_name(const struct config_build *b, const char *text, bool groups_too)
{
	const char *nearest = NULL;
	size_t best = NEAR;
	for (size_t i = 0; i < b->server_name_count; i++) {
		if (b->server_names[i].is_group && !groups_too)
			continue;
		size_t distance = str_distance(text, b->server_names[i].name, NEAR);
		if (distance < best) {
			best = distance;
			nearest = b->server_names[i].name;
		}
	}
	return nearest;
}

static bool unknown_member(struct config_build *b, const struct node *node)
{
	char shown[REPORT_SHOWN_MAX], near[REPORT_SHOWN_MAX];
	const char *nearest = nearest_name(b, node->text, /* groups_too= */ false);
	(void)report_shown(shown, node->text);
	if (nearest != NULL)
		return report_error(b, node,
				    "unknown server \"%s\"; did you mean \"%s\"? Otherwise define it under servers:",
				    shown, report_shown(near, nearest));
	return report_error(b, node, "unknown server \"%s\"; define it under servers:", shown);
}

static void add_names(struct config_build *b, const struct node *map, bool is_group)
{
	size_t index = 0;
	for (size_t i = 0; map != NULL && i < map->count; i++)
		if (map->children[i]->duplicate_of == 0)
			b->server_names[b->server_name_count++] = (struct server_name){
				.name = map->children[i]->key,
				.node = map->children[i],
				.is_group = is_group,
				.index = index++,
			};
}

/* A server and a group of one name: reported, and the group forgotten. */
static bool drop_collisions(struct config_build *b)
{
	size_t kept = 0;
	char shown[REPORT_SHOWN_MAX];
	for (size_t i = 0; i < b->server_name_count; i++) {
		const struct server_name *name = &b->server_names[i];
		if (kept == 0 || !str_equal(b->server_names[kept - 1].name, name->name)) {
			b->server_names[kept++] = *name;
			continue;
		}
		if (!report_key_error(
			    b, name->node, "\"%s\" is a server too, in line %d; a group needs a name of its own",
			    report_shown(shown, name->name), b->server_names[kept - 1].node->key_position.line))
			return false;
	}
	b->server_name_count = kept;
	return true;
}

static bool check_member(struct config_build *b, const struct node *member)
{
	char shown[REPORT_SHOWN_MAX];
	if (member->bad || member->kind != NODE_SCALAR || yaml_tree_is_null(member))
		return true;
	const struct server_name *found = find_name(b, member->text);
	if (found == NULL)
		return unknown_member(b, member);
	return !found->is_group || report_error(b, member, "\"%s\" is a group; a group consists of servers",
						report_shown(shown, member->text));
}

static bool check_group(struct config_build *b, const struct node *group)
{
	if (group->kind == NODE_SCALAR)
		return check_member(b, group);
	if (group->kind == NODE_LIST && group->count == 0)
		return report_error(b, group, "the group is empty; name its servers");
	for (size_t i = 0; i < group->count; i++)
		if (!check_member(b, group->children[i]))
			return false;
	return true;
}

/* A group's members that are servers; the others have been reported with the group. */
static bool add_group(struct config_build *b, const struct node *group, struct str_list *servers)
{
	for (size_t i = 0; i <= group->count; i++) {
		const struct node *member = i < group->count ? group->children[i] : group;
		if (member->kind != NODE_SCALAR || member->bad)
			continue;
		const struct server_name *found = find_name(b, member->text);
		if (found != NULL && !found->is_group && !str_list_add_once(servers, found->name, b->err))
			return false;
	}
	return true;
}

/* The groups as they are, for those who show them. */
static bool keep_groups(struct config_build *b)
{
	struct config *config = b->config;
	if (!config_allocate(&config->groups, b->server_name_count, sizeof(*config->groups), b->err))
		return false;
	for (size_t i = 0; i < b->server_name_count; i++) {
		const struct server_name *name = &b->server_names[i];
		if (!name->is_group)
			continue;
		struct config_group *group = &config->groups[config->group_count++];
		if (!str_set(&group->name, name->name, b->err) || !add_group(b, name->node, &group->servers))
			return false;
	}
	return true;
}

bool config_build_server_names(struct config_build *b, const struct node *root)
{
	const struct node *servers = yaml_tree_child(root, "servers"), *groups = yaml_tree_child(root, "groups");
	size_t max = (servers != NULL ? servers->count : 0) + (groups != NULL ? groups->count : 0);
	if (!config_allocate(&b->server_names, max, sizeof(*b->server_names), b->err))
		return false;
	add_names(b, servers != NULL && servers->kind == NODE_MAP ? servers : NULL, /* is_group= */ false);
	add_names(b, groups != NULL && groups->kind == NODE_MAP ? groups : NULL, /* is_group= */ true);
	qsort(b->server_names, b->server_name_count, sizeof(*b->server_names), compare_names);
	if (!drop_collisions(b))
		return false;
	for (size_t i = 0; groups != NULL && groups->kind == NODE_MAP && i < groups->count; i++)
		if (groups->children[i]->duplicate_of == 0 && !check_group(b, groups->children[i]))
			return false;
	return keep_groups(b);
}

/* A name that is not listed is an SSH host's, as ssh(1) itself would take it. */
static bool add_unlisted(struct config_build *b, const struct node *node, struct str_list *servers)
{
	char shown[REPORT_SHOWN_MAX], near[REPORT_SHOWN_MAX];
	const char *nearest = nearest_name(b, node->text, /* groups_too= */ true);
	const struct jump as = {.host = node->text};
	bool named = false;
	(void)report_shown(shown, node->text);
	if (!name_is_valid(node->text) || !host_is_valid(node->text))
		return report_error(b, node, "\"%s\" is no server, group or SSH host; define it under servers:", shown);
	if (config_find_server(b->config, node->text) != NULL)
		return str_list_add_once(servers, node->text, b->err);
	if (!config_add_ssh_host(b, node, node->text, &as, &named) || !str_list_add_once(servers, node->text, b->err))
		return false;
	if (named)
		return true;
	if (nearest != NULL)
		return report_warning(b, node,
				      "\"%s\" is not listed under servers, and no Host of the SSH config names it; did "
				      "you mean \"%s\"?",
				      shown, report_shown(near, nearest));
	return report_warning(b, node, "\"%s\" is not listed under servers, and no Host of the SSH config names it",
			      shown);
}

static bool resolve(struct config_build *b, const struct node *node, struct str_list *servers)
{
	if (node->kind != NODE_SCALAR || node->bad || yaml_tree_is_null(node))
		return true;
	const struct server_name *found = find_name(b, node->text);
	if (found == NULL)
		return add_unlisted(b, node, servers);
	if (found->is_group)
		return add_group(b, found->node, servers);
	return str_list_add_once(servers, found->name, b->err);
}

bool config_resolve_servers(struct config_build *b, const struct node *node, struct str_list *servers)
{
	if (node == NULL)
		return true;
	if (node->kind == NODE_SCALAR)
		return resolve(b, node, servers);
	for (size_t i = 0; i < node->count; i++)
		if (!resolve(b, node->children[i], servers))
			return false;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `dns_providers`: a name, a type and settings. What settings a type has is known above this layer. */
#include "config/config-internal.h"
#include "config/schema.h"

#include <string.h>

enum { NEAR = 3 };

static bool read_settings(struct config_build *b, const struct node *map, struct config_dns_provider *provider)
{
	if (!config_allocate(&provider->settings, map->count, sizeof(*provider->settings), b->err))
		return false;
	for (size_t i = 0; i < map->count; i++) {
		const struct node *child = map->children[i];
		if (child->duplicate_of > 0 || child->bad || child->kind != NODE_SCALAR ||
		    str_equal(child->key, "type"))
			continue;
		struct config_setting *setting = &provider->settings[provider->setting_count++];
		setting->position = child->position;
		if (!str_set(&setting->key, child->key, b->err) ||
		    !secret_set(&setting->value, child->text, child->len, b->err))
			return false;
	}
	return true;
}

static bool add_provider(struct config_build *b, const char *name, const struct node *node, const struct node *settings)
{
	struct config *config = b->config;
	const char *type = schema_text(settings, "type");
	/* Full at each power of two. */
	if ((config->dns_provider_count & (config->dns_provider_count - 1)) == 0) {
		size_t cap = config->dns_provider_count == 0 ? 1 : config->dns_provider_count * 2;
		struct config_dns_provider *providers = reallocarray(config->dns_providers, cap, sizeof(*providers));
		if (providers == NULL)
			return error_oom(b->err);
		config->dns_providers = providers;
	}
	struct config_dns_provider *provider = &config->dns_providers[config->dns_provider_count++];
	*provider = (struct config_dns_provider){.position = node->position};
	return str_set(&provider->name, name, b->err) && str_set(&provider->type, type != NULL ? type : name, b->err) &&
	       (settings == NULL || read_settings(b, settings, provider));
}

bool config_build_dns_providers(struct config_build *b, const struct node *root)
{
	const struct node *providers = yaml_tree_child(root, "dns_providers");
	b->implied_dns_providers = providers == NULL;
	for (size_t i = 0; providers != NULL && providers->kind == NODE_MAP && i < providers->count; i++) {
		const struct node *child = providers->children[i];
		if (child->duplicate_of == 0 && !add_provider(b, child->key, child, child))
			return false;
	}
	return true;
}

static bool unknown_provider(struct config_build *b, const struct node *node)
{
	char shown[REPORT_SHOWN_MAX];
	size_t best = NEAR;
	const char *nearest = NULL;
	(void)report_shown(shown, node->text);
	for (size_t i = 0; i < b->config->dns_provider_count; i++) {
		size_t distance = str_distance(node->text, b->config->dns_providers[i].name, NEAR);
		if (distance < best) {
			best = distance;
			nearest = b->config->dns_providers[i].name;
		}
	}
	if (nearest != NULL)
		return report_error(
			b, node,
			"unknown DNS provider \"%s\"; did you mean \"%s\"? Otherwise define it under dns_providers:",
			shown, nearest);
	return report_error(b, node, "unknown DNS provider \"%s\"; define it under dns_providers:", shown);
}

bool config_resolve_dns_provider(struct config_build *b, const struct node *node, char **ret)
{
	char shown[REPORT_SHOWN_MAX];
	if (node->bad || node->kind != NODE_SCALAR)
		return true;
	if (config_find_dns_provider(b->config, node->text) == NULL) {
		if (!b->implied_dns_providers || !name_is_valid(node->text))
			return unknown_provider(b, node);
		/* Without a `dns_providers:` section a name is a type, whose credentials come from its environment. */
		if (!report_warning(b, node, "\"%s\" has no settings: there is no dns_providers section",
				    report_shown(shown, node->text)) ||
		    !add_provider(b, node->text, node, /* settings= */ NULL))
			return false;
	}
	return str_set(ret, node->text, b->err);
}

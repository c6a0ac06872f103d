/* SPDX-License-Identifier: Apache-2.0 */
/* `provider`: a known CA's name, a directory URL, a mapping, or a list of these. */
#include "config/ca_presets.h"
#include "config/config-internal.h"
#include "config/schema.h"
#include "config/values.h"

#include <string.h>

enum { NEAR = 3 };

#define DEFAULT_CA "letsencrypt"

static const char *nearest_preset(const char *name)
{
	size_t count = 0, best = NEAR;
	const struct ca_preset *presets = ca_presets(&count);
	const char *nearest = NULL;
	for (size_t i = 0; i < count; i++) {
		if (presets[i].retired != NULL)
			continue;
		size_t distance = str_distance(name, presets[i].name, NEAR);
		if (distance < best) {
			best = distance;
			nearest = presets[i].name;
		}
	}
	return nearest;
}

static bool unknown_ca(struct config_build *b, const struct node *node, const char *name)
{
	struct buf known CLEANUP(buf_done) = {0};
	char shown[REPORT_SHOWN_MAX];
	size_t count = 0;
	const struct ca_preset *presets = ca_presets(&count);
	const char *nearest = nearest_preset(name);
	(void)report_shown(shown, name);
	if (nearest != NULL)
		return report_error(b, node, "unknown CA \"%s\"; did you mean \"%s\"?", shown, nearest);
	buf_init(&known, REPORT_SHOWN_MAX * 4);
	for (size_t i = 0; i < count; i++)
		if (presets[i].retired == NULL)
			buf_printf(&known, "%s%s", known.len > 0 ? ", " : "", presets[i].name);
	return report_error(b, node, "unknown CA \"%s\"; known are %s, or give the https:// URL of its ACME directory",
			    shown, buf_cstr(&known));
}

/* What a known CA wants of a new account and the config does not give. An account that is there already needs none. */
static bool check_demands(struct config_build *b, const struct node *node, const struct ca_preset *preset,
			  const struct config_ca *ca)
{
	bool has_email = b->config->email != NULL;
	if (preset->needs_contact && !has_email &&
	    !report_warning(b, node, "%s accepts new accounts only with an email", preset->title))
		return false;
	return !preset->needs_eab || ca->eab_kid != NULL || (preset->eab_email_url != NULL && has_email) ||
	       report_warning(b, node, "%s accepts new accounts only with an eab: %s", preset->title, preset->eab_hint);
}

static bool resolve_name(struct config_build *b, const struct node *node, const char *name, struct config_ca *ca)
{
	const struct ca_preset *preset = ca_preset_find(name);
	if (preset == NULL)
		return unknown_ca(b, node, name);
	if (preset->retired != NULL)
		return report_error(b, node, "%s", preset->retired);
	if (!check_demands(b, node, preset, ca))
		return false;
	return str_set(&ca->name, name, b->err) && str_set(&ca->url, preset->url, b->err);
}

static bool resolve_url(struct config_build *b, const struct node *node, const char *url, struct config_ca *ca)
{
	struct error reason = {0};
	if (!value_https_url(url, &reason))
		return report_error(b, node, "%s", reason.message);
	const struct ca_preset *preset = ca_preset_find_url(url);
	if (preset != NULL && preset->retired != NULL)
		return report_error(b, node, "%s", preset->retired);
	if (preset != NULL && !check_demands(b, node, preset, ca))
		return false;
	return str_set(&ca->name, url, b->err) && str_set(&ca->url, url, b->err);
}

static bool resolve(struct config_build *b, const struct node *node, const char *text, struct config_ca *ca)
{
	return strstr(text, "://") != NULL ? resolve_url(b, node, text, ca) : resolve_name(b, node, text, ca);
}

static bool build_mapping(struct config_build *b, const struct node *node, struct config_ca *ca)
{
	const struct node *name = yaml_tree_child(node, "name"), *url = yaml_tree_child(node, "url");
	const char *name_text = schema_text(node, "name"), *url_text = schema_text(node, "url");
	if (!schema_read(b, node, "provider", ca))
		return false;
	if (name == NULL && url == NULL)
		return report_error(b, node,
				    "a provider needs a name (of a known CA) or a url (of its ACME directory)");
	if (name != NULL && url != NULL)
		return report_key_error(b, url, "a provider has either a name or a url; the name stands in line %d",
					name->key_position.line);
	if (name_text != NULL)
		return resolve_name(b, name, name_text, ca);
	return url_text == NULL || resolve_url(b, url, url_text, ca);
}

static bool build_ca(struct config_build *b, const struct node *node)
{
	struct config_ca *ca = &b->config->cas[b->config->ca_count++];
	ca->position = node->position;
	if (node->bad)
		return true;
	if (node->kind == NODE_MAP)
		return build_mapping(b, node, ca);
	return node->kind != NODE_SCALAR || resolve(b, node, node->text, ca);
}

static bool build_default(struct config_build *b)
{
	struct config_ca *ca = &b->config->cas[b->config->ca_count++];
	return str_set(&ca->name, DEFAULT_CA, b->err) && str_set(&ca->url, ca_preset_find(DEFAULT_CA)->url, b->err);
}

bool config_build_cas(struct config_build *b, const struct node *root)
{
	const struct node *node = yaml_tree_child(root, "provider");
	bool is_list = node != NULL && node->kind == NODE_LIST;
	if (!config_allocate(&b->config->cas, is_list ? node->count : 1, sizeof(*b->config->cas), b->err))
		return false;
	if (node == NULL)
		return build_default(b);
	if (!is_list)
		return build_ca(b, node);
	if (node->count == 0)
		return report_error(b, node, "the list is empty; it needs at least one CA");
	for (size_t i = 0; i < node->count; i++)
		if (!build_ca(b, node->children[i]))
			return false;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a certificate's names are validated: exactly one of webroot, dns_provider and challenge. Then what the challenge
 * needs, and which names it cannot prove.
 */
#include "config/config-internal.h"
#include "config/schema.h"
#include "config/values.h"

#define CHOICES "webroot (http-01), dns_provider (dns-01) or challenge"

/* What each challenge type takes below `challenge:`, and what it can prove. */
static const struct rule {
	bool webroot, listen, provider; /* keys that fit */
	bool dns;                       /* proves wildcards and no addresses; the others the reverse */
	const char *needs;              /* one of its keys must be there; NULL: none must */
} rules[] = {
	[CHALLENGE_HTTP_01] = {.webroot = true, .listen = true, .needs = "webroot or listen"},
	[CHALLENGE_DNS_01] = {.provider = true, .dns = true, .needs = "provider"},
	[CHALLENGE_TLS_ALPN_01] = {.listen = true},
	[CHALLENGE_DNS_ACCOUNT_01] = {.provider = true, .dns = true, .needs = "provider"},
	[CHALLENGE_DNS_PERSIST_01] = {.dns = true},
};

/* The one key that says how, or NULL when there is none or more than one: reported. */
static bool find_way(struct config_build *b, const struct node *node, const struct node **ret)
{
	static const char *const ways[] = {"webroot", "dns_provider", "challenge"};
	const struct node *found = NULL;
	*ret = NULL;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const struct node *child = yaml_tree_child(node, ways[i]);
		if (child == NULL)
			continue;
		if (found != NULL) {
			const struct node *first = found->index < child->index ? found : child;
			const struct node *second = found->index < child->index ? child : found;
			return report_key_error(
				b, second,
				"a domain is validated in one way: %s stands in line %d already; keep one of them",
				first->key, first->key_position.line);
		}
		found = child;
	}
	*ret = found;
	return found != NULL || report_error(b, node, "nothing says how to validate this domain; give it " CHOICES);
}

/* On the servers when there are any, else here. */
static bool read_webroot(struct config_build *b, const struct node *node, bool remote, struct config_domain *domain)
{
	struct error reason = {0};
	if (node == NULL || node->bad || node->kind != NODE_SCALAR || yaml_tree_is_null(node))
		return true;
	if (remote && !value_remote_path(node->text, &reason))
		return report_error(b, node, "%s (with servers, the webroot is on every one of them)", reason.message);
	return schema_path(b, node->text, &domain->webroot);
}

static bool check_key(struct config_build *b, const struct node *challenge, const char *key, bool fits,
		      const char *type)
{
	const struct node *child = yaml_tree_child(challenge, key);
	return fits || child == NULL || report_key_error(b, child, "%s does not fit %s", key, type);
}

static bool read_mapping(struct config_build *b, const struct node *challenge, bool remote,
			 struct config_domain *domain)
{
	const struct rule *rule = &rules[domain->challenge];
	const char *type = challenge_type_name(domain->challenge);
	const struct node *webroot = yaml_tree_child(challenge, "webroot"),
			  *listen = yaml_tree_child(challenge, "listen"),
			  *provider = yaml_tree_child(challenge, "provider");
	if (!check_key(b, challenge, "webroot", rule->webroot, type) ||
	    !check_key(b, challenge, "listen", rule->listen, type) ||
	    !check_key(b, challenge, "provider", rule->provider, type))
		return false;
	if (rule->webroot && webroot != NULL && listen != NULL)
		return report_key_error(b, listen, "%s takes either webroot or listen; the webroot stands in line %d",
					type, webroot->key_position.line);
	if (rule->needs != NULL && webroot == NULL && listen == NULL && provider == NULL)
		return report_error(b, challenge, "%s needs %s", type, rule->needs);
	if (rule->provider && provider != NULL && !config_resolve_dns_provider(b, provider, &domain->dns_provider))
		return false;
	return !rule->webroot || read_webroot(b, webroot, remote, domain);
}

/* A word, or a mapping with type. */
static bool read_challenge(struct config_build *b, const struct node *node, bool remote, struct config_domain *domain)
{
	const char *type = node->kind == NODE_MAP ? schema_text(node, "type") : node->text;
	if (node->bad || type == NULL)
		return true;
	domain->challenge = challenge_type_parse(type);
	if (domain->challenge == CHALLENGE_UNKNOWN)
		return true;
	if (node->kind == NODE_MAP)
		return read_mapping(b, node, remote, domain);
	const char *needs = rules[domain->challenge].needs;
	return needs == NULL || report_error(b, node, "%s needs %s: write challenge: {type: %s, …}", type, needs, type);
}

/* Which names this challenge cannot prove (RFC 8555 §7.1.3 and §8.4, RFC 8738 §7, RFC 8737 §3). */
static bool check_names(struct config_build *b, const struct node *node, const struct node *way,
			const struct config_domain *domain)
{
	const bool dns = rules[domain->challenge].dns;
	const char *type = challenge_type_name(domain->challenge);
	for (size_t i = 0; i < domain->identifier_count; i++) {
		const struct identifier *identifier = &domain->identifiers[i];
		if (!dns && identifier_is_wildcard(identifier))
			return report_key_error(
				b, way,
				"the wildcard \"%s\" cannot be validated by %s: wildcards need dns-01; give the "
				"domain a dns_provider instead",
				identifier->value, type);
		if (dns && identifier->type == IDENTIFIER_IP)
			return report_error(
				b, node,
				"the IP address %s cannot be validated by %s; give it an entry of its own with a "
				"webroot",
				identifier->value, type);
	}
	return true;
}

bool config_read_challenge(struct config_build *b, const struct node *node, struct config_domain *domain)
{
	const struct node *way = NULL, *servers = yaml_tree_child(node, "servers");
	const bool remote = servers != NULL && (servers->kind != NODE_LIST || servers->count > 0);
	bool ok = true;
	if (!find_way(b, node, &way))
		return false;
	if (way == NULL)
		return true;
	if (str_equal(way->key, "webroot")) {
		domain->challenge = CHALLENGE_HTTP_01;
		ok = read_webroot(b, way, remote, domain);
	} else if (str_equal(way->key, "dns_provider")) {
		domain->challenge = CHALLENGE_DNS_01;
		ok = config_resolve_dns_provider(b, way, &domain->dns_provider);
	} else {
		domain->challenge = CHALLENGE_UNKNOWN;
		ok = read_challenge(b, way, remote, domain);
	}
	if (ok && domain->challenge == CHALLENGE_TLS_ALPN_01 && domain->listen == NULL)
		ok = str_set(&domain->listen, ":443", b->err);
	return ok && (domain->challenge == CHALLENGE_UNKNOWN || check_names(b, node, way, domain));
}

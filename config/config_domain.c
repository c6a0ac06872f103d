/* SPDX-License-Identifier: Apache-2.0 */
/* `domains`: one entry per certificate. Names are made canonical here, and the certificate gets its own. */
#include "base/limits.h"
#include "config/config-internal.h"
#include "config/schema.h"

#include <string.h>

enum { PARALLEL = 10 };

static void add_identifier(struct config_domain *domain, const struct identifier *identifier)
{
	for (size_t i = 0; i < domain->identifier_count; i++)
		if (identifier_equal(&domain->identifiers[i], identifier))
			return;
	domain->identifiers[domain->identifier_count++] = *identifier;
}

/* The node's text as a name; false when it is bad, which has been reported. */
static bool good_identifier(const struct node *node, struct identifier *ret)
{
	struct error ignored = {0};
	return node != NULL && node->kind == NODE_SCALAR && !node->bad && !yaml_tree_is_null(node) &&
	       identifier_parse(node->text, ret, &ignored);
}

static bool check_type(struct config_build *b, const struct node *node, const struct identifier *name)
{
	const char *type = schema_text(node, "type");
	const struct node *include_base = yaml_tree_child(node, "include_base");
	const bool wildcard = identifier_is_wildcard(name);
	if (include_base != NULL && !wildcard &&
	    !report_warning(b, include_base, "include_base means nothing here: %s is no wildcard", name->value))
		return false;
	if (str_equal(type, "wildcard") && !wildcard)
		return report_error(b, yaml_tree_child(node, "type"),
				    "the type is wildcard, but the name is not: write name: \"*.%s\"", name->value);
	if (str_equal(type, "standard") && wildcard)
		return report_error(b, yaml_tree_child(node, "type"),
				    "the type is standard, but %s is a wildcard: leave type out or write wildcard",
				    name->value);
	return true;
}

/* Name, base name of a wildcard, aliases; each once. */
static bool read_identifiers(struct config_build *b, const struct node *node, struct config_domain *domain)
{
	const struct node *aliases = yaml_tree_child(node, "aliases"), *first = yaml_tree_child(node, "name");
	const char *include_base = schema_text(node, "include_base");
	/* The name, its base, and the aliases or the only one. */
	size_t max = 2 + (aliases == NULL ? 0 : aliases->kind == NODE_LIST ? aliases->count : 1);
	struct identifier name = {0}, alias;
	bool with_base = true;
	if (max > LIMIT_IDENTIFIERS)
		return report_error(b, aliases, "more than %d names for one certificate", (int)LIMIT_IDENTIFIERS - 2);
	if (!config_allocate(&domain->identifiers, max, sizeof(*domain->identifiers), b->err))
		return false;
	if (good_identifier(first, &name)) {
		add_identifier(domain, &name);
		if (!check_type(b, node, &name))
			return false;
		if (include_base != NULL && !schema_bool(include_base, &with_base))
			with_base = true;
		if (identifier_is_wildcard(&name) && with_base) {
			alias = (struct identifier){.type = IDENTIFIER_DNS};
			memcpy(alias.value, identifier_base(&name), strlen(identifier_base(&name)) + 1);
			add_identifier(domain, &alias);
		}
	}
	if (good_identifier(aliases, &alias))
		add_identifier(domain, &alias);
	for (size_t i = 0; aliases != NULL && i < aliases->count; i++)
		if (good_identifier(aliases->children[i], &alias))
			add_identifier(domain, &alias);
	return true;
}

static bool name_certificate(struct config_build *b, const struct node *node, struct config_domain *domain)
{
	const struct node *name = yaml_tree_child(node, "name");
	struct identifier identifier;
	char fallback[IDENTIFIER_MAX];
	if (yaml_tree_child(node, "cert_name") != NULL || !good_identifier(name, &identifier))
		return true;
	if (!name_is_valid(identifier_certificate_name(&identifier, fallback)))
		return report_error(b, name, "\"%s\" cannot be what the certificate is called; set cert_name",
				    fallback);
	return str_set(&domain->cert_name, fallback, b->err);
}

static bool build_domain(struct config_build *b, const struct node *node)
{
	struct config_domain *domain = &b->config->domains[b->config->domain_count++];
	domain->position = node->position;
	domain->key_type = b->config->key_type;
	domain->rollout =
		(struct config_rollout){.given = yaml_tree_child(node, "rollout") != NULL, .parallel = PARALLEL};
	if (node->kind != NODE_MAP)
		return true;
	return schema_read(b, node, "domains", domain) && read_identifiers(b, node, domain) &&
	       name_certificate(b, node, domain) &&
	       config_resolve_servers(b, yaml_tree_child(node, "servers"), &domain->servers) &&
	       config_read_challenge(b, node, domain);
}

static int compare_cert_names(const void *a, const void *b)
{
	const struct config_domain *x = *(struct config_domain *const *)a, *y = *(struct config_domain *const *)b;
	int order = strcmp(x->cert_name, y->cert_name);
	return order != 0 ? order : (x > y) - (x < y);
}

/* The line that gives a domain its certificate's name. */
static const struct node *naming_node(const struct node *domains, const struct config *config,
				      const struct config_domain *domain)
{
	const struct node *node = domains->children[domain - config->domains];
	const struct node *cert_name = yaml_tree_child(node, "cert_name");
	return cert_name != NULL ? cert_name : yaml_tree_child(node, "name");
}

static bool check_cert_names(struct config_build *b, const struct node *domains)
{
	struct config *config = b->config;
	struct config_domain **sorted = NULL;
	size_t count = 0;
	if (!config_allocate(&sorted, config->domain_count, sizeof(struct config_domain *), b->err))
		return false;
	config->domains_by_name = sorted;
	for (size_t i = 0; i < config->domain_count; i++)
		if (config->domains[i].cert_name != NULL)
			sorted[count++] = &config->domains[i];
	qsort(sorted, count, sizeof(struct config_domain *), compare_cert_names);
	for (size_t i = 1, first = 0; i < count; i++) {
		if (!str_equal(sorted[first]->cert_name, sorted[i]->cert_name)) {
			first = i;
			continue;
		}
		if (!report_error(b, naming_node(domains, config, sorted[i]),
				  "the domain in line %d has a certificate called \"%s\" already; set cert_name here "
				  "or there",
				  naming_node(domains, config, sorted[first])->key_position.line, sorted[i]->cert_name))
			return false;
	}
	return true;
}

/* The first of SERVER's copies whose path is the same for every certificate; NULL: none. */
static const struct config_copy *single_copy(const struct config_server *server)
{
	for (size_t i = 0; i < server->copy_count; i++)
		if (strstr(server->copies[i].path, CONFIG_COPY_NAME) == NULL)
			return &server->copies[i];
	return NULL;
}

const char *config_copy_taken(const struct config *config, const struct config_server *server, const char *cert_name,
			      const char **ret_holder)
{
	const struct config_copy *copy = single_copy(server);
	for (size_t i = 0; copy != NULL && i < config->domain_count; i++) {
		const struct config_domain *domain = &config->domains[i];
		if (str_list_has(&domain->servers, server->name) && !str_equal(domain->cert_name, cert_name)) {
			*ret_holder = domain->cert_name;
			return copy->path;
		}
	}
	return NULL;
}

/* A copy at one path can hold one certificate. */
static bool check_copies(struct config_build *b, const struct node *root)
{
	const struct node *servers = yaml_tree_child(root, "servers");
	const struct config *config = b->config;
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->servers[i];
		const struct config_copy *copy = single_copy(server);
		const struct config_domain *first = NULL;
		for (size_t j = 0; copy != NULL && j < config->domain_count; j++) {
			const struct config_domain *domain = &config->domains[j];
			if (!str_list_has(&domain->servers, server->name))
				continue;
			if (first == NULL) {
				first = domain;
				continue;
			}
			if (!report_key_error(b, yaml_tree_child(yaml_tree_child(servers, server->name), "files"),
					      "the certificates %s and %s both come to this server, and %s can hold "
					      "only one; with " CONFIG_COPY_NAME
					      " in its path each gets a file of its own",
					      first->cert_name != NULL ? first->cert_name : "?",
					      domain->cert_name != NULL ? domain->cert_name : "?", copy->path))
				return false;
			break;
		}
	}
	return true;
}

/* The folder of a certificate's own files on SERVER, as COPY's path begins with it: what follows; NULL: it does not. */
static const char *below_own_folder(const struct config *config, const struct config_server *server,
				    const struct config_copy *copy)
{
	size_t dir = strlen(server->dir);
	while (dir > 0 && server->dir[dir - 1] == '/')
		dir--;
	if (strncmp(copy->path, server->dir, dir) != 0 || copy->path[dir] != '/')
		return NULL;
	const char *name = copy->path + dir + 1;
	const char *end = strchr(name, '/');
	if (end == NULL)
		return NULL;
	size_t len = (size_t)(end - name);
	if (len == strlen(CONFIG_COPY_NAME) && strncmp(name, CONFIG_COPY_NAME, len) == 0)
		return end + 1;
	for (size_t i = 0; i < config->domain_count; i++) {
		const char *certificate = config->domains[i].cert_name;
		if (certificate != NULL && strlen(certificate) == len && strncmp(certificate, name, len) == 0)
			return end + 1;
	}
	return NULL;
}

/* A copy in place of one of the links would take it out of the switch that they all make at once. */
static bool check_copies_beside(struct config_build *b, const struct node *root)
{
	static const char *const own[] = {"cert.pem",     "chain.pem", "fullchain.pem", "privkey.pem",
					  "combined.pem", "current",   "generations"};
	const struct node *servers = yaml_tree_child(root, "servers");
	for (size_t i = 0; i < b->config->server_count; i++) {
		const struct config_server *server = &b->config->servers[i];
		const struct node *files = yaml_tree_child(yaml_tree_child(servers, server->name), "files");
		for (size_t j = 0; j < server->copy_count; j++) {
			const struct config_copy *copy = &server->copies[j];
			const char *rest = below_own_folder(b->config, server, copy);
			size_t len = rest != NULL ? strcspn(rest, "/") : 0;
			bool taken = false;
			for (size_t k = 0; k < ARRAY_LEN(own) && len > 0; k++)
				taken = taken || (strlen(own[k]) == len && strncmp(own[k], rest, len) == 0);
			if (taken && !report_error(b, yaml_tree_child(files, copy->file),
						   "%s is among the files that arrive in `dir` anyway: give the copy "
						   "another place, or leave it out",
						   copy->path))
				return false;
		}
	}
	return true;
}

bool config_build_domains(struct config_build *b, const struct node *root)
{
	const struct node *domains = yaml_tree_child(root, "domains");
	if (domains == NULL || domains->kind != NODE_LIST)
		return true;
	if (!config_allocate(&b->config->domains, domains->count, sizeof(*b->config->domains), b->err))
		return false;
	for (size_t i = 0; i < domains->count; i++)
		if (!build_domain(b, domains->children[i]))
			return false;
	return check_cert_names(b, domains) && check_copies(b, root) && check_copies_beside(b, root);
}

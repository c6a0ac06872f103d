/* SPDX-License-Identifier: Apache-2.0 */
/* `servers`: one entry per target, with the presets of its web server and the defaults of the user running this. */
#include "base/limits.h"
#include "config/config-internal.h"
#include "config/schema.h"
#include "config/server_presets.h"

#include <unistd.h>

enum { SSH_PORT = 22, HTTP_PORT = 80, HTTPS_PORT = 443, TIMEOUT = 60, COMMAND_TIMEOUT = 120, KEY_MODE = 0600 };

#define DEFAULT_DIR "/etc/letsencrypt/live"

/* The kinds of `files:`, in the order in which copies are written. */
static const char *const copy_kinds[] = {"cert", "chain", "fullchain", "privkey", "combined", "pkcs12"};

/* Of ssh(1), in its home folder and in the system's. Keys on a token are an agent's business. */
static const char *const usual_identities[] = {".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"};
static const char *const usual_known_hosts[] = {".ssh/known_hosts", ".ssh/known_hosts2"};
static const char *const system_known_hosts[] = {"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"};

static bool set_default(char **member, const char *text, struct error *err)
{
	return *member != NULL || str_set(member, text, err);
}

/* The preset where the file says nothing; none where it says "". */
static bool set_command(char **member, const char *preset, struct error *err)
{
	if (*member == NULL)
		return str_set(member, preset, err);
	return (*member)[0] != '\0' || str_set(member, NULL, err);
}

/* `agent: true` is the agent of the running user's session; anything else is a socket's path. */
static bool read_agent(struct config_build *b, const struct node *settings, struct config_server *server)
{
	const char *text = schema_text(settings, "agent"), *sock = getenv("SSH_AUTH_SOCK");
	bool wanted = true;
	if (text == NULL)
		return true;
	if (!schema_bool(text, &wanted)) {
		if (text[0] != '/' && !str_starts(text, "~/"))
			return report_error(b, yaml_tree_child(settings, "agent"),
					    "an agent is true, or the absolute path of its socket");
		server->agent = text[0] == '/' ? str_format(b->err, "%s", text)
					       : str_format(b->err, "%s/%s", b->home != NULL ? b->home : "", text + 2);
		return server->agent != NULL;
	}
	if (!wanted)
		return true;
	if (str_is_empty(sock))
		return report_error(b, yaml_tree_child(settings, "agent"),
				    "no SSH agent is running: SSH_AUTH_SOCK is not set");
	return str_set(&server->agent, sock, b->err);
}

/* A path, or a list of them. */
static bool read_paths(struct config_build *b, const struct node *settings, const char *key, size_t max,
		       struct str_list *ret)
{
	const struct node *node = yaml_tree_child(settings, key);
	for (size_t i = 0; node != NULL && i < (node->kind == NODE_LIST ? node->count : 1); i++) {
		const struct node *item = node->kind == NODE_LIST ? node->children[i] : node;
		AUTO_FREE char *path = NULL;
		if (item->kind != NODE_SCALAR || item->bad || yaml_tree_is_null(item) || str_is_empty(item->text))
			continue;
		if (ret->len == max)
			return report_error(b, item, "these are more than %zu", max);
		if (!schema_path(b, item->text, &path) || !str_list_add_once(ret, path, b->err))
			return false;
	}
	return true;
}

/* A key that is named is meant; the agent's others are offered only where it is named too. */
static bool read_credentials(struct config_build *b, const struct node *settings, struct config_server *server)
{
	if (settings == NULL) /* of the SSH config, which said it all */
		return true;
	if (!read_agent(b, settings, server) ||
	    !read_paths(b, settings, "identity_file", LIMIT_SSH_KEYS, &server->identity_files) ||
	    !read_paths(b, settings, "certificate_file", LIMIT_SSH_KEYS, &server->certificate_files) ||
	    !read_paths(b, settings, "known_hosts", LIMIT_KNOWN_HOSTS_FILES, &server->known_hosts))
		return false;
	if (str_equal_nocase(server->proxy_jump, "none") && !str_set(&server->proxy_jump, NULL, b->err))
		return false;
	server->identities_given = server->identity_files.len > 0 || server->agent != NULL;
	server->offers_agent = server->agent != NULL || server->identity_files.len == 0;
	return true;
}

/* Those of FILES below home that are there, or all. */
static bool add_usual(struct config_build *b, const char *const *files, size_t count, bool there, struct str_list *ret)
{
	for (size_t i = 0; i < count && b->home != NULL; i++) {
		AUTO_FREE char *path = str_format(b->err, "%s/%s", b->home, files[i]);
		if (path == NULL)
			return false;
		if ((!there || access(path, F_OK) == 0) && !str_list_add(ret, path, b->err))
			return false;
	}
	return true;
}

static bool default_agent(struct config_build *b, struct config_server *server)
{
	const char *sock = getenv("SSH_AUTH_SOCK");
	return server->agent != NULL || server->no_agent || str_is_empty(sock) || str_set(&server->agent, sock, b->err);
}

/* As ssh(1): the usual keys, the agent of whoever runs this, and the usual known_hosts files. */
static bool default_credentials(struct config_build *b, struct config_server *server)
{
	if (!server->identities_given &&
	    !add_usual(b, usual_identities, ARRAY_LEN(usual_identities), /* there= */ true, &server->identity_files))
		return false;
	if (server->known_hosts.len == 0 && !add_usual(b, usual_known_hosts, ARRAY_LEN(usual_known_hosts),
						       /* there= */ false, &server->known_hosts))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(system_known_hosts) && !server->global_given; i++)
		if (!str_list_add(&server->global_known_hosts, system_known_hosts[i], b->err))
			return false;
	return default_agent(b, server);
}

static bool read_copies(struct config_build *b, const struct node *settings, struct config_server *server)
{
	const struct node *files = yaml_tree_child(settings, "files");
	if (files == NULL)
		return true;
	if (!config_allocate(&server->copies, ARRAY_LEN(copy_kinds), sizeof(*server->copies), b->err))
		return false;
	if (yaml_tree_child(files, "pkcs12") != NULL && yaml_tree_child(settings, "pkcs12_password") == NULL &&
	    !report_error(
		    b, yaml_tree_child(files, "pkcs12"),
		    "a PKCS #12 file is encrypted: give pkcs12_password beside files (Java's usual one is changeit)"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(copy_kinds); i++) {
		const char *path = schema_text(files, copy_kinds[i]);
		if (path == NULL)
			continue;
		for (size_t j = 0; j < server->copy_count; j++)
			if (str_equal(server->copies[j].path, path) &&
			    !report_error(b, yaml_tree_child(files, copy_kinds[i]), "%s and %s would be one file: %s",
					  server->copies[j].file, copy_kinds[i], path))
				return false;
		struct config_copy *copy = &server->copies[server->copy_count++];
		if (!str_set(&copy->file, copy_kinds[i], b->err) || !str_set(&copy->path, path, b->err))
			return false;
	}
	return true;
}

/* The preset's, unless a protocol is chosen that is not usual there: then that one's. */
static uint16_t port_to_look_at(const struct server_preset *preset, const char *starttls)
{
	uint16_t port = preset->port != 0 ? preset->port : HTTPS_PORT;
	uint16_t usual = starttls != NULL ? server_starttls_port(starttls) : 0;
	return usual != 0 && !str_equal(starttls, server_port_starttls(port)) ? usual : port;
}

/* What is spoken at a port of the user's choice is known from the port, else from what kind of server it is. */
static bool fill_in_verify(struct config_build *b, struct config_server *server, const struct node *verify)
{
	const struct server_preset *preset = server_preset(server->webserver);
	if (verify == NULL)
		server->verify.enabled = preset->port != 0;
	else if (verify->kind == NODE_MAP)
		server->verify.enabled = true;
	server->verify.own_address = server->verify.address != NULL;
	if (server->verify.port == 0)
		server->verify.port = port_to_look_at(preset, server->verify.starttls);
	const char *usual = server_port_starttls(server->verify.port);
	return set_default(&server->verify.address, server->host, b->err) &&
	       set_default(&server->verify.starttls, usual != NULL ? usual : preset->starttls, b->err);
}

static bool fill_in(struct config_build *b, struct config_server *server, const struct node *settings)
{
	const struct server_preset *preset = server_preset(server->webserver);
	server->combined = preset->combined;
	if (preset->owner != NULL && !set_default(&server->owner, preset->owner, b->err))
		return false;
	if (server->vhosts.enabled != NULL && server->vhosts.available == NULL &&
	    !report_error(b, yaml_tree_child(yaml_tree_child(settings, "vhosts"), "enabled"),
			  "the links here lead to files: available, the folder of those, is missing"))
		return false;
	return set_default(&server->host, server->name, b->err) && set_default(&server->user, b->user, b->err) &&
	       set_default(&server->dir, DEFAULT_DIR, b->err) &&
	       set_command(&server->test_command, preset->test_command, b->err) &&
	       set_command(&server->reload_command, preset->reload_command, b->err) &&
	       fill_in_verify(b, server, yaml_tree_child(settings, "verify")) && default_credentials(b, server);
}

bool config_add_server(struct config_build *b, const struct node *node, const char *name, const struct node *settings,
		       struct config_server *take_known)
{
	struct config *config = b->config;
	/* Full at each power of two. */
	if ((config->server_count & (config->server_count - 1)) == 0) {
		size_t cap = config->server_count == 0 ? 1 : config->server_count * 2;
		struct config_server *servers = reallocarray(config->servers, cap, sizeof(*servers));
		if (servers == NULL)
			return error_oom(b->err);
		config->servers = servers;
	}
	struct config_server *server = &config->servers[config->server_count++];
	*server = (struct config_server){0};
	if (take_known != NULL) {
		*server = *take_known;
		*take_known = (struct config_server){0};
	}
	server->port = server->port != 0 ? server->port : SSH_PORT;
	server->timeout = TIMEOUT;
	server->command_timeout = COMMAND_TIMEOUT;
	server->key_mode = KEY_MODE;
	server->vhosts.http_port = HTTP_PORT;
	server->position = node->position;
	return str_set(&server->name, name, b->err) && schema_read(b, settings, "servers.*", server) &&
	       read_credentials(b, settings, server) && read_copies(b, settings, server) &&
	       fill_in(b, server, settings);
}

bool config_build_servers(struct config_build *b, const struct node *root)
{
	const struct node *servers = yaml_tree_child(root, "servers");
	if (servers == NULL || servers->kind != NODE_MAP)
		return true;
	for (size_t i = 0; i < servers->count; i++) {
		const struct node *child = servers->children[i];
		if (child->duplicate_of == 0 && !config_add_server(b, child, child->key, child, /* take_known= */ NULL))
			return false;
	}
	return true;
}

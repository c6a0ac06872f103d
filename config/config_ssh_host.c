/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that the config does not list: as ssh(1) would reach it, by the user's SSH config and then the system's. The
 * files are read for each such name; there are few.
 */
#include "base/limits.h"
#include "base/secret.h"
#include "config/config-internal.h"
#include "config/jump.h"
#include "config/ssh_config.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_FOLDER "/etc/ssh"

enum { INCLUDES_DEEP = 8, SSH_PORT = 22 };

/* One search through the files. */
struct search {
	struct ssh_config_host host;
	const char *home;
	const char *folder; /* that relative includes are in */
	unsigned deep;
};

static void search_done(struct search *search)
{
	ssh_config_host_done(&search->host);
}

static bool read_file(struct search *search, const char *path, struct error *err);

static bool include(void *ctx, const char *pattern, struct error *err)
{
	struct search *search = ctx;
	bool ok = true;
	glob_t found;
	AUTO_FREE char *path = str_starts(pattern, "~/")
				       ? str_format(err, "%s/%s", search->home != NULL ? search->home : "", pattern + 2)
			       : pattern[0] == '/' ? str_format(err, "%s", pattern)
						   : str_format(err, "%s/%s", search->folder, pattern);

	if (path == NULL)
		return false;
	if (search->deep == INCLUDES_DEEP)
		return error_set(err, ERROR_CONFIG, NULL, "%s: files that include one another, or too many in turn",
				 path);
	if (glob(path, 0, /* errfunc= */ NULL, &found) != 0)
		return true;
	search->deep++;
	for (size_t i = 0; ok && i < found.gl_pathc; i++)
		ok = read_file(search, found.gl_pathv[i], err);
	search->deep--;
	globfree(&found);
	return ok;
}

/* As ssh(1): nobody but its owner, the running user or root, may decide where keys are used. */
static bool is_ours(const char *path, struct error *err)
{
	struct stat status;
	if (stat(path, &status) != 0 ||
	    ((status.st_uid == 0 || status.st_uid == getuid()) && (status.st_mode & 022) == 0))
		return true;
	error_hint(err, "make it its owner's alone to write: chmod go-w %s", path);
	return error_set(err, ERROR_CONFIG, NULL, "%s can be written by others", path);
}

/* A file that is not there says nothing. */
static bool read_file(struct search *search, const char *path, struct error *err)
{
	CLEANUP(secret_done) struct secret text = {0};
	struct error cause = {0};

	if (access(path, F_OK) != 0)
		return true;
	if (!is_ours(path, err))
		return false;
	if (!secret_read_file(&text, path, LIMIT_CONFIG_FILE, /* private_only= */ false, &cause))
		return strstr(cause.message, "empty") != NULL ||
		       error_set(err, ERROR_CONFIG, NULL, "%s", cause.message);
	return ssh_config_read(&search->host, text.data, text.len, path, include, search, err);
}

static bool read_files(struct config_build *b, struct search *search, struct error *err)
{
	if (b->home != NULL) {
		AUTO_FREE char *folder = str_format(err, "%s/.ssh", b->home);
		AUTO_FREE char *path = str_format(err, "%s/.ssh/config", b->home);
		search->folder = folder;
		if (folder == NULL || path == NULL || !read_file(search, path, err))
			return false;
	}
	search->folder = SYSTEM_FOLDER;
	return read_file(search, SYSTEM_FOLDER "/ssh_config", err);
}

/* --- What is written, expanded --- */

/* What a token stands for; NULL: it is not understood here. */
static const char *token(const struct search *search, const struct config_server *server, char which, char port[8])
{
	switch (which) {
	case '%':
		return "%";
	case 'd':
		return search->home;
	case 'h':
		return server->host != NULL ? server->host : search->host.alias;
	case 'n':
		return search->host.alias;
	case 'p':
		(void)snprintf(port, 8, "%u", (unsigned)server->port);
		return port;
	case 'r':
		return server->user;
	case 'u':
		return search->host.local_user;
	default:
		return NULL;
	}
}

/* TEXT with ~ and tokens replaced, malloc'd; NULL without an error where one is not understood. */
static char *expand(const struct search *search, const struct config_server *server, const char *text,
		    struct error *err)
{
	CLEANUP(buf_done) struct buf out;
	char port[8];

	buf_init(&out, LIMIT_PATH);
	if (str_starts(text, "~/") && search->home != NULL) {
		buf_str(&out, search->home);
		text++;
	}
	for (; *text != '\0'; text++) {
		if (*text != '%') {
			buf_char(&out, *text);
			continue;
		}
		const char *value = token(search, server, *++text, port);
		if (value == NULL)
			return NULL;
		buf_str(&out, value);
	}
	return buf_take(&out, "path", err);
}

/* The first of PATHS that is there. */
static bool first_there(const struct search *search, const struct config_server *server, const struct str_list *paths,
			char **ret, struct error *err)
{
	for (size_t i = 0; i < paths->len && *ret == NULL; i++) {
		AUTO_FREE char *path = expand(search, server, paths->items[i], err);
		if (path == NULL && error_is_set(err))
			return false;
		if (path != NULL && access(path, F_OK) == 0)
			*ret = STEAL(path);
	}
	return true;
}

static bool take_agent(const struct search *search, struct config_server *server, struct error *err)
{
	const char *agent = search->host.identity_agent;
	server->no_agent = str_equal(agent, "none");
	if (agent == NULL || server->no_agent)
		return true;
	if (str_equal(agent, "SSH_AUTH_SOCK"))
		return str_set(&server->agent, getenv("SSH_AUTH_SOCK"), err);
	if (agent[0] == '$')
		return str_set(&server->agent, getenv(agent + 1), err);
	server->agent = expand(search, server, agent, err);
	return !error_is_set(err);
}

static bool take_known_hosts(const struct search *search, struct config_server *server, struct error *err)
{
	const struct str_list *paths = &search->host.known_hosts;
	if (paths->len == 0)
		return true;
	if (str_equal(paths->items[0], "none"))
		return str_set(&server->known_hosts, "/dev/null", err);
	server->known_hosts = expand(search, server, paths->items[0], err);
	return !error_is_set(err);
}

/* What the files say, into SERVER's members; user and port that are there already stay. */
static bool describe(const struct config_build *b, const struct search *search, struct config_server *server,
		     struct error *err)
{
	const struct ssh_config_host *host = &search->host;
	if (server->port == 0)
		server->port = host->port != 0 ? host->port : SSH_PORT;
	if (host->host_name != NULL) {
		server->host = expand(search, server, host->host_name, err);
		if (server->host == NULL)
			return error_is_set(err)
				       ? false
				       : error_set(err, ERROR_CONFIG, NULL, "its HostName cannot be understood");
	}
	if (server->user == NULL && !str_set(&server->user, host->user != NULL ? host->user : b->user, err))
		return false;
	return (server->host != NULL || str_set(&server->host, host->alias, err)) &&
	       first_there(search, server, &host->identity_files, &server->identity_file, err) &&
	       first_there(search, server, &host->certificate_files, &server->certificate_file, err) &&
	       take_agent(search, server, err) && take_known_hosts(search, server, err) &&
	       str_set(&server->proxy_jump, host->proxy_jump, err) &&
	       str_set(&server->host_key_alias, host->host_key_alias, err);
}

/* --- The server --- */

static bool look_up(struct config_build *b, const char *alias, struct config_server *server, bool *ret_named,
		    bool *ret_trusts_anybody, struct error *err)
{
	CLEANUP(search_done)
	struct search search = {.host = {.alias = alias, .local_user = b->user != NULL ? b->user : ""},
				.home = b->home};

	if (!read_files(b, &search, err))
		return false;
	if (search.host.proxy_command != NULL) {
		error_hint(err, "define it under servers: with proxy_jump");
		return error_set(err, ERROR_CONFIG, NULL,
				 "it is reached by a ProxyCommand (%s), a program that is not run here",
				 search.host.proxy_command);
	}
	*ret_named = search.host.named;
	*ret_trusts_anybody = search.host.trusts_anybody;
	if (!describe(b, &search, server, err))
		return false;
	return (host_is_valid(server->host) &&
		(server->host_key_alias == NULL || host_is_valid(server->host_key_alias))) ||
	       error_set(err, ERROR_CONFIG, NULL, "its HostName or HostKeyAlias is no host's name");
}

bool config_add_ssh_host(struct config_build *b, const struct node *node, const char *name, const struct jump *as,
			 bool *ret_named)
{
	CLEANUP(config_server_done) struct config_server server = {.port = as->port};
	struct error cause = {0};
	bool trusts_anybody = false;

	*ret_named = false;
	if (!str_set(&server.user, as->user, b->err))
		return false;
	if (!look_up(b, as->host, &server, ret_named, &trusts_anybody, &cause)) {
		*ret_named = true;
		if (!report_error(b, node, "\"%s\" in the SSH config: %s%s%s", as->host, cause.message,
				  cause.hint[0] != '\0' ? "; " : "", cause.hint))
			return false;
	}
	if (trusts_anybody &&
	    !report_warning(b, node,
			    "\"%s\": StrictHostKeyChecking of the SSH config is not followed: host keys are "
			    "always checked here",
			    as->host))
		return false;
	return config_add_server(b, node, name, /* settings= */ NULL, &server);
}

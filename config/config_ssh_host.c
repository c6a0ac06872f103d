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
#include "config/ssh_expand.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_FOLDER "/etc/ssh"

enum { INCLUDES_DEEP = 16, SSH_PORT = 22 }; /* as deep as ssh goes */

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

static char *home_of(const char *user)
{
	const struct passwd *entry = getpwnam(user);
	struct error ignored = {0};
	return entry != NULL ? str_format(&ignored, "%s", entry->pw_dir) : NULL;
}

static const char *variable(const char *name)
{
	return getenv(name);
}

/* HOST's names for SERVER, whose host, user and port are known already. LOCAL_HOST is where this runs. */
static struct ssh_expand names(const struct search *search, const struct config_server *server,
			       const char local_host[HOST_NAME_MAX + 1])
{
	const struct ssh_config_host *host = &search->host;
	return (struct ssh_expand){
		.home = search->home,
		.local_user = host->local_user,
		.local_host = local_host,
		.alias = host->alias,
		.host = server->host,
		.key_alias = host->host_key_alias,
		.user = server->user != NULL ? server->user : "",
		.jump = server->proxy_jump,
		.port = server->port,
		.uid = getuid(),
		.variable = variable,
		.home_of = home_of,
	};
}

/* The files of VALUES, at most MAX; with THERE those alone that exist. "none" is no file. */
static bool take_paths(const struct ssh_expand *expand, const struct ssh_config_values *values, size_t max, bool there,
		       struct str_list *ret, struct error *err)
{
	for (size_t i = 0; i < values->texts.len; i++) {
		if (strcasecmp(values->texts.items[i], "none") == 0)
			continue;
		AUTO_FREE char *path = ssh_expand_path(expand, values->texts.items[i], values->places.items[i], err);
		if (path == NULL)
			return false;
		if (there && access(path, F_OK) != 0)
			continue;
		if (ret->len == max)
			return error_set(err, ERROR_CONFIG, NULL, "%s: these are more than %zu files",
					 values->places.items[i], max);
		if (!str_list_add_once(ret, path, err))
			return false;
	}
	return true;
}

static bool take_identities(const struct ssh_expand *expand, const struct ssh_config_host *host,
			    struct config_server *server, struct error *err)
{
	server->identities_given = host->identity_files.texts.len > 0;
	server->offers_agent = !host->identities_only;
	return take_paths(expand, &host->identity_files, LIMIT_SSH_KEYS, /* there= */ true, &server->identity_files,
			  err) &&
	       take_paths(expand, &host->certificate_files, LIMIT_SSH_KEYS, /* there= */ true,
			  &server->certificate_files, err);
}

/* "$NAME" alone is an older form of "${NAME}", and not set means that there is no agent. */
static bool take_agent(const struct ssh_expand *expand, const struct ssh_config_values *values,
		       struct config_server *server, struct error *err)
{
	const char *agent = values->texts.len > 0 ? values->texts.items[0] : NULL;
	if (agent == NULL)
		return true;
	const char *name = str_equal(agent, "SSH_AUTH_SOCK")    ? agent
			   : agent[0] == '$' && agent[1] != '{' ? agent + 1
								: NULL;
	if (str_equal(agent, "none") || (name != NULL && str_is_empty(getenv(name)))) {
		server->no_agent = true;
		return true;
	}
	if (name != NULL)
		return str_set(&server->agent, getenv(name), err);
	server->agent = ssh_expand_path(expand, agent, values->places.items[0], err);
	return server->agent != NULL;
}

/* The user's files, then the system's: as ssh has them where nothing is said. */
static bool take_known_hosts(const struct ssh_expand *expand, const struct ssh_config_host *host,
			     struct config_server *server, struct error *err)
{
	static const char *const none = "/dev/null"; /* nobody is known by it, and nobody can be added */
	if (host->known_hosts.texts.len > 0 && !take_paths(expand, &host->known_hosts, LIMIT_KNOWN_HOSTS_FILES,
							   /* there= */ false, &server->known_hosts, err))
		return false;
	if (host->known_hosts.texts.len > 0 && server->known_hosts.len == 0 &&
	    !str_list_add(&server->known_hosts, none, err))
		return false;
	server->global_given = host->global_known_hosts.texts.len > 0;
	for (size_t i = 0; i < host->global_known_hosts.texts.len; i++) {
		const char *path = host->global_known_hosts.texts.items[i];
		if (strcasecmp(path, "none") != 0 && !str_list_add_once(&server->global_known_hosts, path, err))
			return false;
	}
	return server->global_known_hosts.len <= LIMIT_KNOWN_HOSTS_FILES ||
	       error_set(err, ERROR_CONFIG, NULL, "%s: these are more than %d files",
			 host->global_known_hosts.places.items[0], LIMIT_KNOWN_HOSTS_FILES);
}

static bool take_jump(struct search *search, struct config_server *server, const char *local_host, struct error *err)
{
	const struct ssh_config_values *jump = &search->host.proxy_jump;
	if (jump->texts.len == 0)
		return true;
	struct ssh_expand expand = names(search, server, local_host);
	server->proxy_jump = ssh_expand_jump(&expand, jump->texts.items[0], jump->places.items[0], err);
	return server->proxy_jump != NULL;
}

/* What the files say, into SERVER's members; user and port that are there already stay. */
static bool describe(struct search *search, struct config_server *server, struct error *err)
{
	const struct ssh_config_host *host = &search->host;
	char local_host[HOST_NAME_MAX + 1] = "";
	(void)gethostname(local_host, HOST_NAME_MAX);
	if (server->port == 0)
		server->port = host->port != 0 ? host->port : SSH_PORT;
	server->host = ssh_config_host_name(host, err);
	if (server->host == NULL || (server->user == NULL && !str_set(&server->user, host->user, err)) ||
	    !take_jump(search, server, local_host, err))
		return false;
	struct ssh_expand expand = names(search, server, local_host);
	return take_identities(&expand, host, server, err) && take_agent(&expand, &host->identity_agent, server, err) &&
	       take_known_hosts(&expand, host, server, err) &&
	       str_set(&server->host_key_alias, host->host_key_alias, err);
}

/* --- The server --- */

static bool read_both_ways(struct config_build *b, struct search *search, struct error *err)
{
	return read_files(b, search, err) &&
	       (!search->host.wants_final ||
		(ssh_config_begin_final(&search->host, err) && read_files(b, search, err)));
}

/* What it says and must not be passed over. */
static bool check_followed(const struct ssh_config_host *host, struct error *err)
{
	if (host->refused == NULL && !ssh_config_is_canonicalized(host))
		return true;
	error_hint(err, "define it under servers:, with proxy_jump where it is reached through others");
	return host->refused != NULL
		       ? error_set(err, ERROR_CONFIG, NULL, "%s", host->refused)
		       : error_set(err, ERROR_CONFIG, NULL,
				   "%s: CanonicalizeHostname looks for it under other names, which is not "
				   "done here",
				   host->canonicalize);
}

static bool look_up(struct config_build *b, const struct jump *as, struct config_server *server, bool *ret_named,
		    struct str_list *told, struct error *err)
{
	CLEANUP(search_done)
	struct search search = {
		.host = {.alias = as->host, .local_user = b->user != NULL ? b->user : "", .port = as->port},
		.home = b->home};

	/* As on ssh's command line: before what the files say, and what Match goes by. */
	if (!str_set(&search.host.user, as->user, err) || !read_both_ways(b, &search, err) ||
	    !check_followed(&search.host, err))
		return false;
	if (search.host.user == NULL && !str_set(&search.host.user, b->user, err))
		return false;
	*ret_named = search.host.named;
	if (!str_list_copy(told, &search.host.told, err) || !describe(&search, server, err))
		return false;
	return (host_is_valid(server->host) &&
		(server->host_key_alias == NULL || host_is_valid(server->host_key_alias))) ||
	       error_set(err, ERROR_CONFIG, NULL, "its HostName or HostKeyAlias is no host's name");
}

/* Each is said once, however many hosts it holds for. */
static bool tell(struct config_build *b, const struct node *node, const struct str_list *told)
{
	for (size_t i = 0; i < told->len; i++)
		if (!str_list_has(&b->told, told->items[i]) &&
		    (!str_list_add(&b->told, told->items[i], b->err) || !report_warning(b, node, "%s", told->items[i])))
			return false;
	return true;
}

bool config_add_ssh_host(struct config_build *b, const struct node *node, const char *name, const struct jump *as,
			 bool *ret_named)
{
	CLEANUP(config_server_done) struct config_server server = {.port = as->port};
	CLEANUP(str_list_done) struct str_list told = {0};
	struct error cause = {0};

	*ret_named = false;
	if (!str_set(&server.user, as->user, b->err))
		return false;
	if (!look_up(b, as, &server, ret_named, &told, &cause)) {
		*ret_named = true;
		if (!report_error(b, node, "\"%s\" in the SSH config: %s%s%s", as->host, cause.message,
				  cause.hint[0] != '\0' ? "; " : "", cause.hint))
			return false;
	}
	return tell(b, node, &told) && config_add_server(b, node, name, /* settings= */ NULL, &server);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From the config's server and domain to the text, and to a courier's job. */
#include "service/vhost.h"

#include "base/limits.h"
#include "config/values.h"
#include "service/deploy_job.h"
#include "service/progress.h"
#include "service/server_list.h"
#include "service/server_target.h"
#include "service/vhost_bring.h"
#include "service/vhost_text.h"
#include "service/vhost_write.h"
#include "service/wanted.h"
#include "transport/courier.h"

#include <stdlib.h>
#include <string.h>

enum { VERIFY_MS = 10 * 1000, MILLISECONDS = 1000 };

static const char DEFAULT_ROOT[] = "/var/www/html";

/*
 * Where distributions have virtual hosts, the first whose folders are there. Alpine's nginx reads http.d where sites
 * belong and conf.d where they do not; its Apache reads conf.d by name, with the modules in files called after them, so
 * that a site must come behind those.
 */
static const struct {
	enum config_webserver webserver;
	const char *available, *enabled, *beginning, *ending;
} usual_places[] = {
	{CONFIG_WEBSERVER_NGINX, "/etc/nginx/sites-available", "/etc/nginx/sites-enabled", "", ""},
	{CONFIG_WEBSERVER_NGINX, "/etc/nginx/http.d", NULL, "", ".conf"},
	{CONFIG_WEBSERVER_NGINX, "/etc/nginx/vhosts.d", NULL, "", ".conf"},
	{CONFIG_WEBSERVER_NGINX, "/etc/nginx/conf.d", NULL, "", ".conf"},
	{CONFIG_WEBSERVER_NGINX, "/usr/local/etc/nginx/conf.d", NULL, "", ".conf"},
	{CONFIG_WEBSERVER_APACHE, "/etc/apache2/sites-available", "/etc/apache2/sites-enabled", "", ".conf"},
	{CONFIG_WEBSERVER_APACHE, "/etc/apache2/vhosts.d", NULL, "", ".conf"},
	{CONFIG_WEBSERVER_APACHE, "/etc/httpd/conf.d", NULL, "", ".conf"},
	{CONFIG_WEBSERVER_APACHE, "/etc/apache2/conf.d", NULL, "vhost-", ".conf"},
	{CONFIG_WEBSERVER_APACHE, "/usr/local/etc/apache24/Includes", NULL, "", ".conf"},
	{CONFIG_WEBSERVER_HAPROXY, "/etc/haproxy/conf.d", NULL, "", ".cfg"},
};

/* All that a virtual host is made of. */
struct making {
	struct service *service;
	const struct vhost_request *request;
	const struct config_server *server;
	struct renewal wanted;
	struct vhost vhost;
	struct vhost_upstream *upstreams;
	char *certificate, *key, *root;
};

static void making_done(struct making *making)
{
	renewal_done(&making->wanted);
	free(making->upstreams);
	free(making->certificate);
	free(making->key);
	free(making->root);
}

void vhost_result_done(struct vhost_result *result)
{
	free(result->webserver);
	free(result->text);
	free(result->path);
	free(result->link);
	free(result->error);
	str_list_done(&result->notes);
	*result = (struct vhost_result){0};
}

/* --- What is asked for --- */

/* As the config describes it, with what is stored of it; else as it was issued. */
static bool find_certificate(struct making *making, struct error *err)
{
	const char *name = making->request->name;
	const struct config_domain *domain = config_find_domain(service_options(making->service)->config, name);
	struct store *store = service_store(making->service);
	CLEANUP(renewal_done) struct renewal stored = {0};
	bool found = false;

	if (!name_is_valid(name))
		return error_set(err, ERROR_USAGE, "usage", "that is no certificate's name");
	if (!renewal_load(store, name, &stored, &found, err))
		return false;
	if (domain != NULL)
		return wanted_from_domain(making->service, domain, &making->wanted, err) &&
		       (!found || wanted_take_state(&making->wanted, &stored, err));
	if (!found) {
		error_hint(err, "`certferry list` shows what is stored");
		return error_set(err, ERROR_USAGE, "usage", "neither the config nor the store has a certificate \"%s\"",
				 name);
	}
	making->wanted = stored;
	stored = (struct renewal){0};
	return true;
}

/* Where a deployment puts the files on that server. */
static bool find_files(struct making *making, struct error *err)
{
	const struct config_server *server = making->server;
	const char *name = making->wanted.name;

	if (server->webserver != CONFIG_WEBSERVER_HAPROXY) {
		making->certificate = str_format(err, "%s/%s/fullchain.pem", server->dir, name);
		making->key = str_format(err, "%s/%s/privkey.pem", server->dir, name);
		return making->certificate != NULL && making->key != NULL;
	}
	for (size_t i = 0; i < server->copy_count && making->certificate == NULL; i++)
		if (str_equal(server->copies[i].file, "combined") &&
		    (making->certificate = deploy_job_copy_path(&server->copies[i], name, err)) == NULL)
			return false;
	if (making->certificate == NULL)
		making->certificate = str_format(err, "%s/%s/combined.pem", server->dir, name);
	return making->certificate != NULL;
}

static bool find_root(struct making *making, struct error *err)
{
	const char *root = making->wanted.webroot != NULL ? making->wanted.webroot : DEFAULT_ROOT;
	struct error reason = {0};
	if (!value_remote_path(root, &reason))
		return error_set(err, ERROR_CONFIG, "vhost", "the webroot %s", reason.message);
	size_t len = strlen(root);
	while (len > 1 && root[len - 1] == '/')
		len--;
	return str_set_n(&making->root, root, len, err);
}

static bool find_upstreams(struct making *making, struct error *err)
{
	const struct str_list *texts = making->request->upstreams;
	const char *ca = making->request->upstream_ca;
	struct error reason = {0};

	making->upstreams = calloc(texts->len + 1, sizeof(*making->upstreams));
	if (making->upstreams == NULL)
		return error_oom(err);
	for (size_t i = 0; i < texts->len; i++)
		if (!vhost_upstream_parse(texts->items[i], &making->upstreams[i], err))
			return false;
	if (ca != NULL && (texts->len == 0 || !making->upstreams[0].tls))
		return error_set(err, ERROR_USAGE, "usage", "--upstream-ca goes with an https --upstream");
	if (ca != NULL && !str_equal(ca, "none") && !value_remote_path(ca, &reason))
		return error_set(err, ERROR_USAGE, "usage", "--upstream-ca: %s", reason.message);
	making->vhost.upstreams = making->upstreams;
	making->vhost.upstream_count = texts->len;
	making->vhost.upstream_ca = ca == NULL ? SITE_TRUSTED : str_equal(ca, "none") ? NULL : ca;
	return true;
}

static bool describe(struct making *making, struct error *err)
{
	const struct vhost_request *request = making->request;
	const struct config_server *server = server_list_find(making->service, request->server, err);

	making->server = server;
	if (server == NULL || !find_certificate(making, err) || !find_files(making, err) || !find_root(making, err))
		return false;
	making->vhost = (struct vhost){
		.webserver = server->webserver,
		.server = server->name,
		.name = making->wanted.name,
		.identifiers = making->wanted.identifiers,
		.identifier_count = making->wanted.identifier_count,
		.certificate = making->certificate,
		.key = making->key,
		.root = making->root,
		.http_port = server->vhosts.http_port,
		.https_port = server->verify.port,
	};
	return find_upstreams(making, err);
}

/* As it is for a server about which nothing is known. */
static char *write_text(const struct making *making, struct error *err)
{
	static const struct site_facts unknown = {0};
	CLEANUP(buf_done) struct buf text, printed;

	buf_init(&text, LIMIT_REMOTE_FILE);
	buf_init(&printed, LIMIT_REMOTE_FILE);
	if (!vhost_write(&making->vhost, &text, err))
		return NULL;
	site_text_render(buf_cstr(&text), &unknown, &printed);
	return buf_take(&printed, "virtual host", err);
}

/* Whether the files that the text names are there, as far as is known; an installation brings them itself. */
static bool note_delivery(const struct making *making, struct vhost_result *ret, struct error *err)
{
	const char *server = making->server->name, *name = making->wanted.name;
	bool brought = vhost_bring_wanted(&making->wanted, server);
	const struct renewal_server *known = NULL;
	for (size_t i = 0; i < making->wanted.server_count && known == NULL; i++)
		if (str_equal(making->wanted.servers[i].name, server))
			known = &making->wanted.servers[i];
	if (known != NULL && (known->pushed != 0 || (brought && making->request->install)))
		return true;
	AUTO_FREE char *note =
		known == NULL ? str_format(err, "%s is not among the servers of %s: its certificate does not go there",
					   server, name)
		: brought     ? str_format(err,
					   "the certificate %s has not come to %s yet: `certferry deploy %s --to %s "
					       "--no-verify` brings it",
					   name, server, name, server)
			  : str_format(err, "the certificate %s has not come to %s yet: `certferry apply %s` brings it",
				       name, server, name);
	return note != NULL && str_list_add(&ret->notes, note, err);
}

/* What a path of a socket means is the web server's to say. */
static bool note_chroot(const struct making *making, struct vhost_result *ret, struct error *err)
{
	bool sockets = false;
	for (size_t i = 0; i < making->vhost.upstream_count; i++)
		sockets = sockets || making->upstreams[i].path[0] != '\0';
	if (!sockets || making->server->webserver != CONFIG_WEBSERVER_HAPROXY)
		return true;
	return str_list_add(&ret->notes,
			    "HAProxy looks for a socket's path below the folder that its `chroot` names, if it has one",
			    err);
}

/* --- Installing it --- */

static bool add_place(struct site_job *job, const char *available, const char *enabled, const char *beginning,
		      const char *name, const char *ending, struct error *err)
{
	struct site_place *grown = reallocarray(job->places, job->place_count + 1, sizeof(*grown));
	if (grown == NULL)
		return error_oom(err);
	job->places = grown;
	struct site_place *place = &grown[job->place_count++];
	*place = (struct site_place){0};
	place->file = str_format(err, "%s/%s%s%s", available, beginning, name, ending);
	if (enabled != NULL)
		place->link = str_format(err, "%s/%s%s%s", enabled, beginning, name, ending);
	return place->file != NULL && (enabled == NULL || place->link != NULL);
}

static bool add_places(const struct making *making, struct site_job *job, struct error *err)
{
	const struct config_vhosts *vhosts = &making->server->vhosts;
	for (size_t i = 0; i < ARRAY_LEN(usual_places); i++) {
		const char *ending = usual_places[i].ending;
		if (usual_places[i].webserver != making->server->webserver)
			continue;
		/* A folder of the user's own is read as the first of the usual ones is, or with the ending all take. */
		if (vhosts->available != NULL)
			return add_place(job, vhosts->available, vhosts->enabled, "", making->wanted.name,
					 vhosts->enabled == NULL && ending[0] == '\0' ? ".conf" : ending, err);
		if (!add_place(job, usual_places[i].available, usual_places[i].enabled, usual_places[i].beginning,
			       making->wanted.name, ending, err))
			return false;
	}
	return true;
}

/* What is live here is to be seen there; nothing is looked for where nothing is live, or no handshake is wanted. */
static bool add_verification(const struct making *making, struct site_job *job, struct error *err)
{
	const struct config_server *server = making->server;
	const char *address = server->verify.address != NULL ? server->verify.address : server->host;
	const char *fingerprint = making->wanted.fingerprint_sha256;

	if (!server->verify.enabled || fingerprint == NULL ||
	    strlen(fingerprint) + 1 != sizeof(job->fingerprint_sha256))
		return true;
	memcpy(job->fingerprint_sha256, fingerprint, sizeof(job->fingerprint_sha256));
	job->verify_through_jump = server->verify.through_jump;
	job->verify_ms = VERIFY_MS;
	job->server_name = deploy_job_server_name(server, &making->wanted, err);
	return job->server_name != NULL && str_set(&job->verify_address, address, err) &&
	       (job->verify_through_jump || server_addresses(making->service, address, &job->verify_addresses, err));
}

/* What is to be this site's alone. */
static bool add_claim(const struct making *making, struct site_job *job, struct error *err)
{
	const struct vhost *vhost = &making->vhost;

	job->dialect = vhost->webserver == CONFIG_WEBSERVER_NGINX    ? SITE_NGINX
		       : vhost->webserver == CONFIG_WEBSERVER_APACHE ? SITE_APACHE
								     : SITE_HAPROXY;
	job->http_port = vhost->http_port;
	job->verify_port = vhost->https_port;
	for (size_t i = 0; i < vhost->identifier_count; i++) {
		CLEANUP(buf_done) struct buf name;
		buf_init(&name, IDENTIFIER_MAX + 2);
		vhost_put_name(&name, &vhost->identifiers[i]);
		if (!buf_check(&name, "name", err) || !str_list_add(&job->names, buf_cstr(&name), err))
			return false;
	}
	return true;
}

static bool build_job(const struct making *making, struct site_job *ret, struct error *err)
{
	const struct config_server *server = making->server;
	CLEANUP(buf_done) struct buf text;
	CLEANUP(site_job_done)
	struct site_job job = {
		.force = making->request->force,
		.transfer_ms = (uint32_t)server->timeout * MILLISECONDS,
		.command_ms = (uint32_t)server->command_timeout * MILLISECONDS,
	};

	buf_init(&text, LIMIT_REMOTE_FILE);
	if (!server_target(server, &job.target, err) || !server_look_up(making->service, &job.target, err) ||
	    (job.holder = deploy_job_holder(making->service, server, err)) == NULL ||
	    !vhost_write(&making->vhost, &text, err) || (job.text = buf_take(&text, "virtual host", err)) == NULL ||
	    !add_claim(making, &job, err) || !str_set(&job.test_command, server->test_command, err) ||
	    !str_set(&job.reload_command, server->reload_command, err) || !add_places(making, &job, err) ||
	    !add_verification(making, &job, err))
		return false;
	*ret = job;
	job = (struct site_job){0};
	return true;
}

struct watcher {
	const struct progress *progress;
	const struct making *making;
};

static void on_step(void *ctx, const char *step)
{
	const struct watcher *watcher = ctx;
	progress_step(watcher->progress, watcher->making->wanted.name, watcher->making->server->name, step);
}

/* Like a deployment, with the server's lock. */
static bool install(const struct making *making, struct vhost_result *ret, struct error *err)
{
	struct service *service = making->service;
	const struct service_options *options = service_options(service);
	CLEANUP(site_job_done) struct site_job job = {0};
	struct watcher watcher = {options->progress, making};
	struct site_outcome outcome;

	if (vhost_bring_wanted(&making->wanted, making->server->name)) {
		if (!vhost_bring(service, &making->wanted, making->server->name, &ret->error, err))
			return false;
		if (ret->error != NULL) {
			ret->installed = true;
			ret->result = PUSH_FAILED;
			return true;
		}
	}
	CLEANUP(store_unlockp)
	struct store_lock *lock = store_lock(service_store(service), "server", making->server->place,
					     service_deadline(service, options->lock_timeout_ms), err);
	if (lock == NULL || !build_job(making, &job, err))
		return false;
	ret->installed = true;
	if (!courier_install_site(&job, on_step, &watcher, store_lock_descriptor(lock),
				  service_deadline(service, site_longest_ms(&job)), &outcome)) {
		error_context(&outcome.error, "vhost", making->wanted.name, making->server->name);
		error_keep(&ret->error, &outcome.error);
	}
	ret->result = outcome.result;
	progress_finished(options->progress, making->wanted.name, making->server->name, push_result_name(ret->result),
			  ret->error);
	if (outcome.healed &&
	    !str_list_add(&ret->notes,
			  "an earlier installation there was cut off: what it had replaced was put back "
			  "before this one began",
			  err))
		return false;
	return str_set(&ret->path, job.places[outcome.place].file, err) &&
	       str_set(&ret->link, job.places[outcome.place].link, err);
}

bool vhost_make(struct service *service, const struct vhost_request *request, struct vhost_result *ret,
		struct error *err)
{
	CLEANUP(making_done) struct making making = {.service = service, .request = request};
	CLEANUP(vhost_result_done) struct vhost_result result = {0};

	if (!describe(&making, err) ||
	    !str_set(&result.webserver, config_webserver_name(making.server->webserver), err) ||
	    (result.text = write_text(&making, err)) == NULL || !note_delivery(&making, &result, err) ||
	    !note_chroot(&making, &result, err) || (request->install && !install(&making, &result, err)))
		return false;
	*ret = result;
	result = (struct vhost_result){0};
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that joins ports to implementations: the engine's port is filled from transport/, providers get their
 * HTTP client, connections are made once and shared by a run's workers.
 */
#include "service/service_internal.h"

#include "acme/session.h"
#include "base/buf.h"
#include "base/log.h"
#include "config/config.h"
#include "dns-providers/registry.h"
#include "service/account.h"
#include "service/responders.h"
#include "store/renewal.h"
#include "transport/dns.h"
#include "transport/http.h"

#include <pthread.h>
#include <stdlib.h>

/* One CA as one contact sees it. Made under its own lock, since making it talks to the CA. */
struct ca_connection {
	struct ca_connection *next;
	char *url;
	char *email;
	char *ca_bundle;
	pthread_mutex_t lock;
	struct http_client *http;
	struct acme_port port;
	struct acme_session *session;
	struct account account; /* url NULL: not there yet */
	/* Tries in a row that found it down: when the last one was, for which certificate, and what came of it. */
	unsigned failures;
	int64_t failed_ms;
	char *failed_for;
	struct error failure;
};

struct provider_connection {
	struct provider_connection *next;
	char *name;
	char *credentials;
	const struct dns_provider_module *module;
	struct dns_provider *provider;
};

struct service *service_open(const struct service_options *options, struct error *err)
{
	CLEANUP(service_closep) struct service *service = calloc(1, sizeof(*service));
	if (service == NULL) {
		error_oom(err);
		return NULL;
	}
	service->options = *options;
	(void)pthread_mutex_init(&service->lock, /* attr= */ NULL);
	responders_init(&service->responders);
	if (options->store_optional) {
		struct error cause = {0};
		service->store = store_open(options->state_dir, options->create_store, &cause);
		if (service->store == NULL)
			log_debug("going on without a state directory: %s", cause.message);
	}
	if (service->store == NULL)
		service->store = store_open(options->state_dir, options->create_store && !options->store_optional, err);
	if (service->store == NULL)
		return NULL;
	return STEAL(service);
}

static void ca_connection_free(struct ca_connection *ca)
{
	account_done(&ca->account);
	acme_session_free(ca->session);
	http_client_free(ca->http);
	(void)pthread_mutex_destroy(&ca->lock);
	free(ca->url);
	free(ca->email);
	free(ca->ca_bundle);
	free(ca->failed_for);
	free(ca);
}

static void provider_connection_free(struct provider_connection *connection)
{
	if (connection->provider != NULL)
		connection->module->close(connection->provider);
	free(connection->name);
	free(connection->credentials);
	free(connection);
}

void service_close(struct service *service)
{
	if (service == NULL)
		return;
	while (service->cas != NULL) {
		struct ca_connection *ca = service->cas;
		unsigned requests = 0, connections = 0;
		service->cas = ca->next;
		if (ca->http != NULL)
			http_client_counts(ca->http, &requests, &connections);
		log_debug("%s: %u requests on %u connections", ca->url, requests, connections);
		ca_connection_free(ca);
	}
	while (service->providers != NULL) {
		struct provider_connection *connection = service->providers;
		service->providers = connection->next;
		provider_connection_free(connection);
	}
	http_client_free(service->provider_http);
	dns_resolver_free(service->resolver);
	responders_done(&service->responders);
	store_close(service->store);
	(void)pthread_mutex_destroy(&service->lock);
	free(service);
}

static bool port_wait(void *ctx, int64_t ms, struct deadline deadline, struct error *err)
{
	(void)ctx;
	return deadline_sleep(deadline, ms, /* step= */ NULL, err);
}

static int64_t port_now(void *ctx)
{
	(void)ctx;
	return clock_wall();
}

static bool same(const char *a, const char *b)
{
	return a == b || str_equal(a, b);
}

/* The entry for WANTED's CA and contact, added empty when there is none. */
static struct ca_connection *find_ca(struct service *service, const struct renewal *wanted, struct error *err)
{
	for (struct ca_connection *ca = service->cas; ca != NULL; ca = ca->next) {
		if (same(ca->url, wanted->ca_url) && same(ca->email, wanted->email) &&
		    same(ca->ca_bundle, wanted->ca_bundle))
			return ca;
	}
	struct ca_connection *ca = calloc(1, sizeof(*ca));
	if (ca == NULL) {
		error_oom(err);
		return NULL;
	}
	(void)pthread_mutex_init(&ca->lock, /* attr= */ NULL);
	if (!str_set(&ca->url, wanted->ca_url, err) || !str_set(&ca->email, wanted->email, err) ||
	    !str_set(&ca->ca_bundle, wanted->ca_bundle, err)) {
		ca_connection_free(ca);
		return NULL;
	}
	ca->next = service->cas;
	service->cas = ca;
	return ca;
}

static bool open_session(struct service *service, struct ca_connection *ca, struct error *err)
{
	if (ca->http == NULL) {
		struct http_client_options http = {
			.ca_bundle = ca->ca_bundle,
			/* Whoever brings trust anchors of his own runs a CA of his own, maybe on this very host. */
			.allow_loopback = ca->ca_bundle != NULL,
		};
		if (service_has_resolvers(service)) {
			http.resolver = service_resolver(service, err);
			if (http.resolver == NULL)
				return false;
		}
		ca->http = http_client_new(&http, err);
		if (ca->http == NULL)
			return false;
	}
	if (ca->session == NULL) {
		ca->port = (struct acme_port){.ctx = ca->http, .send = http_send, .wait = port_wait, .now = port_now};
		ca->session = acme_session_new(&ca->port, ca->url, err);
	}
	return ca->session != NULL;
}

static bool connect_ca(struct service *service, struct ca_connection *ca, struct deadline deadline, struct error *err)
{
	const struct account_request request = {
		.ca_url = ca->url, .ca_bundle = ca->ca_bundle, .email = ca->email, .may_register = true};
	return open_session(service, ca, err) &&
	       account_open(service, ca->session, &request, deadline, &ca->account, /* ret_created= */ NULL, err);
}

bool service_session(struct service *service, const struct renewal *wanted, struct acme_session **ret_session,
		     struct error *err)
{
	(void)pthread_mutex_lock(&service->lock);
	struct ca_connection *ca = find_ca(service, wanted, err);
	(void)pthread_mutex_unlock(&service->lock);
	if (ca == NULL)
		return false;
	(void)pthread_mutex_lock(&ca->lock);
	bool ok = open_session(service, ca, err);
	(void)pthread_mutex_unlock(&ca->lock);
	*ret_session = ca->session;
	return ok;
}

/*
 * A CA that is down is found so a few times, and not for each of a thousand certificates anew, which would take as many
 * time-outs. For the one that found it so last it is tried all the same: its tries are counted elsewhere.
 */
static bool is_down(const struct ca_connection *ca, const struct renewal *wanted)
{
	enum { FAILURES = 3, FOR_MS = 60 * 1000 };
	return ca->failures >= FAILURES && clock_monotonic_ms() - ca->failed_ms <= FOR_MS &&
	       !str_equal(ca->failed_for, wanted->name);
}

static void note_outcome(struct ca_connection *ca, const struct renewal *wanted, bool ok, const struct error *err)
{
	enum { SERVER_ERROR = 500 };
	struct error ignored = {0};
	bool down = !ok && (err->category == ERROR_NETWORK || err->category == ERROR_TIMEOUT ||
			    (err->category == ERROR_CA && err->http_status >= SERVER_ERROR));
	ca->failures = down ? ca->failures + 1 : 0;
	if (!down)
		return;
	ca->failed_ms = clock_monotonic_ms();
	ca->failure = *err;
	if (!str_set(&ca->failed_for, wanted->name, &ignored))
		ca->failures = 0;
}

bool service_ca(struct service *service, const struct renewal *wanted, struct deadline deadline,
		struct acme_session **ret_session, struct acme_identity *ret_account, struct error *err)
{
	(void)pthread_mutex_lock(&service->lock);
	struct ca_connection *ca = find_ca(service, wanted, err);
	(void)pthread_mutex_unlock(&service->lock);
	if (ca == NULL)
		return false;

	(void)pthread_mutex_lock(&ca->lock);
	bool ok = ca->account.url != NULL;
	if (!ok && is_down(ca, wanted)) {
		*err = ca->failure;
	} else if (!ok) {
		ok = connect_ca(service, ca, deadline, err);
		note_outcome(ca, wanted, ok, err);
	}
	(void)pthread_mutex_unlock(&ca->lock);
	if (!ok)
		return false;
	*ret_session = ca->session;
	*ret_account = (struct acme_identity){.signer = &ca->account.signer, .kid = ca->account.url};
	return true;
}

bool service_ca_is_down(struct service *service, const struct renewal *wanted)
{
	struct error ignored = {0};
	(void)pthread_mutex_lock(&service->lock);
	struct ca_connection *ca = find_ca(service, wanted, &ignored);
	(void)pthread_mutex_unlock(&service->lock);
	if (ca == NULL)
		return false;
	(void)pthread_mutex_lock(&ca->lock);
	bool down = ca->account.url == NULL && is_down(ca, wanted);
	(void)pthread_mutex_unlock(&ca->lock);
	return down;
}

/* A config's provider as the registry wants its settings: borrowed from the config. malloc'd. */
static struct dns_setting *config_settings(const struct config_dns_provider *from, struct error *err)
{
	struct dns_setting *settings = calloc(from->setting_count ? from->setting_count : 1, sizeof(*settings));
	if (settings == NULL) {
		error_oom(err);
		return NULL;
	}
	for (size_t i = 0; i < from->setting_count; i++)
		settings[i] = (struct dns_setting){.key = from->settings[i].key, .value = &from->settings[i].value};
	return settings;
}

static bool unknown_provider(const char *type, struct error *err)
{
	size_t count = 0;
	const struct dns_provider_module *const *modules = dns_provider_modules(&count);
	CLEANUP(buf_done) struct buf names;
	error_set(err, ERROR_CONFIG, "dns-provider", "this version has no DNS provider \"%s\"", type);
	buf_init(&names, ERROR_TEXT_MAX);
	for (size_t i = 0; i < count; i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", modules[i]->name);
	error_hint(err, "available: %s", buf_cstr(&names));
	return false;
}

static bool check_config_provider(const struct config *config, const struct config_dns_provider *provider,
				  struct error *err)
{
	size_t bad = provider->setting_count;
	struct config_position at = provider->position;
	struct error cause = {0};
	const struct dns_provider_module *module = dns_provider_find(provider->type);
	bool ok = false;

	if (module == NULL) {
		unknown_provider(provider->type, &cause);
	} else {
		AUTO_FREE struct dns_setting *settings = config_settings(provider, err);
		if (settings == NULL)
			return false;
		ok = dns_provider_check(module, settings, provider->setting_count, &bad, &cause);
	}
	if (ok)
		return true;
	if (bad < provider->setting_count)
		at = provider->settings[bad].position;
	error_set(err, ERROR_CONFIG, "config", "%s:%d:%d: dns_providers.%s: %s", config->path, at.line, at.column,
		  provider->name, cause.message);
	if (cause.hint[0] != '\0')
		error_hint(err, "%s", cause.hint);
	return false;
}

bool service_check_providers(const struct config *config, struct error *err)
{
	for (size_t i = 0; config != NULL && i < config->dns_provider_count; i++) {
		const struct config_dns_provider *provider = &config->dns_providers[i];
		bool used = false;
		for (size_t j = 0; j < config->domain_count; j++)
			used = used || str_equal(config->domains[j].dns_provider, provider->name);
		/* An entry that no domain uses may be for a later version. */
		if (used && !check_config_provider(config, provider, err))
			return false;
	}
	return true;
}

static bool open_provider(struct service *service, struct provider_connection *connection, struct error *err)
{
	CLEANUP(dns_credentials_done) struct dns_credentials credentials = {0};
	AUTO_FREE struct dns_setting *settings = NULL;
	const struct config_dns_provider *entry = NULL;
	size_t count = 0, bad = 0;

	if (connection->credentials == NULL && service->options.config != NULL)
		entry = config_find_dns_provider(service->options.config, connection->name);
	const char *type = entry != NULL ? entry->type : connection->name;
	connection->module = dns_provider_find(type);
	if (connection->module == NULL)
		return unknown_provider(type, err);
	if (connection->credentials != NULL) {
		if (!dns_credentials_read(connection->module, connection->credentials, &credentials, err))
			return false;
		count = credentials.count;
		settings = calloc(count ? count : 1, sizeof(*settings));
		if (settings == NULL)
			return error_oom(err);
		for (size_t i = 0; i < count; i++)
			settings[i] = (struct dns_setting){.key = credentials.keys[i], .value = &credentials.values[i]};
	} else if (entry != NULL) {
		count = entry->setting_count;
		settings = config_settings(entry, err);
		if (settings == NULL)
			return false;
	}
	bool fine = entry != NULL ? check_config_provider(service->options.config, entry, err)
				  : dns_provider_check(connection->module, settings, count, &bad, err);
	if (!fine)
		return false;
	if (service_http_locked(service, err) == NULL)
		return false;
	connection->provider = connection->module->open(settings, count, service->provider_http, err);
	return connection->provider != NULL;
}

static struct provider_connection *find_provider(struct service *service, const char *name, const char *credentials,
						 struct error *err)
{
	for (struct provider_connection *known = service->providers; known != NULL; known = known->next) {
		if (same(known->name, name) && same(known->credentials, credentials))
			return known;
	}
	struct provider_connection *connection = calloc(1, sizeof(*connection));
	if (connection == NULL) {
		error_oom(err);
		return NULL;
	}
	if (!str_set(&connection->name, name, err) || !str_set(&connection->credentials, credentials, err) ||
	    !open_provider(service, connection, err)) {
		provider_connection_free(connection);
		return NULL;
	}
	connection->next = service->providers;
	service->providers = connection;
	return connection;
}

bool service_dns_provider(struct service *service, const char *name, const char *credentials,
			  const struct dns_provider_module **ret_module, struct dns_provider **ret_provider,
			  struct error *err)
{
	(void)pthread_mutex_lock(&service->lock);
	struct provider_connection *connection = find_provider(service, name, credentials, err);
	(void)pthread_mutex_unlock(&service->lock);
	if (connection == NULL)
		return false;
	*ret_module = connection->module;
	*ret_provider = connection->provider;
	return true;
}

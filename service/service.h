/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run's world: the store, the config, the CA and provider connections that its certificates share. Made once per
 * run; used by all of its workers.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

struct acme_identity;
struct acme_session;
struct config;
struct dns_provider;
struct dns_provider_module;
struct dns_resolver;
struct http_client;
struct progress;
struct renewal;
struct responders;
struct secret;
struct service;
struct store;

/* Everything is borrowed and must outlive the service. */
struct service_options {
	const struct config *config; /* NULL: none */
	const char *state_dir;
	bool create_store;     /* false: only look */
	bool store_optional;   /* with create_store: where it cannot be made, go on without */
	const char *ca_name;   /* overrides the config's CA: as the user called it; NULL: not overridden */
	const char *ca_url;    /* and its directory */
	const char *ca_bundle; /* extra trust anchors for every CA; NULL: none */
	const struct str_list *resolvers;
	int64_t certificate_timeout_ms; /* the longest one certificate may take */
	int64_t lock_timeout_ms;
	bool terms_agreed;   /* the operator agreed to the CA's terms: by a flag, or by writing the config */
	const char *eab_kid; /* external account credentials for a new account; NULL: the config's */
	const struct secret *eab_hmac_key;
	const char *eab_algorithm; /* NULL: HS256 */
	const char *eab_email_url; /* where ZeroSSL is asked for credentials; NULL: at ZeroSSL */
	struct cancel *cancel;
	const struct progress *progress; /* NULL: nobody watches */
};

MUST_CHECK struct service *service_open(const struct service_options *options, struct error *err);
void service_close(struct service *service);
DEFINE_FREEP(service_closep, struct service, service_close)

const struct service_options *service_options(const struct service *service);
struct store *service_store(const struct service *service);

/* A deadline MS from now that the run's cancellation ends. */
struct deadline service_deadline(const struct service *service, int64_t ms);

/* This run's own responders (responders.h). Borrowed. */
struct responders *service_responders(struct service *service);

/* The resolver for every look-up of this run; made by the first call. Borrowed. */
MUST_CHECK struct dns_resolver *service_resolver(struct service *service, struct error *err);

/*
 * The conversation with the CA that WANTED names, its account registered (or found) by the first call for this CA and
 * contact; others wait for it. Both are borrowed from the service. Thread-safe.
 */
MUST_CHECK bool service_ca(struct service *service, const struct renewal *wanted, struct deadline deadline,
			   struct acme_session **ret_session, struct acme_identity *ret_account, struct error *err);

/*
 * Whether WANTED's CA was found down several times in a row just now, for other certificates: service_ca() fails at
 * once then, as it did for them, until a minute has gone. A CA whose account is open is not looked at.
 */
bool service_ca_is_down(struct service *service, const struct renewal *wanted);

/* The same conversation without an account. */
MUST_CHECK bool service_session(struct service *service, const struct renewal *wanted,
				struct acme_session **ret_session, struct error *err);

/* The client for web services that are no CA: DNS providers, and where CAs hand out credentials. Borrowed. */
MUST_CHECK struct http_client *service_http(struct service *service, struct error *err);

/*
 * The DNS provider that is the entry NAME of the config, or with CREDENTIALS (a file; NULL: none) or its environment
 * the vendor of that name; opened by the first call. Borrowed. Thread-safe.
 */
MUST_CHECK bool service_dns_provider(struct service *service, const char *name, const char *credentials,
				     const struct dns_provider_module **ret_module, struct dns_provider **ret_provider,
				     struct error *err);

/*
 * Check, without asking anybody, that every DNS provider of the config exists in this version and has known settings:
 * ERROR_CONFIG with file, line and key otherwise. NULL config: nothing to check.
 */
MUST_CHECK bool service_check_providers(const struct config *config, struct error *err);

#endif

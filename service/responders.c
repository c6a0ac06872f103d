/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared responders, counted. Starting one may wait for another run's, so that happens under the responder's own lock:
 * meanwhile others can be taken and released.
 */
#include "service/responders.h"

#include "base/log.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

struct shared_responder {
	struct shared_responder *next;
	enum challenge_type challenge;
	struct listen_address listen;
	unsigned users;
	pthread_mutex_t lock; /* over the two below */
	struct store_lock *port;
	struct responder *responder; /* NULL: not started yet, or not to be had */
};

void responders_init(struct responders *responders)
{
	(void)pthread_mutex_init(&responders->lock, /* attr= */ NULL);
}

void responders_done(struct responders *responders)
{
	(void)pthread_mutex_destroy(&responders->lock);
}

/* The entry, added when there is none, with one more user. */
static struct shared_responder *find(struct responders *responders, enum challenge_type challenge,
				     const struct listen_address *listen, struct error *err)
{
	struct shared_responder *shared = responders->list;
	while (shared != NULL && (shared->challenge != challenge || shared->listen.port != listen->port ||
				  !str_equal(shared->listen.host, listen->host)))
		shared = shared->next;
	if (shared == NULL) {
		shared = calloc(1, sizeof(*shared));
		if (shared == NULL) {
			error_oom(err);
			return NULL;
		}
		shared->challenge = challenge;
		shared->listen = *listen;
		(void)pthread_mutex_init(&shared->lock, /* attr= */ NULL);
		shared->next = responders->list;
		responders->list = shared;
	}
	shared->users++;
	return shared;
}

/* Two runs at once take turns at a port instead of failing: a record's name for it, as in "80" or "80-192.0.2.1". */
static struct store_lock *lock_port(struct service *service, const struct listen_address *listen, struct error *err)
{
	char name[LISTEN_ADDRESS_SIZE + 1];
	(void)snprintf(name, sizeof(name), "%u%s%s", (unsigned)listen->port, listen->host[0] != '\0' ? "-" : "",
		       listen->host);
	for (char *c = name; *c != '\0'; c++)
		if (*c == ':')
			*c = '-';
	return store_lock(service_store(service), "listen", name,
			  service_deadline(service, service_options(service)->lock_timeout_ms), err);
}

static bool start(struct service *service, struct shared_responder *shared, struct error *err)
{
	char text[LISTEN_ADDRESS_SIZE];
	if (shared->responder != NULL)
		return true;
	if (shared->port == NULL)
		shared->port = lock_port(service, &shared->listen, err);
	if (shared->port == NULL)
		return false;
	shared->responder = responder_start(
		shared->challenge == CHALLENGE_HTTP_01 ? &responder_http01 : &responder_alpn01, &shared->listen, err);
	if (shared->responder == NULL)
		return false;
	log_debug("answering %s on %s", challenge_type_name(shared->challenge),
		  listen_address_format(&shared->listen, text));
	return true;
}

struct shared_responder *responders_take(struct service *service, enum challenge_type challenge,
					 const struct listen_address *listen, struct error *err)
{
	struct responders *responders = service_responders(service);

	(void)pthread_mutex_lock(&responders->lock);
	struct shared_responder *shared = find(responders, challenge, listen, err);
	(void)pthread_mutex_unlock(&responders->lock);
	if (shared == NULL)
		return NULL;
	(void)pthread_mutex_lock(&shared->lock);
	bool ok = start(service, shared, err);
	(void)pthread_mutex_unlock(&shared->lock);
	if (ok)
		return shared;
	responders_release(service, shared);
	return NULL;
}

void responders_release(struct service *service, struct shared_responder *shared)
{
	struct responders *responders = service_responders(service);

	(void)pthread_mutex_lock(&responders->lock);
	bool unused = --shared->users == 0;
	for (struct shared_responder **at = &responders->list; unused && *at != NULL; at = &(*at)->next)
		if (*at == shared) {
			*at = shared->next;
			break;
		}
	(void)pthread_mutex_unlock(&responders->lock);
	if (!unused)
		return;
	responder_stop(shared->responder);
	store_unlock(shared->port);
	(void)pthread_mutex_destroy(&shared->lock);
	free(shared);
}

struct responder *shared_responder_get(const struct shared_responder *shared)
{
	return shared->responder;
}

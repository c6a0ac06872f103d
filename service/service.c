/* SPDX-License-Identifier: Apache-2.0 */
/* What a run has before it talks to anybody; who it talks to, as whom, is wiring.c's, above what asks for this. */
#include "service/service_internal.h"

#include "transport/dns.h"
#include "transport/http.h"

const struct service_options *service_options(const struct service *service)
{
	return &service->options;
}

struct store *service_store(const struct service *service)
{
	return service->store;
}

struct responders *service_responders(struct service *service)
{
	return &service->responders;
}

struct deadline service_deadline(const struct service *service, int64_t ms)
{
	return deadline_in(ms, service->options.cancel);
}

static struct dns_resolver *resolver_locked(struct service *service, struct error *err)
{
	if (service->resolver == NULL)
		service->resolver = dns_resolver_new(service->options.resolvers, err);
	return service->resolver;
}

struct dns_resolver *service_resolver(struct service *service, struct error *err)
{
	(void)pthread_mutex_lock(&service->lock);
	struct dns_resolver *resolver = resolver_locked(service, err);
	(void)pthread_mutex_unlock(&service->lock);
	return resolver;
}

bool service_has_resolvers(const struct service *service)
{
	return service->options.resolvers != NULL && service->options.resolvers->len > 0;
}

struct http_client *service_http_locked(struct service *service, struct error *err)
{
	struct http_client_options http = {.allow_loopback = false};
	if (service->provider_http != NULL)
		return service->provider_http;
	if (service_has_resolvers(service) && (http.resolver = resolver_locked(service, err)) == NULL)
		return NULL;
	service->provider_http = http_client_new(&http, err);
	return service->provider_http;
}

struct http_client *service_http(struct service *service, struct error *err)
{
	(void)pthread_mutex_lock(&service->lock);
	struct http_client *client = service_http_locked(service, err);
	(void)pthread_mutex_unlock(&service->lock);
	return client;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocking HTTP calls for any thread. Each call runs its exchanges in rounds: all at once, then those that were
 * redirected, and so on; the I/O thread (http_multi.c) does the rest. Easy handles are kept for the next call,
 * connections belong to the multi handle and are shared by all.
 */
#include "transport/http.h"

#include "base/limits.h"
#include "transport/dns.h"
#include "transport/http_policy.h"
#include "transport/http_transfer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	IDLE_HANDLES = 8,
	HOST_CACHE_MS = 60 * 1000,
};

/* What a host resolved to, for a while: a run asks once. */
struct known_host {
	char *host;
	char *addresses; /* as CURLOPT_RESOLVE wants them */
	int64_t until_ms;
};

struct http_client {
	struct http_settings settings;
	struct dns_resolver *resolver;
	struct http_multi *multi;
	atomic_uint requests;
	atomic_uint connections;
	pthread_mutex_t lock; /* of what follows */
	CURL *idle[IDLE_HANDLES];
	size_t idle_count;
	struct known_host hosts[LIMIT_HTTP_HOST_CACHE];
	size_t next_host;
};

static CURLcode global_result;

static void global_init(void)
{
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct http_client *http_client_new(const struct http_client_options *options, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, global_init);
	if (global_result != CURLE_OK) {
		(void)error_set(err, ERROR_INTERNAL, NULL, "libcurl cannot start: %s",
				curl_easy_strerror(global_result));
		return NULL;
	}
	struct http_client *client = calloc(1, sizeof(*client));
	if (client == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	(void)pthread_mutex_init(&client->lock, NULL);
	client->resolver = options->resolver;
	client->settings.allow_loopback = options->allow_loopback;
	(void)snprintf(client->settings.agent, sizeof(client->settings.agent), "certferry/%s libcurl/%s",
		       CERTFERRY_VERSION, curl_version_info(CURLVERSION_NOW)->version);
	if (!http_trust_find(options->ca_bundle, &client->settings.trust, err) ||
	    (client->multi = http_multi_new(err)) == NULL) {
		http_client_free(client);
		return NULL;
	}
	return client;
}

void http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	http_multi_free(client->multi);
	for (size_t i = 0; i < client->idle_count; i++)
		curl_easy_cleanup(client->idle[i]);
	for (size_t i = 0; i < LIMIT_HTTP_HOST_CACHE; i++) {
		free(client->hosts[i].host);
		free(client->hosts[i].addresses);
	}
	http_trust_done(&client->settings.trust);
	(void)pthread_mutex_destroy(&client->lock);
	free(client);
}

struct dns_resolver *http_client_resolver(const struct http_client *client)
{
	return client->resolver;
}

void http_client_counts(const struct http_client *client, unsigned *ret_requests, unsigned *ret_connections)
{
	*ret_requests = atomic_load(&client->requests);
	*ret_connections = atomic_load(&client->connections);
}

static CURL *take_handle(struct http_client *client)
{
	CURL *easy = NULL;
	(void)pthread_mutex_lock(&client->lock);
	if (client->idle_count > 0)
		easy = client->idle[--client->idle_count];
	(void)pthread_mutex_unlock(&client->lock);
	return easy != NULL ? easy : curl_easy_init();
}

static void return_handle(struct http_client *client, CURL *easy)
{
	if (easy == NULL)
		return;
	curl_easy_reset(easy); /* drops every pointer into the exchange */
	(void)pthread_mutex_lock(&client->lock);
	bool kept = client->idle_count < IDLE_HANDLES;
	if (kept)
		client->idle[client->idle_count++] = easy;
	(void)pthread_mutex_unlock(&client->lock);
	if (!kept)
		curl_easy_cleanup(easy);
}

/* Called with the lock. */
static struct known_host *find_host(struct http_client *client, const char *host)
{
	for (size_t i = 0; i < LIMIT_HTTP_HOST_CACHE; i++)
		if (str_equal_nocase(client->hosts[i].host, host))
			return &client->hosts[i];
	return NULL;
}

/* The oldest entry makes room. Called with the lock. */
static bool remember_host(struct http_client *client, const char *host, const char *addresses, struct error *err)
{
	struct known_host *known = find_host(client, host);
	if (known == NULL) {
		known = &client->hosts[client->next_host];
		client->next_host = (client->next_host + 1) % LIMIT_HTTP_HOST_CACHE;
		if (!str_set(&known->host, host, err))
			return false;
		known->until_ms = 0;
	}
	if (!str_set(&known->addresses, addresses, err))
		return false;
	known->until_ms = clock_monotonic_ms() + HOST_CACHE_MS;
	return true;
}

static char *join_addresses(const struct str_list *list, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, LIMIT_DNS_MESSAGE);
	for (size_t i = 0; i < list->len; i++) {
		bool v6 = strchr(list->items[i], ':') != NULL;
		buf_printf(&text, v6 ? "%s[%s]" : "%s%s", i > 0 ? "," : "", list->items[i]);
	}
	return buf_take(&text, "address list", err);
}

/* *RET stays NULL where libcurl shall look the host up itself. */
static bool look_up(struct http_client *client, const char *host, struct deadline deadline, char **ret,
		    struct error *err)
{
	CLEANUP(str_list_done) struct str_list list = {0};
	struct error failure = {0};
	if (client->resolver == NULL || http_host_is_address(host))
		return true;
	(void)pthread_mutex_lock(&client->lock);
	const struct known_host *known = find_host(client, host);
	bool fresh = known != NULL && known->until_ms > clock_monotonic_ms();
	bool copied = fresh && str_set(ret, known->addresses, err);
	(void)pthread_mutex_unlock(&client->lock);
	if (fresh)
		return copied;

	if (!dns_addresses(client->resolver, host, deadline, &list, &failure)) {
		if (failure.category != ERROR_DNS) {
			*err = failure;
			return false;
		}
		err->transient = failure.transient;
		return error_set(err, ERROR_NETWORK, NULL, "cannot find the address of %s: %s", host, failure.message);
	}
	*ret = join_addresses(&list, err);
	if (*ret == NULL)
		return false;
	(void)pthread_mutex_lock(&client->lock);
	bool remembered = remember_host(client, host, *ret, err);
	(void)pthread_mutex_unlock(&client->lock);
	return remembered;
}

/* Get the transfer ready for its current target. False: its exchange has the error. */
static bool prepare(struct http_client *client, struct http_transfer *transfer, struct deadline deadline)
{
	struct error *err = &transfer->exchange->error;
	char *addresses AUTO_FREE = NULL;
	if (!look_up(client, transfer->target.host, deadline, &addresses, err))
		return false;
	if (transfer->job.easy == NULL)
		transfer->job.easy = take_handle(client);
	if (transfer->job.easy == NULL)
		return error_oom(err);
	return http_transfer_prepare(transfer, addresses, deadline, err);
}

static bool is_redirect(const struct http_exchange *exchange)
{
	long status = exchange->response.status;
	return exchange->ok && exchange->request.follow && exchange->request.method == HTTP_GET &&
	       (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) &&
	       http_response_header(&exchange->response, "Location", 0) != NULL;
}

static bool redirect(struct http_transfer *transfer, struct error *err)
{
	struct http_exchange *exchange = transfer->exchange;
	CLEANUP(http_target_done) struct http_target next = {0};
	char name[300], next_name[300];
	(void)http_target_name(&transfer->target, name, sizeof(name));
	if (transfer->redirects++ >= LIMIT_HTTP_REDIRECTS)
		return error_set(err, ERROR_NETWORK, NULL, "%s redirects more than %d times", name,
				 LIMIT_HTTP_REDIRECTS);
	if (!http_target_parse(transfer->target.url, http_response_header(&exchange->response, "Location", 0),
			       /* metadata= */ false, &next, err))
		return false;
	if (!http_target_same_origin(&transfer->target, &next))
		return error_set(err, ERROR_NETWORK, NULL, "%s redirects to another server (%s), which is refused",
				 name, http_target_name(&next, next_name, sizeof(next_name)));
	http_target_done(&transfer->target);
	transfer->target = next;
	next = (struct http_target){0};
	return true;
}

/* After its round: true when the exchange needs another one, to follow a redirect. */
static bool conclude(struct http_client *client, struct http_transfer *transfer, struct deadline deadline)
{
	struct http_exchange *exchange = transfer->exchange;
	long connects = 0;
	if (transfer->job.done) {
		atomic_fetch_add(&client->requests, 1);
		if (curl_easy_getinfo(transfer->job.easy, CURLINFO_NUM_CONNECTS, &connects) == CURLE_OK)
			atomic_fetch_add(&client->connections, (unsigned)connects);
	}
	http_transfer_finish(transfer, deadline);
	if (!is_redirect(exchange))
		return false;
	long status = exchange->response.status;
	bool again = redirect(transfer, &exchange->error);
	http_response_done(&exchange->response);
	exchange->ok = false;
	if (!again)
		exchange->error.http_status = status;
	return again;
}

/* Rounds, until no exchange wants another one. JOBS has room for all. */
static void run_rounds(struct http_client *client, struct http_transfer *transfers, struct http_job **jobs,
		       size_t count, struct deadline deadline)
{
	for (size_t ready = 0;; ready = 0) {
		struct error failure = {0};
		for (size_t i = 0; i < count; i++) {
			struct http_transfer *transfer = &transfers[i];
			if (transfer->wanted && prepare(client, transfer, deadline))
				jobs[ready++] = &transfer->job;
			else
				transfer->wanted = false;
		}
		if (ready == 0)
			return;
		bool ran = http_multi_run(client->multi, jobs, ready, deadline, &failure);
		for (size_t i = 0; i < count; i++) {
			if (transfers[i].wanted && !ran)
				transfers[i].exchange->error = failure;
			transfers[i].wanted = transfers[i].wanted && ran && conclude(client, &transfers[i], deadline);
		}
	}
}

static void begin(const struct http_client *client, struct http_transfer *transfer, struct http_exchange *exchange)
{
	exchange->ok = false;
	error_clear(&exchange->error);
	http_response_done(&exchange->response);
	transfer->exchange = exchange;
	transfer->settings = &client->settings;
	transfer->wanted = http_target_parse(NULL, exchange->request.url, exchange->request.metadata, &transfer->target,
					     &exchange->error);
}

static bool is_finished(const struct http_exchange *exchange)
{
	return exchange->ok ||
	       (exchange->error.category != ERROR_TIMEOUT && exchange->error.category != ERROR_CANCELLED);
}

bool http_send(void *client_pointer, struct http_exchange *exchanges, size_t count, struct deadline deadline,
	       struct error *err)
{
	struct http_client *client = client_pointer;
	struct http_transfer *transfers AUTO_FREE = calloc(count + 1, sizeof(*transfers));
	struct http_job **jobs AUTO_FREE = calloc(count + 1, sizeof(struct http_job *));
	bool finished = count == 0;
	if (transfers == NULL || jobs == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		begin(client, &transfers[i], &exchanges[i]);
	run_rounds(client, transfers, jobs, count, deadline);
	for (size_t i = 0; i < count; i++) {
		return_handle(client, transfers[i].job.easy);
		http_transfer_done(&transfers[i]);
		finished = finished || is_finished(&exchanges[i]);
	}
	if (finished)
		return true;
	if (!error_is_set(err))
		*err = exchanges[0].error;
	return false;
}

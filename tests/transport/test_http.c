/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP against a real server on loopback, which can misbehave in every way that a caller must not notice. */
#include "transport/http.h"

#include "base/limits.h"
#include "support_peer.h"
#include "support_pki.h"
#include "tests/support/test.h"
#include "transport/dns.h"
#include "transport/http_policy.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAR_FUTURE = 2000000000 };

static bool say_status(struct peer_connection *connection, const char *status_and_headers, const char *body)
{
	char text[4096];
	(void)snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status_and_headers,
		       strlen(body), body);
	return peer_say(connection, text);
}

static bool say_bytes(struct peer_connection *connection, size_t count)
{
	char piece[1024];
	memset(piece, 'x', sizeof(piece));
	for (size_t len; count > 0; count -= len) {
		len = count < sizeof(piece) ? count : sizeof(piece);
		if (!peer_write(connection, piece, len))
			return false;
	}
	return true;
}

static bool say_chunked(struct peer_connection *connection, size_t count)
{
	char head[32];
	if (!peer_say(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
		return false;
	for (size_t len; count > 0; count -= len) {
		len = count < 100 ? count : 100;
		(void)snprintf(head, sizeof(head), "%zx\r\n", len);
		if (!peer_say(connection, head) || !say_bytes(connection, len) || !peer_say(connection, "\r\n"))
			return false;
	}
	return peer_say(connection, "0\r\nX-Trailer: late\r\n\r\n");
}

static bool say_headers(struct peer_connection *connection, size_t count, size_t len)
{
	char name[32];
	if (!peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"))
		return false;
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "X-%zu: ", i);
		if (!peer_say(connection, name) || !say_bytes(connection, len) || !peer_say(connection, "\r\n"))
			return false;
	}
	return peer_say(connection, "\r\n");
}

static bool say_redirect(struct peer_connection *connection, unsigned left)
{
	char headers[128];
	if (left == 0)
		return say_status(connection, "200 OK", "arrived");
	(void)snprintf(headers, sizeof(headers), "302 Found\r\nLocation: /redirect?%u", left - 1);
	return say_status(connection, headers, "go on");
}

static bool say_interim(struct peer_connection *connection)
{
	for (int i = 0; i < 1000000; i++)
		if (!peer_say(connection, "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"))
			return false;
	return false;
}

static atomic_uint deliveries; /* of requests for /close */

static bool handle(struct peer_connection *connection, const struct peer_request *request)
{
	char route[64] = "";
	size_t n = 0;
	(void)sscanf(request->path, "%63[^?]?%zu", route, &n);
	if (strcmp(request->method, "HEAD") == 0)
		return peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nReplay-Nonce: n1\r\n\r\n");
	if (strcmp(route, "/echo") == 0)
		return say_status(connection, "200 OK\r\nContent-Type: text/plain", request->head);
	if (strcmp(route, "/big") == 0) {
		char head[128];
		(void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
		return peer_say(connection, head) && say_bytes(connection, n);
	}
	if (strcmp(route, "/chunked") == 0)
		return say_chunked(connection, n);
	if (strcmp(route, "/headers") == 0)
		return say_headers(connection, n, 10);
	if (strcmp(route, "/header") == 0)
		return say_headers(connection, 1, n);
	if (strcmp(route, "/wide") == 0)
		return say_headers(connection, n, 8192);
	if (strcmp(route, "/redirect") == 0)
		return say_redirect(connection, (unsigned)n);
	if (strcmp(route, "/away") == 0)
		return say_status(connection, "301 Moved\r\nLocation: https://127.0.0.2:1/x", "");
	if (strcmp(route, "/down") == 0)
		return say_status(connection, "301 Moved\r\nLocation: http://example.com/", "");
	if (strcmp(route, "/gzip") == 0)
		return say_status(connection, "200 OK\r\nContent-Encoding: gzip", "xxx");
	if (strcmp(route, "/hints") == 0)
		return peer_say(connection, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n") &&
		       say_status(connection, "200 OK\r\nX-Final: 1", "done");
	if (strcmp(route, "/interim") == 0)
		return say_interim(connection);
	if (strcmp(route, "/slow") == 0)
		(void)usleep(50 * 1000);
	if (strcmp(route, "/status") == 0) {
		char status[64];
		(void)snprintf(status, sizeof(status), "%zu Whatever\r\nRetry-After: 7", n);
		return say_status(connection, status, "{}");
	}
	if (strcmp(route, "/close") == 0) {
		deliveries++;
		return false;
	}
	if (strcmp(route, "/half") == 0)
		return peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") && false;
	if (strcmp(route, "/fold") == 0)
		return peer_say(connection, "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n");
	if (strcmp(route, "/hang") == 0) {
		peer_wait_for_end(connection);
		return false;
	}
	return say_status(connection, "200 OK", "hello");
}

/* A server, a client that trusts it, and one exchange. */
static SSL_CTX *tls;
static struct peer *peer;
static struct http_client *client;
static char bundle[4200];

static void start_with(struct dns_resolver *resolver)
{
	struct error err = {0};
	tls = pki_server_context(FAR_FUTURE);
	(void)snprintf(bundle, sizeof(bundle), "%s/ca.pem", test_temp_dir());
	pki_write_certificate(tls, bundle);
	peer = peer_start(tls, handle);
	struct http_client_options options = {.ca_bundle = bundle, .resolver = resolver, .allow_loopback = true};
	client = http_client_new(&options, &err);
	CHECK_OK(client != NULL, err);
}

static void start(void)
{
	start_with(NULL);
}

static void stop(void)
{
	http_client_free(client);
	peer_stop(peer);
	SSL_CTX_free(tls);
	client = NULL;
	peer = NULL;
}

static const char *url_of(const char *host, const char *path)
{
	static char urls[32][256];
	static unsigned next;
	char *url = urls[next++ % 32];
	(void)snprintf(url, 256, "https://%s:%u%s", host, peer_port(peer), path);
	return url;
}

static const char *url(const char *path)
{
	return url_of("127.0.0.1", path);
}

static struct deadline soon(void)
{
	return deadline_in(20000, NULL);
}

static struct http_exchange get(const char *where)
{
	struct http_exchange exchange = {.request = {.method = HTTP_GET, .url = where, .max_response = 4096}};
	struct error err = {0};
	CHECK_OK(http_send(client, &exchange, 1, soon(), &err), err);
	return exchange;
}

/* GET WHERE fails with a message that contains TEXT. */
static void check_refused(const char *where, const char *text)
{
	struct http_exchange exchange = get(where);
	CHECK(!exchange.ok);
	CHECK_INT(exchange.error.category, ERROR_NETWORK);
	CHECK_CONTAINS(exchange.error.message, text);
	CHECK(exchange.response.headers == NULL && exchange.response.body.data == NULL);
}

static void check_body(const char *where, const char *body)
{
	struct http_exchange exchange = get(where);
	CHECK_OK(exchange.ok, exchange.error);
	CHECK_STR(buf_cstr(&exchange.response.body), body);
	http_response_done(&exchange.response);
}

TEST(requests_share_one_connection)
{
	unsigned requests = 0, connections = 0;
	start();
	for (int i = 0; i < 9; i++)
		check_body(url("/ok"), "hello");
	http_client_counts(client, &requests, &connections);
	CHECK_INT(requests, 9);
	CHECK_INT(connections, 1);
	CHECK_INT(peer_connections(peer), 1);
	stop();
}

TEST(request_is_sent_as_given)
{
	struct error err = {0};
	struct http_exchange exchange = {.request = {.method = HTTP_POST,
						     .content_type = "application/jose+json",
						     .accept = "application/pem-certificate-chain",
						     .body = "{\"a\":1}",
						     .body_len = 7,
						     .max_response = 4096,
						     .headers = {"Authorization: Bearer t"},
						     .header_count = 1}};
	start();
	exchange.request.url = url("/echo?q=1");
	CHECK_OK(http_send(client, &exchange, 1, soon(), &err), err);
	CHECK_OK(exchange.ok, exchange.error);
	const char *head = buf_cstr(&exchange.response.body);
	CHECK_CONTAINS(head, "POST /echo?q=1 HTTP/1.1\r\n");
	CHECK_CONTAINS(head, "\r\nContent-Type: application/jose+json\r\n");
	CHECK_CONTAINS(head, "\r\nAccept: application/pem-certificate-chain\r\n");
	CHECK_CONTAINS(head, "\r\nContent-Length: 7\r\n");
	CHECK_CONTAINS(head, "\r\nAccept-Language: en\r\n");
	CHECK_CONTAINS(head, "\r\nAuthorization: Bearer t\r\n");
	CHECK_CONTAINS(head, "\r\nUser-Agent: certferry/");
	CHECK_CONTAINS(head, " libcurl/");
	CHECK_CONTAINS(head, "\r\n\r\n{\"a\":1}");
	CHECK(strcasestr(head, "Expect") == NULL && strcasestr(head, "Transfer-Encoding") == NULL);
	CHECK(strcasestr(head, "Accept-Encoding") == NULL && strcasestr(head, "Cookie") == NULL);
	CHECK(http_response_is(&exchange.response, "text/plain"));
	http_response_done(&exchange.response);
	stop();
}

TEST(every_method_has_its_form)
{
	static const struct {
		enum http_method method;
		const char *body, *start, *length;
	} cases[] = {
		{HTTP_GET, NULL, "GET ", NULL},
		{HTTP_PUT, "abc", "PUT ", "Content-Length: 3"},
		{HTTP_POST, NULL, "POST ", "Content-Length: 0"},
		{HTTP_PATCH, "abcd", "PATCH ", "Content-Length: 4"},
		{HTTP_DELETE, NULL, "DELETE ", NULL},
		{HTTP_DELETE, "ab", "DELETE ", "Content-Length: 2"},
		{HTTP_GET, NULL, "GET ", NULL},
	};
	start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		struct http_exchange exchange = {.request = {.method = cases[i].method,
							     .url = url("/echo"),
							     .body = cases[i].body,
							     .body_len = cases[i].body ? strlen(cases[i].body) : 0,
							     .max_response = 4096}};
		CHECK_OK(http_send(client, &exchange, 1, soon(), &err), err);
		CHECK_OK(exchange.ok, exchange.error);
		const char *head = buf_cstr(&exchange.response.body);
		CHECK(strncmp(head, cases[i].start, strlen(cases[i].start)) == 0);
		if (cases[i].length != NULL)
			CHECK_CONTAINS(head, cases[i].length);
		else
			CHECK(strstr(head, "Content-Length") == NULL);
		CHECK(strstr(head, "Content-Type") == NULL);
		http_response_done(&exchange.response);
	}
	struct http_exchange head = {.request = {.method = HTTP_HEAD, .url = url("/nonce")}};
	struct error err = {0};
	CHECK_OK(http_send(client, &head, 1, soon(), &err), err);
	CHECK_OK(head.ok, head.error);
	CHECK_STR(http_response_header(&head.response, "replay-nonce", 0), "n1");
	CHECK_INT(head.response.body.len, 0);
	http_response_done(&head.response);
	stop();
}

TEST(any_status_is_an_answer)
{
	start();
	struct http_exchange exchange = get(url("/status?429"));
	CHECK(exchange.ok);
	CHECK_INT(exchange.response.status, 429);
	CHECK_STR(http_response_header(&exchange.response, "Retry-After", 0), "7");
	http_response_done(&exchange.response);
	stop();
}

TEST(body_is_capped_announced_or_not)
{
	start();
	for (int chunked = 0; chunked < 2; chunked++) {
		struct http_exchange exchange = get(url(chunked ? "/chunked?4096" : "/big?4096"));
		CHECK_OK(exchange.ok, exchange.error);
		CHECK_INT(exchange.response.body.len, 4096);
		CHECK(http_response_header(&exchange.response, "X-Trailer", 0) == NULL);
		http_response_done(&exchange.response);
		check_refused(url(chunked ? "/chunked?4097" : "/big?4097"), "more than 4096 bytes of body");
	}
	check_body(url("/ok"), "hello");
	stop();
}

TEST(headers_are_capped)
{
	start();
	struct http_exchange exchange = get(url("/headers?99")); /* and Content-Length */
	CHECK_OK(exchange.ok, exchange.error);
	CHECK_INT(exchange.response.header_count, LIMIT_HTTP_HEADER_COUNT);
	http_response_done(&exchange.response);
	check_refused(url("/headers?100"), "more than 100 headers");
	exchange = get(url("/header?16381")); /* and its name "X-0" */
	CHECK_OK(exchange.ok, exchange.error);
	http_response_done(&exchange.response);
	check_refused(url("/header?16382"), "header of more than 16384 bytes");
	check_refused(url("/wide?9"), "more than 65536 bytes of headers");
	check_refused(url("/interim"), "more than 65536 bytes of headers");
	stop();
}

TEST(interim_answers_are_passed_over)
{
	start();
	struct http_exchange exchange = get(url("/hints"));
	CHECK_OK(exchange.ok, exchange.error);
	CHECK_INT(exchange.response.status, 200);
	CHECK_STR(http_response_header(&exchange.response, "X-Final", 0), "1");
	CHECK(http_response_header(&exchange.response, "X-Early", 0) == NULL);
	http_response_done(&exchange.response);
	stop();
}

TEST(compression_is_refused)
{
	start();
	check_refused(url("/gzip"), "Content-Encoding \"gzip\"");
	stop();
}

TEST(redirects_are_followed_only_when_asked_and_same_origin)
{
	static const struct {
		const char *path, *body, *failure;
	} cases[] = {
		{"/redirect?3", "arrived", NULL},
		{"/redirect?4", NULL, "redirects more than 3 times"},
		{"/away", NULL, "redirects to another server (127.0.0.2:1)"},
		{"/down", NULL, "only https is allowed"},
	};
	start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		struct http_exchange exchange = {
			.request = {
				.method = HTTP_GET, .url = url(cases[i].path), .max_response = 100, .follow = true}};
		CHECK_OK(http_send(client, &exchange, 1, soon(), &err), err);
		CHECK_INT(exchange.ok, cases[i].body != NULL);
		if (exchange.ok)
			CHECK_STR(buf_cstr(&exchange.response.body), cases[i].body);
		else
			CHECK_CONTAINS(exchange.error.message, cases[i].failure);
		http_response_done(&exchange.response);
	}
	struct http_exchange plain = get(url("/redirect?1"));
	CHECK(plain.ok);
	CHECK_INT(plain.response.status, 302);
	http_response_done(&plain.response);

	struct error err = {0};
	struct http_exchange post = {.request = {.method = HTTP_POST,
						 .url = url("/redirect?1"),
						 .body = "x",
						 .body_len = 1,
						 .max_response = 100,
						 .follow = true}};
	CHECK_OK(http_send(client, &post, 1, soon(), &err), err);
	CHECK(post.ok);
	CHECK_INT(post.response.status, 302);
	http_response_done(&post.response);
	stop();
}

/* On a kept-alive connection that breaks, libcurl would send any request a second time. */
TEST(an_unrepeatable_body_is_sent_once)
{
	start();
	for (unsigned sent = 2; sent > 0; sent--) {
		struct error err = {0};
		struct http_exchange post = {
			.request = {.method = HTTP_POST, .url = url("/close"), .max_response = 100}};
		post.request.body = "one";
		post.request.body_len = strlen(post.request.body);
		post.request.unrepeatable = sent == 1;
		check_body(url("/ok"), "hello");
		deliveries = 0;
		CHECK_OK(http_send(client, &post, 1, soon(), &err), err);
		CHECK(!post.ok);
		CHECK_INT(post.error.category, ERROR_NETWORK);
		CHECK_CONTAINS(post.error.message, "closed the connection without an answer");
		CHECK_INT(deliveries, sent);
	}
	stop();
}

TEST(silent_server_ends_at_the_deadline)
{
	start();
	struct http_exchange exchange = {.request = {.method = HTTP_GET, .url = url("/hang"), .max_response = 100}};
	struct error err = {0};
	int64_t before = clock_monotonic_ms();
	CHECK(!http_send(client, &exchange, 1, deadline_in(300, NULL), &err));
	int64_t took = clock_monotonic_ms() - before;
	CHECK(took >= 290 && took < 15000);
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK(err.transient);
	CHECK_CONTAINS(err.message, "127.0.0.1:");
	CHECK_INT(exchange.error.category, ERROR_TIMEOUT);

	/* What came before the deadline is kept. */
	struct http_exchange two[] = {
		{.request = {.method = HTTP_GET, .url = url("/hang"), .max_response = 100}},
		{.request = {.method = HTTP_GET, .url = url("/ok"), .max_response = 100}},
	};
	err = (struct error){0};
	CHECK_OK(http_send(client, two, 2, deadline_in(3000, NULL), &err), err);
	CHECK(!two[0].ok && two[1].ok);
	CHECK_INT(two[0].error.category, ERROR_TIMEOUT);
	http_response_done(&two[1].response);
	check_body(url("/ok"), "hello");
	stop();
}

static void *cancel_later(void *arg)
{
	(void)usleep(100 * 1000);
	cancel_request(arg);
	return NULL;
}

TEST(cancellation_wakes_the_caller_at_once)
{
	struct cancel cancel;
	struct error err = {0};
	pthread_t thread;
	start();
	CHECK_OK(cancel_init(&cancel, &err), err);
	struct http_exchange exchange = {.request = {.method = HTTP_GET, .url = url("/hang"), .max_response = 100}};
	CHECK(pthread_create(&thread, NULL, cancel_later, &cancel) == 0);
	int64_t before = clock_monotonic_ms();
	CHECK(!http_send(client, &exchange, 1, deadline_in(20000, &cancel), &err));
	int64_t took = clock_monotonic_ms() - before;
	CHECK(took >= 90 && took < 15000);
	CHECK_INT(err.category, ERROR_CANCELLED);
	(void)pthread_join(thread, NULL);
	cancel_done(&cancel);
	stop();
}

TEST(many_exchanges_side_by_side)
{
	struct http_exchange exchanges[20] = {0};
	struct error err = {0};
	unsigned requests = 0, connections = 0;
	start();
	for (size_t i = 0; i < ARRAY_LEN(exchanges); i++)
		exchanges[i].request =
			(struct http_request){.method = HTTP_GET, .url = url("/slow"), .max_response = 100};
	CHECK_OK(http_send(client, exchanges, ARRAY_LEN(exchanges), soon(), &err), err);
	for (size_t i = 0; i < ARRAY_LEN(exchanges); i++) {
		CHECK_OK(exchanges[i].ok, exchanges[i].error);
		CHECK_STR(buf_cstr(&exchanges[i].response.body), "hello");
		http_response_done(&exchanges[i].response);
	}
	http_client_counts(client, &requests, &connections);
	CHECK_INT(requests, 20);
	CHECK(connections > 1 && connections <= 4); /* one by one they would share one */
	stop();
}

static void *send_some(void *arg)
{
	uintptr_t failed = 0;
	(void)arg;
	for (int i = 0; i < 10; i++) {
		struct http_exchange exchange = {.request = {.method = HTTP_GET, .url = arg, .max_response = 100}};
		struct error err = {0};
		failed += !http_send(client, &exchange, 1, soon(), &err) || !exchange.ok;
		http_response_done(&exchange.response);
	}
	return (void *)failed; /* NOLINT: a count */
}

TEST(threads_share_a_client)
{
	pthread_t threads[6];
	unsigned requests = 0, connections = 0;
	start();
	static char where[256];
	(void)snprintf(where, sizeof(where), "%s", url("/ok"));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		CHECK(pthread_create(&threads[i], NULL, send_some, where) == 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed = NULL;
		(void)pthread_join(threads[i], &failed);
		CHECK(failed == NULL);
	}
	http_client_counts(client, &requests, &connections);
	CHECK_INT(requests, 60);
	CHECK(connections > 1 && connections <= 4); /* one by one they would share one */
	stop();
}

TEST(untrusted_certificate_is_refused_with_a_hint)
{
	struct error err = {0};
	start();
	struct http_client *trusting = client;
	struct http_client_options options = {.allow_loopback = true};
	client = http_client_new(&options, &err);
	CHECK_OK(client != NULL, err);
	struct http_exchange exchange = get(url("/ok"));
	CHECK(!exchange.ok && !exchange.error.transient);
	CHECK_INT(exchange.error.category, ERROR_NETWORK);
	CHECK_CONTAINS(exchange.error.message, "is not trusted");
	CHECK_CONTAINS(exchange.error.message, "127.0.0.1:");
	CHECK_CONTAINS(exchange.error.hint, "--ca-bundle");
	http_client_free(client);

	/* The right CA, but the certificate is for another name. */
	client = trusting;
	exchange = get(url_of("127.0.0.2", "/ok"));
	CHECK(!exchange.ok);
	stop();
}

TEST(bundle_file_of_the_system_and_the_users_work_together)
{
	char system_bundle[4300];
	struct error err = {0};
	start();
	http_client_free(client);
	(void)snprintf(system_bundle, sizeof(system_bundle), "%s/system.pem", test_temp_dir());
	SSL_CTX *other = pki_server_context(FAR_FUTURE);
	pki_write_certificate(other, system_bundle);
	SSL_CTX_free(other);
	(void)setenv("SSL_CERT_FILE", system_bundle, 1);
	struct http_client_options options = {.ca_bundle = bundle};
	client = http_client_new(&options, &err);
	(void)unsetenv("SSL_CERT_FILE");
	CHECK_OK(client != NULL, err);
	check_body(url("/ok"), "hello");
	stop();
}

TEST(unusable_bundle_is_named)
{
	struct http_client_options options = {.ca_bundle = "/nonexistent/ca.pem"};
	struct error err = {0};
	CHECK(http_client_new(&options, &err) == NULL);
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_CONTAINS(err.message, "/nonexistent/ca.pem");
	options.ca_bundle = "/etc/passwd";
	err = (struct error){0};
	CHECK(http_client_new(&options, &err) == NULL);
	CHECK_CONTAINS(err.message, "holds no PEM certificate");
}

TEST(broken_answers_are_transient_failures)
{
	start();
	struct http_exchange exchange = get(url("/close"));
	CHECK(!exchange.ok && exchange.error.transient);
	CHECK_CONTAINS(exchange.error.message, "without an answer");
	exchange = get(url("/half"));
	CHECK(!exchange.ok && exchange.error.transient);
	check_refused(url("/fold"), "does not speak HTTP");
	stop();
}

TEST(closed_port_is_told_by_name)
{
	start();
	const char *where = url("/ok");
	peer_stop(peer);
	struct http_exchange exchange = get(where);
	CHECK(!exchange.ok && exchange.error.transient);
	CHECK_CONTAINS(exchange.error.message, "cannot connect to 127.0.0.1:");
	CHECK_CONTAINS(exchange.error.message, "Connection refused");
	peer = peer_start(tls, handle);
	stop();
}

TEST(unsafe_urls_are_refused_before_anything_is_sent)
{
	static const struct {
		const char *url, *why;
	} cases[] = {
		{"http://example.com/", "only https is allowed"},
		{"http://localhost/", "only https is allowed"},
		{"http://10.0.0.1/", "only https is allowed"},
		{"http://127.0.0.1.example.com/", "only https is allowed"},
		{"ftp://127.0.0.1/", "only https is allowed"},
		{"file:///etc/passwd", "malformed URL"},
		{"https://user:pw@127.0.0.1/", "malformed URL"},
		{"https://127.0.0.1/#x", "malformed URL"},
		{"https://127.0.0.1\r\nX: y/", "malformed URL"},
		{"not a url", ""},
		{"", "malformed URL"},
	};
	char long_url[LIMIT_URL + 2] = "https://127.0.0.1/";
	start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_refused(cases[i].url, cases[i].why);
	memset(long_url + 18, 'a', LIMIT_URL + 1 - 18);
	check_refused(long_url, "longer than 2048 bytes");
	CHECK_INT(peer_connections(peer), 0);
	stop();
}

TEST(plain_http_to_a_literal_loopback_address_works)
{
	struct error err = {0};
	char where[64];
	struct http_client_options options = {0};
	struct peer *plain = peer_start(NULL, handle);
	client = http_client_new(&options, &err);
	CHECK_OK(client != NULL, err);
	(void)snprintf(where, sizeof(where), "http://127.0.0.1:%u/ok", peer_port(plain));
	check_body(where, "hello");
	http_client_free(client);
	peer_stop(plain);
}

TEST(names_that_lead_to_loopback_are_refused_unless_allowed)
{
	struct error err = {0};
	start();
	check_body(url_of("localhost", "/ok"), "hello");
	struct http_client *allowing = client;
	struct http_client_options options = {.ca_bundle = bundle};
	client = http_client_new(&options, &err);
	CHECK_OK(client != NULL, err);
	check_refused(url_of("localhost", "/ok"), "leads to a loopback address");
	check_body(url("/ok"), "hello");
	http_client_free(client);
	client = allowing;
	stop();
}

TEST(given_resolver_looks_hosts_up)
{
	struct error err = {0};
	struct str_list servers = {0};
	/* "localhost" needs no server, so that none is needed here; anything else fails at once: nobody listens. */
	CHECK_OK(str_list_add(&servers, "127.0.0.1:1", &err), err);
	struct dns_resolver *resolver = dns_resolver_new(&servers, &err);
	CHECK_OK(resolver != NULL, err);
	start_with(resolver);
	check_body(url_of("localhost", "/ok"), "hello");
	check_refused(url_of("ca.test", "/ok"), "cannot find the address of ca.test");
	stop();
	dns_resolver_free(resolver);
	str_list_done(&servers);
}

TEST(past_deadline_sends_nothing)
{
	struct error err = {0};
	start();
	struct http_exchange exchange = {.request = {.method = HTTP_GET, .url = url("/ok"), .max_response = 100}};
	CHECK(!http_send(client, &exchange, 1, deadline_in(0, NULL), &err));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK_OK(http_send(client, NULL, 0, soon(), &err), err);
	stop();
}

TEST(address_policy)
{
	static const struct {
		const char *address, *refused;
	} cases[] = {
		{"192.0.2.1", NULL},        {"10.1.2.3", NULL},
		{"127.0.0.1", "loopback"},  {"127.9.9.9", "loopback"},
		{"0.0.0.0", "unspecified"}, {"169.254.169.254", "link-local"},
		{"224.0.0.1", "multicast"}, {"255.255.255.255", "reserved"},
		{"2001:db8::1", NULL},      {"::1", "loopback"},
		{"::", "unspecified"},      {"fe80::1", "link-local"},
		{"ff02::1", "multicast"},   {"::ffff:127.0.0.1", "loopback"},
		{"::ffff:192.0.2.1", NULL}, {"::169.254.1.1", "link-local"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sockaddr_in v4 = {.sin_family = AF_INET};
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
		bool is_v4 = inet_pton(AF_INET, cases[i].address, &v4.sin_addr) == 1;
		if (!is_v4)
			CHECK(inet_pton(AF_INET6, cases[i].address, &v6.sin6_addr) == 1);
		const struct sockaddr *address = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
		socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);
		CHECK_STR(http_address_refused(address, len, /* allow_loopback= */ false), cases[i].refused);
		const char *allowed = http_address_refused(address, len, /* allow_loopback= */ true);
		if (cases[i].refused != NULL && strcmp(cases[i].refused, "loopback") != 0)
			CHECK_STR(allowed, cases[i].refused);
		else
			CHECK(allowed == NULL);
	}
	CHECK(http_host_is_loopback("127.0.0.1") && http_host_is_loopback("[::1]") && http_host_is_loopback("::1"));
	CHECK(!http_host_is_loopback("localhost") && !http_host_is_loopback("127.0.0.1.nip.io"));
	CHECK(!http_host_is_loopback("127.1") && !http_host_is_loopback("[::1") && !http_host_is_loopback(""));
	CHECK(http_host_is_address("[2001:db8::1]") && http_host_is_address("192.0.2.1"));
	CHECK(!http_host_is_address("example.com"));
}

TEST_MAIN()

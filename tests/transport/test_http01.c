/* SPDX-License-Identifier: Apache-2.0 */
/* The http-01 responder as strangers and a CA see it, and the limits of the listener under it. */
#include "base/limits.h"
#include "support_client.h"
#include "tests/support/test.h"
#include "transport/responder.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define KEY_AUTHORIZATION TOKEN ".NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define GET(token) "GET /.well-known/acme-challenge/" token " HTTP/1.1\r\nHost: example.org\r\n\r\n"

static struct responder *start(const char *host)
{
	struct listen_address address = {0};
	struct error err = {0};
	(void)snprintf(address.host, sizeof(address.host), "%s", host);
	struct responder *responder = responder_start(&responder_http01, &address, &err);
	CHECK_OK(responder != NULL, err);
	return responder;
}

static void add(struct responder *responder, const void *owner, const char *token, const char *key_authorization,
		int fd)
{
	struct responder_answer answer = {.name = token, .key_authorization = key_authorization};
	struct error err = {0};
	CHECK_OK(responder_add(responder, owner, &answer, 1, fd, deadline_in(1000, NULL), &err), err);
}

/* The answer to TEXT, in a static buffer. */
static const char *ask(const struct responder *responder, const char *text)
{
	static char answer[4096];
	(void)client_exchange("127.0.0.1", responder_port(responder), text, strlen(text), true, answer, sizeof(answer));
	return answer;
}

TEST(a_token_that_was_added_is_answered_until_it_is_removed)
{
	struct responder *responder = start("127.0.0.1");
	int owner = 0;
	CHECK_CONTAINS(ask(responder, GET(TOKEN)), "HTTP/1.1 404 ");
	add(responder, &owner, TOKEN, KEY_AUTHORIZATION, -1);
	const char *answer = ask(responder, GET(TOKEN));
	CHECK_CONTAINS(answer, "HTTP/1.1 200 OK\r\n");
	CHECK_CONTAINS(answer, "\r\nContent-Type: application/octet-stream\r\n");
	CHECK_CONTAINS(answer, "\r\nContent-Length: 87\r\n");
	CHECK_CONTAINS(answer, "\r\n\r\n" KEY_AUTHORIZATION);
	CHECK_STR(strstr(answer, "\r\n\r\n") + 4, KEY_AUTHORIZATION);
	responder_remove(responder, &owner);
	CHECK_CONTAINS(ask(responder, GET(TOKEN)), "HTTP/1.1 404 ");
	responder_stop(responder);
}

TEST(head_has_the_same_head_and_no_body)
{
	struct responder *responder = start("127.0.0.1");
	add(responder, responder, TOKEN, KEY_AUTHORIZATION, -1);
	const char *answer = ask(responder, "HEAD /.well-known/acme-challenge/" TOKEN " HTTP/1.1\r\n\r\n");
	CHECK_CONTAINS(answer, "HTTP/1.1 200 OK\r\n");
	CHECK_CONTAINS(answer, "\r\nContent-Length: 87\r\n");
	CHECK_STR(strstr(answer, "\r\n\r\n") + 4, "");
	responder_stop(responder);
}

TEST(nothing_of_a_request_comes_back)
{
	static const char *const requests[] = {
		GET("nobody-knows-this-marker"),
		"GET /marker HTTP/1.1\r\nX: marker\r\n\r\n",
		"POST /marker HTTP/1.1\r\nContent-Length: 6\r\n\r\nmarker",
		"marker\r\n\r\n",
		"GET /.well-known/acme-challenge/" TOKEN "?marker HTTP/1.1\r\n\r\n",
	};
	struct responder *responder = start("127.0.0.1");
	add(responder, responder, TOKEN, KEY_AUTHORIZATION, -1);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		const char *answer = ask(responder, requests[i]);
		CHECK_CONTAINS(answer, "HTTP/1.1 4");
		CHECK(strstr(answer, "marker") == NULL && strstr(answer, TOKEN) == NULL);
	}
	CHECK_CONTAINS(ask(responder, "DELETE /x HTTP/1.1\r\n\r\n"), "Allow: GET, HEAD\r\n");
	responder_stop(responder);
}

TEST(a_head_that_is_too_long_is_cut_off)
{
	static char request[LIMIT_RESPONDER_REQUEST + 1], answer[1024];
	struct responder *responder = start("127.0.0.1");
	int len = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nX: ");
	memset(request + len, 'x', sizeof(request) - (size_t)len);
	(void)client_exchange("127.0.0.1", responder_port(responder), request, LIMIT_RESPONDER_REQUEST, true, answer,
			      sizeof(answer));
	CHECK_CONTAINS(answer, "HTTP/1.1 431 ");
	memcpy(request + LIMIT_RESPONDER_REQUEST - 4, "\r\n\r\n", 4);
	(void)client_exchange("127.0.0.1", responder_port(responder), request, LIMIT_RESPONDER_REQUEST, true, answer,
			      sizeof(answer));
	CHECK_CONTAINS(answer, "HTTP/1.1 404 ");
	responder_stop(responder);
}

TEST(whoever_waits_is_told_once_that_it_was_asked_for)
{
	struct responder *responder = start("127.0.0.1");
	int asked = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t count = 0;
	add(responder, &asked, TOKEN, KEY_AUTHORIZATION, asked);
	add(responder, &asked, "second-token-0123456789", KEY_AUTHORIZATION, asked);
	(void)ask(responder, GET("another"));
	CHECK(eventfd_read(asked, &count) != 0);
	(void)ask(responder, GET(TOKEN));
	(void)ask(responder, GET(TOKEN));
	CHECK(eventfd_read(asked, &count) == 0);
	CHECK_INT(count, 1);
	(void)ask(responder, GET("second-token-0123456789"));
	CHECK(eventfd_read(asked, &count) == 0);
	CHECK_INT(count, 1);
	responder_remove(responder, &asked);
	close(asked);
	responder_stop(responder);
}

TEST(two_certificates_may_have_the_same_answer)
{
	struct responder *responder = start("127.0.0.1");
	int one = 0, two = 0;
	add(responder, &one, TOKEN, KEY_AUTHORIZATION, -1);
	add(responder, &two, TOKEN, KEY_AUTHORIZATION, -1);
	responder_remove(responder, &one);
	CHECK_CONTAINS(ask(responder, GET(TOKEN)), "HTTP/1.1 200 ");
	responder_remove(responder, &two);
	CHECK_CONTAINS(ask(responder, GET(TOKEN)), "HTTP/1.1 404 ");
	responder_stop(responder);
}

TEST(a_name_with_another_answer_is_waited_for)
{
	struct responder *responder = start("127.0.0.1");
	struct responder_answer answer = {.name = TOKEN, .key_authorization = "another"};
	struct error err = {0};
	int one = 0, two = 0;
	add(responder, &one, TOKEN, KEY_AUTHORIZATION, -1);
	CHECK(!responder_add(responder, &two, &answer, 1, -1, deadline_in(50, NULL), &err));
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK_CONTAINS(err.hint, TOKEN);
	responder_remove(responder, &one);
	error_clear(&err);
	CHECK_OK(responder_add(responder, &two, &answer, 1, -1, deadline_in(50, NULL), &err), err);
	responder_stop(responder);
}

TEST(silent_connections_keep_nobody_out)
{
	enum { FLOOD = LIMIT_RESPONDER_CONNECTIONS + 40 };
	static int flood[FLOOD];
	struct responder *responder = start("127.0.0.1");
	add(responder, responder, TOKEN, KEY_AUTHORIZATION, -1);
	for (int i = 0; i < FLOOD; i++)
		flood[i] = client_connect("127.0.0.1", responder_port(responder));
	CHECK_CONTAINS(ask(responder, GET(TOKEN)), "HTTP/1.1 200 ");
	/* The oldest made room; the youngest are still there. */
	CHECK(client_sees_end(flood[0], 2000));
	struct pollfd youngest = {.fd = flood[FLOOD - 1], .events = POLLIN};
	CHECK_INT(poll(&youngest, 1, 0), 0);
	for (int i = 0; i < FLOOD; i++)
		close(flood[i]);
	responder_stop(responder);
}

TEST(a_connection_ends_at_its_deadline_even_if_it_trickles)
{
	struct responder *responder = start("127.0.0.1");
	int silent = client_connect("127.0.0.1", responder_port(responder));
	int trickling = client_connect("127.0.0.1", responder_port(responder));
	int64_t begin = clock_monotonic_ms();
	struct pollfd wait = {.fd = trickling, .events = POLLIN};
	CHECK(send(trickling, "GET /", 5, MSG_NOSIGNAL) == 5);
	while (poll(&wait, 1, 200) == 0 && clock_monotonic_ms() - begin < 2 * LIMIT_RESPONDER_MS)
		(void)send(trickling, "x", 1, MSG_NOSIGNAL);
	int64_t lasted = clock_monotonic_ms() - begin;
	CHECK(lasted >= LIMIT_RESPONDER_MS - 100 && lasted < LIMIT_RESPONDER_MS + 2000);
	CHECK(client_sees_end(silent, 500));
	close(silent);
	close(trickling);
	responder_stop(responder);
}

TEST(every_address_of_both_families)
{
	static char answer[1024];
	struct responder *responder = start("");
	add(responder, responder, TOKEN, KEY_AUTHORIZATION, -1);
	CHECK_CONTAINS(ask(responder, GET(TOKEN)), "HTTP/1.1 200 ");
	int v6 = client_connect("::1", responder_port(responder));
	if (v6 >= 0) {
		close(v6);
		(void)client_exchange("::1", responder_port(responder), GET(TOKEN), strlen(GET(TOKEN)), true, answer,
				      sizeof(answer));
		CHECK_CONTAINS(answer, "HTTP/1.1 200 ");
	}
	responder_stop(responder);
}

TEST(stopping_frees_the_port_and_ends_connections)
{
	struct responder *responder = start("127.0.0.1");
	struct listen_address address = {.host = "127.0.0.1", .port = responder_port(responder)};
	struct error err = {0};
	int fd = client_connect("127.0.0.1", address.port);
	(void)ask(responder, GET(TOKEN));
	responder_stop(responder);
	CHECK(client_sees_end(fd, 1000));
	close(fd);
	CHECK(client_connect("127.0.0.1", address.port) < 0);
	responder = responder_start(&responder_http01, &address, &err);
	CHECK_OK(responder != NULL, err);
	responder_stop(responder);
}

TEST(a_port_in_use_is_told_with_its_holder)
{
	struct responder *responder = start("127.0.0.1");
	struct listen_address address = {.host = "127.0.0.1", .port = responder_port(responder)};
	struct error err = {0};
	char port[16];
	CHECK(responder_start(&responder_http01, &address, &err) == NULL);
	CHECK_INT(err.category, ERROR_CONFIG);
	(void)snprintf(port, sizeof(port), ":%u", (unsigned)address.port);
	CHECK_CONTAINS(err.message, port);
	CHECK_CONTAINS(err.message, "test_http01 (process ");
	CHECK_CONTAINS(err.hint, "the same one"); /* it is this very process */
	responder_stop(responder);
}

TEST(an_address_of_another_machine_is_told)
{
	struct listen_address address = {.host = "192.0.2.1", .port = 8080};
	struct error err = {0};
	CHECK(responder_start(&responder_http01, &address, &err) == NULL);
	CHECK_CONTAINS(err.message, "192.0.2.1:8080");
	CHECK_CONTAINS(err.hint, "no address of this machine");
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The http-01 responder's connections: one request, one answer out of a fixed set, end. The body is the key
 * authorization that was computed before, or a word of ours; nothing of the request is given back.
 */
#include "base/limits.h"
#include "base/str.h"
#include "transport/http01_request.h"
#include "transport/responder_type.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ANSWER_SIZE = 768 }; /* a token, a dot, a thumbprint and a head */

struct connection {
	struct answers *answers;
	int fd;
	char request[LIMIT_RESPONDER_REQUEST];
	size_t request_len;
	char answer[ANSWER_SIZE];
	size_t answer_len; /* 0: none yet */
	size_t sent;
};

static void *http01_open(void *ctx, int fd)
{
	struct connection *connection = malloc(sizeof(*connection));
	if (connection == NULL)
		return NULL;
	connection->answers = ctx;
	connection->fd = fd;
	connection->request_len = connection->answer_len = connection->sent = 0;
	return connection;
}

/* STATUS as "404 Not Found"; MORE is header lines. A HEAD request's answer ends behind its head (RFC 9110 §9.3.2). */
static void say(struct connection *connection, const char *status, const char *more, const char *body, bool head)
{
	int len = snprintf(connection->answer, sizeof(connection->answer),
			   "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\nCache-Control: no-store\r\n"
			   "%s\r\n%s",
			   status, strlen(body), more, head ? "" : body);
	connection->answer_len = len > 0 && (size_t)len < sizeof(connection->answer) ? (size_t)len : 0;
}

struct hit {
	struct connection *connection;
	bool head;
};

static void say_key_authorization(void *ctx, const struct answer *answer)
{
	const struct hit *hit = ctx;
	say(hit->connection, "200 OK", "Content-Type: application/octet-stream\r\n", answer->key_authorization,
	    hit->head);
}

static void answer_request(struct connection *connection)
{
	struct http01_request request = http01_parse_request(connection->request, connection->request_len);
	struct hit hit = {connection, request.head};

	switch (request.verdict) {
	case HTTP01_INCOMPLETE:
		if (connection->request_len == sizeof(connection->request))
			say(connection, "431 Request Header Fields Too Large", "", "", /* head= */ false);
		break;
	case HTTP01_MALFORMED:
		say(connection, "400 Bad Request", "", "", /* head= */ false);
		break;
	case HTTP01_METHOD:
		say(connection, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", "", /* head= */ false);
		break;
	case HTTP01_TOKEN:
		if (answers_use(connection->answers, request.token, request.token_len, say_key_authorization, &hit))
			break;
		say(connection, "404 Not Found", "", "", request.head);
		break;
	case HTTP01_OTHER:
		say(connection, "404 Not Found", "", "", request.head);
		break;
	}
}

static short http01_go_on(void *state)
{
	struct connection *connection = state;

	while (connection->answer_len == 0) {
		ssize_t got = recv(connection->fd, connection->request + connection->request_len,
				   sizeof(connection->request) - connection->request_len, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return POLLIN;
		if (got <= 0)
			return 0;
		connection->request_len += (size_t)got;
		answer_request(connection);
	}
	while (connection->sent < connection->answer_len) {
		ssize_t sent = send(connection->fd, connection->answer + connection->sent,
				    connection->answer_len - connection->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return POLLOUT;
		if (sent <= 0)
			return 0;
		connection->sent += (size_t)sent;
	}
	return 0;
}

static void http01_close(void *state)
{
	free(state);
}

/* The answers themselves are all the context there is. */
static void *http01_setup(struct answers *answers, struct error *err)
{
	(void)err;
	return answers;
}

static void http01_teardown(void *ctx)
{
	(void)ctx;
}

const struct responder_type responder_http01 = {
	.instead = "have the web server there answer (--webroot DIR, in the config webroot)",
	.setup = http01_setup,
	.teardown = http01_teardown,
	.protocol = {.open = http01_open, .go_on = http01_go_on, .close = http01_close},
};

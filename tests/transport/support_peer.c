/* SPDX-License-Identifier: Apache-2.0 */
/* The server inside the test: a thread accepts, a thread per connection serves; all are joined at the end. */
#include "support_peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, HEAD_MAX = 65536 };

struct peer_connection {
	struct peer *peer;
	int fd;
	SSL *ssl;
	pthread_t thread;
};

struct peer {
	int fd;
	uint16_t port;
	SSL_CTX *tls;
	peer_handler *handler;
	_Atomic(peer_preface *) preface;
	pthread_t thread;
	atomic_bool stopping;
	atomic_uint accepted;
	pthread_mutex_t lock;
	char server_name[256];
	struct peer_connection connections[CONNECTIONS_MAX];
};

static void die(const char *what)
{
	perror(what);
	abort();
}

bool peer_write(struct peer_connection *connection, const void *data, size_t len)
{
	const char *at = data;
	while (len > 0) {
		ssize_t sent = connection->ssl != NULL ? SSL_write(connection->ssl, at, (int)len)
						       : send(connection->fd, at, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

bool peer_say(struct peer_connection *connection, const char *text)
{
	return peer_write(connection, text, strlen(text));
}

static ssize_t receive(struct peer_connection *connection, char *into, size_t room)
{
	if (connection->ssl != NULL)
		return SSL_read(connection->ssl, into, (int)room);
	return recv(connection->fd, into, room, 0);
}

bool peer_hears(struct peer_connection *connection, const char *text)
{
	char byte;
	for (; *text != '\0'; text++)
		if (receive(connection, &byte, 1) != 1 || byte != *text)
			return false;
	return true;
}

void peer_wait_for_end(struct peer_connection *connection)
{
	char ignored[256];
	while (receive(connection, ignored, sizeof(ignored)) > 0)
		;
}

/* One request; false at the end of the connection. */
static bool serve_one(struct peer_connection *connection, char *head)
{
	struct peer_request request = {0};
	size_t len = 0, body_len = 0;
	char *end = NULL;
	while (end == NULL) {
		ssize_t got = receive(connection, head + len, HEAD_MAX - 1 - len);
		if (got <= 0)
			return false;
		len += (size_t)got;
		head[len] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	const char *announced = strcasestr(head, "\r\nContent-Length: ");
	if (announced != NULL)
		(void)sscanf(announced + 18, "%zu", &body_len);
	size_t head_len = (size_t)(end + 4 - head);
	while (len < head_len + body_len) {
		ssize_t got = receive(connection, head + len, HEAD_MAX - 1 - len);
		if (got <= 0)
			return false;
		len += (size_t)got;
	}
	head[len] = '\0';
	request.body = head + head_len;
	request.body_len = body_len;
	request.head = head;
	if (sscanf(head, "%15s %255s", request.method, request.path) != 2)
		return false;
	return connection->peer->handler(connection, &request);
}

static void *serve(void *arg)
{
	struct peer_connection *connection = arg;
	struct peer *peer = connection->peer;
	char *head = malloc(HEAD_MAX);
	peer_preface *preface = atomic_load(&peer->preface);
	bool fine = head != NULL && (preface == NULL || preface(connection));
	if (fine && peer->tls != NULL) {
		connection->ssl = SSL_new(peer->tls);
		fine = SSL_set_fd(connection->ssl, connection->fd) == 1 && SSL_accept(connection->ssl) == 1;
		const char *name = SSL_get_servername(connection->ssl, TLSEXT_NAMETYPE_host_name);
		pthread_mutex_lock(&peer->lock);
		(void)snprintf(peer->server_name, sizeof(peer->server_name), "%s", name == NULL ? "" : name);
		pthread_mutex_unlock(&peer->lock);
	}
	if (fine && peer->handler == NULL)
		peer_wait_for_end(connection);
	while (fine && peer->handler != NULL && serve_one(connection, head))
		;
	free(head);
	if (connection->ssl != NULL)
		(void)SSL_shutdown(connection->ssl);
	SSL_free(connection->ssl);
	(void)shutdown(connection->fd, SHUT_RDWR);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct peer *peer = arg;
	while (!atomic_load(&peer->stopping)) {
		int fd = accept4(peer->fd, NULL, NULL, SOCK_CLOEXEC);
		unsigned index = atomic_load(&peer->accepted);
		if (fd < 0 || index == CONNECTIONS_MAX) {
			if (fd >= 0)
				(void)close(fd);
			continue;
		}
		struct peer_connection *connection = &peer->connections[index];
		connection->peer = peer;
		connection->fd = fd;
		if (pthread_create(&connection->thread, NULL, serve, connection) != 0)
			die("pthread_create");
		atomic_store(&peer->accepted, index + 1);
	}
	return NULL;
}

struct peer *peer_start(SSL_CTX *tls, peer_handler *handler)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	(void)signal(SIGPIPE, SIG_IGN);
	if (peer == NULL)
		die("calloc");
	pthread_mutex_init(&peer->lock, NULL);
	peer->tls = tls;
	peer->handler = handler;
	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(peer->fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(peer->fd, 64) != 0 ||
	    getsockname(peer->fd, (struct sockaddr *)&address, &len) != 0)
		die("listen");
	peer->port = ntohs(address.sin_port);
	if (pthread_create(&peer->thread, NULL, accept_all, peer) != 0)
		die("pthread_create");
	return peer;
}

void peer_set_preface(struct peer *peer, peer_preface *preface)
{
	atomic_store(&peer->preface, preface);
}

void peer_stop(struct peer *peer)
{
	atomic_store(&peer->stopping, true);
	(void)shutdown(peer->fd, SHUT_RDWR);
	(void)pthread_join(peer->thread, NULL);
	for (unsigned i = 0; i < atomic_load(&peer->accepted); i++) {
		(void)shutdown(peer->connections[i].fd, SHUT_RDWR);
		(void)pthread_join(peer->connections[i].thread, NULL);
		(void)close(peer->connections[i].fd);
	}
	(void)close(peer->fd);
	pthread_mutex_destroy(&peer->lock);
	free(peer);
}

uint16_t peer_port(const struct peer *peer)
{
	return peer->port;
}

unsigned peer_connections(const struct peer *peer)
{
	return atomic_load(&peer->accepted);
}

void peer_server_name(struct peer *peer, char *out, size_t size)
{
	pthread_mutex_lock(&peer->lock);
	(void)snprintf(out, size, "%s", peer->server_name);
	pthread_mutex_unlock(&peer->lock);
}

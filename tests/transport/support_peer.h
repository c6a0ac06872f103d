/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small threaded server inside the test, plain or TLS, on a loopback port. It reads HTTP/1.1 requests and gives them
 * to a handler, which writes whatever it likes: also what no decent server would.
 */
#ifndef TESTS_TRANSPORT_SUPPORT_PEER_H
#define TESTS_TRANSPORT_SUPPORT_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;

struct peer_request {
	char method[16];
	char path[256];
	const char *head; /* the whole head */
	const char *body;
	size_t body_len;
};

struct peer_connection;

/* Returns whether the connection stays open. */
typedef bool peer_handler(struct peer_connection *connection, const struct peer_request *request);

/* TLS NULL: plain. HANDLER NULL: accepts, shakes hands, and keeps silent. */
struct peer *peer_start(SSL_CTX *tls, peer_handler *handler);
void peer_stop(struct peer *peer);

/* What is said in plain text before TLS, for connections from now on. False: TLS does not begin. */
typedef bool peer_preface(struct peer_connection *connection);
void peer_set_preface(struct peer *peer, peer_preface *preface);
uint16_t peer_port(const struct peer *peer);
unsigned peer_connections(const struct peer *peer); /* accepted so far */

/* For handlers. False when the other side has gone, or the server stops. */
bool peer_write(struct peer_connection *connection, const void *data, size_t len);
bool peer_say(struct peer_connection *connection, const char *text);
bool peer_hears(struct peer_connection *connection, const char *text); /* whether exactly this comes next */
void peer_wait_for_end(struct peer_connection *connection);

/* The SNI of the last TLS connection; empty when there was none. */
void peer_server_name(struct peer *peer, char *out, size_t size);

#endif

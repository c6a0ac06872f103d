/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of a responder: sockets to loopback, and TLS handshakes as a CA makes them or ought not to. */
#ifndef TESTS_TRANSPORT_SUPPORT_CLIENT_H
#define TESTS_TRANSPORT_SUPPORT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connected socket with a read time-out, or -1. */
int client_connect(const char *address, uint16_t port);

/* Send REQUEST (LEN bytes), end our half unless KEEP_OPEN, and read all of the answer. */
size_t client_exchange(const char *address, uint16_t port, const char *request, size_t len, bool keep_open,
		       char *answer, size_t size);

/* Whether the other side ends FD within MS. */
bool client_sees_end(int fd, int ms);

struct client_hello {
	const char *server_name; /* NULL: none */
	const char *protocols;   /* wire form, length bytes included; NULL: no ALPN */
	int max_version;         /* 0: any */
};

struct client_seen {
	bool ok;
	int alert;               /* when not ok: TLS alert received, or -1 */
	char protocol[32];       /* selected */
	unsigned char der[4096]; /* the certificate */
	size_t der_len;
	size_t application_data; /* bytes */
};

struct client_seen client_handshake(uint16_t port, const struct client_hello *hello);

#endif

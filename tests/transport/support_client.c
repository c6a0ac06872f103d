/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking clients with time-outs. */
#include "support_client.h"

#include "tests/support/test.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int client_connect(const char *address, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is_v6 = strchr(address, ':') != NULL;
	struct timeval patience = {.tv_sec = 8};
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(inet_pton(is_v6 ? AF_INET6 : AF_INET, address, is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) ==
	      1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, is_v6 ? (void *)&v6 : (void *)&v4, is_v6 ? sizeof(v6) : sizeof(v4)) == 0)
		return fd;
	close(fd);
	return -1;
}

size_t client_exchange(const char *address, uint16_t port, const char *request, size_t len, bool keep_open,
		       char *answer, size_t size)
{
	size_t got = 0;
	int fd = client_connect(address, port);
	CHECK(fd >= 0);
	CHECK(send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len);
	if (!keep_open)
		(void)shutdown(fd, SHUT_WR);
	for (;;) {
		ssize_t n = recv(fd, answer + got, size - 1 - got, 0);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	answer[got] = '\0';
	close(fd);
	return got;
}

bool client_sees_end(int fd, int ms)
{
	char byte;
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	return poll(&wait, 1, ms) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

static int last_alert(void)
{
	enum { ALERT_REASONS = 1000 }; /* SSL_AD_REASON_OFFSET */
	int reason = ERR_GET_REASON(ERR_peek_last_error());
	return reason >= ALERT_REASONS ? reason - ALERT_REASONS : -1;
}

struct client_seen client_handshake(uint16_t port, const struct client_hello *hello)
{
	struct client_seen seen = {.alert = -1};
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	int fd = client_connect("127.0.0.1", port);
	char byte[16], name[TLSEXT_MAXLEN_host_name + 1]; /* the macro wants it writable */

	(void)signal(SIGPIPE, SIG_IGN);
	CHECK(ssl != NULL && fd >= 0 && SSL_set_fd(ssl, fd) == 1);
	if (hello->server_name != NULL) {
		CHECK(snprintf(name, sizeof(name), "%s", hello->server_name) < (int)sizeof(name));
		CHECK(SSL_set_tlsext_host_name(ssl, name) == 1);
	}
	if (hello->protocols != NULL)
		CHECK(SSL_set_alpn_protos(ssl, (const unsigned char *)hello->protocols,
					  (unsigned)strlen(hello->protocols)) == 0);
	if (hello->max_version != 0) {
		SSL_set_security_level(ssl, 0);
		CHECK(SSL_set_min_proto_version(ssl, 0) == 1 &&
		      SSL_set_max_proto_version(ssl, hello->max_version) == 1);
	}
	ERR_clear_error();
	seen.ok = SSL_connect(ssl) == 1;
	if (seen.ok) {
		const unsigned char *protocol = NULL;
		unsigned len = 0;
		unsigned char *at = seen.der;
		X509 *certificate = SSL_get0_peer_certificate(ssl);
		SSL_get0_alpn_selected(ssl, &protocol, &len);
		CHECK(len < sizeof(seen.protocol));
		if (len > 0)
			memcpy(seen.protocol, protocol, len);
		CHECK(certificate != NULL && i2d_X509(certificate, NULL) <= (int)sizeof(seen.der));
		seen.der_len = (size_t)i2d_X509(certificate, &at);
		int n = SSL_read(ssl, byte, sizeof(byte));
		seen.application_data = n > 0 ? (size_t)n : 0;
	} else {
		seen.alert = last_alert();
	}
	ERR_clear_error();
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(fd);
	return seen;
}

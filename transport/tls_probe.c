/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handshake with whatever is served. Verification is off on purpose: the question is which certificate is there,
 * and the caller compares it with the one that should be. The socket is non-blocking and waited for with poll(). What
 * a protocol says before TLS is starttls.h's business; here its bytes are carried.
 */
#include "transport/tls_probe.h"

#include "base/escape.h"
#include "transport/host_addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_MS = 5000 }; /* for one address, while there are others */

DEFINE_FREEP(context_freep, SSL_CTX, SSL_CTX_free)
DEFINE_FREEP(ssl_freep, SSL, SSL_free)

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* "address:port", terminal-safe. */
static const char *target_name(const struct tls_probe_target *target, char out[300])
{
	char name[300];
	(void)snprintf(name, sizeof(name), strchr(target->address, ':') != NULL ? "[%s]:%u" : "%s:%u", target->address,
		       (unsigned)target->port);
	return escape_str(out, 300, name);
}

static bool failed(const struct tls_probe_target *target, const char *what, const char *why, struct error *err)
{
	char name[300], safe[300];
	if (!error_is_set(err))
		err->transient = true;
	return error_set(err, ERROR_NETWORK, NULL, "%s %s: %s", what, target_name(target, name),
			 escape_str(safe, sizeof(safe), why));
}

static bool wait_for(int fd, short events, struct deadline deadline, struct error *err)
{
	struct pollfd waits[2] = {{.fd = fd, .events = events}, {.fd = -1, .events = POLLIN}};
	if (deadline.cancel != NULL && deadline.cancel->fd > STDERR_FILENO)
		waits[1].fd = deadline.cancel->fd;
	for (int64_t left; (left = deadline_left_ms(deadline)) > 0;)
		if (poll(waits, 2, left > INT_MAX ? INT_MAX : (int)left) > 0 && waits[0].revents != 0)
			return true;
	return deadline_check(deadline, NULL, err);
}

/* A connected socket, or -1 with *RET_ERRNO, or -1 with ERR when there is no time left. */
static int connect_to(const struct dns_address *address, bool last, struct deadline deadline, int *ret_errno,
		      struct error *err)
{
	CLEANUP(close_fd) int fd = socket(address->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct error slow = {0};
	socklen_t len = sizeof(*ret_errno);
	*ret_errno = errno;
	if (fd < 0)
		return -1;
	*ret_errno = connect(fd, (const struct sockaddr *)&address->addr, address->len) == 0 ? 0 : errno;
	if (*ret_errno == EINPROGRESS) {
		struct deadline patience = last ? deadline : deadline_within(deadline, CONNECT_MS);
		if (!wait_for(fd, POLLOUT, patience, &slow)) {
			if (deadline_check(deadline, NULL, err))
				*ret_errno = ETIMEDOUT; /* of this address alone */
			return -1;
		}
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, ret_errno, &len) != 0)
			*ret_errno = errno;
	}
	if (*ret_errno != 0)
		return -1;
	int connected = fd;
	fd = -1;
	return connected;
}

/* Time that ran out says what the server was waited for; an interruption goes as it is. */
static bool silent(const struct tls_probe_target *target, const char *at, struct error *err)
{
	char name[300];

	if (err->category == ERROR_TIMEOUT)
		error_reword(err, "%s did not answer in time%s", target_name(target, name), at);
	return false;
}

static int connect_any(const struct tls_probe_target *target, struct deadline deadline, struct error *err)
{
	char text[128];
	int failure = 0;
	size_t count = 0;
	AUTO_FREE struct dns_address *addresses =
		host_addresses(target->address, target->port, target->addresses, deadline, &count, err);
	if (addresses == NULL)
		return -1;
	for (size_t i = 0; i < count && !error_is_set(err); i++) {
		int fd = connect_to(&addresses[i], i + 1 == count, deadline, &failure, err);
		if (fd >= 0)
			return fd;
	}
	if (!error_is_set(err))
		(void)failed(target, "cannot connect to", strerror_r(failure, text, sizeof(text)), err);
	(void)silent(target, " when it was connected to", err);
	return -1;
}

/* ---- before TLS ---- */

static bool send_words(const struct tls_probe_target *target, int fd, const char *words, size_t len,
		       struct deadline deadline, struct error *err)
{
	char text[128];

	while (len > 0) {
		ssize_t sent = send(fd, words, len, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return failed(target, "cannot write to", strerror_r(errno, text, sizeof(text)), err);
		if (sent < 0 && !wait_for(fd, POLLOUT, deadline, err))
			return false;
		words += sent > 0 ? sent : 0;
		len -= sent > 0 ? (size_t)sent : 0;
	}
	return true;
}

/* What the server says, at least one byte. */
static bool receive_some(const struct tls_probe_target *target, int fd, char *into, size_t room, size_t *ret_len,
			 struct deadline deadline, struct error *err)
{
	char text[128];

	for (;;) {
		ssize_t got = recv(fd, into, room, 0);
		*ret_len = got > 0 ? (size_t)got : 0;
		if (got > 0)
			return true;
		if (got == 0)
			return failed(target, "cannot begin TLS with", "connection closed", err);
		if (errno != EAGAIN && errno != EINTR)
			return failed(target, "cannot read from", strerror_r(errno, text, sizeof(text)), err);
		if (!wait_for(fd, POLLIN, deadline, err))
			return false;
	}
}

static bool not_begun(const struct tls_probe_target *target, const struct starttls *dialogue, const char *why,
		      struct error *err)
{
	char what[64];

	(void)snprintf(what, sizeof(what), "cannot begin TLS in %s with", starttls_name(target->starttls));
	(void)failed(target, what, why, err);
	error_said(err, dialogue->line, dialogue->len);
	return false;
}

/* Whether the server went on talking behind its consent: that would be read as part of the handshake. */
static bool is_talking(int fd)
{
	char byte;
	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static bool begin_tls(const struct tls_probe_target *target, int fd, struct deadline deadline, struct error *err)
{
	struct starttls dialogue;
	char heard[512];
	size_t len;

	for (enum starttls_next next = starttls_begin(&dialogue, target->starttls, target->server_name);;) {
		switch (next) {
		case STARTTLS_SAY: {
			const char *words = starttls_words(&dialogue, &len);
			if (!send_words(target, fd, words, len, deadline, err))
				return false;
			next = STARTTLS_LISTEN;
			break;
		}
		case STARTTLS_LISTEN:
			if (!receive_some(target, fd, heard, sizeof(heard), &len, deadline, err))
				return false;
			next = starttls_hear(&dialogue, heard, len);
			break;
		case STARTTLS_REFUSED:
			return not_begun(target, &dialogue, dialogue.why, err);
		case STARTTLS_SHAKE_HANDS:
			if (is_talking(fd))
				return not_begun(target, &dialogue, "it went on talking before the handshake", err);
			return true;
		}
	}
}

/* ---- the handshake ---- */

static bool openssl_failed(const struct tls_probe_target *target, const char *otherwise, struct error *err)
{
	char text[256];
	unsigned long code = ERR_peek_last_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
	(void)snprintf(text, sizeof(text), "%s", reason != NULL ? reason : otherwise);
	ERR_clear_error();
	return failed(target, "the TLS handshake failed with", text, err);
}

/*
 * Whether the handshake ended where we were to show a certificate of our own and had none. In TLS 1.2 that is before
 * its end, but after the server has signed with its key, unless it has no ephemeral one: what it serves is known then.
 */
static bool has_shown_its_key(SSL *ssl)
{
	unsigned char ours[EVP_MAX_MD_SIZE];
	const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);
	int exchange = cipher != NULL ? SSL_CIPHER_get_kx_nid(cipher) : NID_undef;

	return (exchange == NID_kx_ecdhe || exchange == NID_kx_dhe) && SSL_get0_peer_certificate(ssl) != NULL &&
	       SSL_get_finished(ssl, ours, sizeof(ours)) > 0;
}

static bool handshake(const struct tls_probe_target *target, SSL *ssl, int fd, struct deadline deadline,
		      struct error *err)
{
	for (;;) {
		ERR_clear_error();
		errno = 0;
		int result = SSL_connect(ssl);
		if (result == 1)
			return true;
		int reason = SSL_get_error(ssl, result);
		if (reason == SSL_ERROR_SSL && has_shown_its_key(ssl)) {
			ERR_clear_error();
			return true;
		}
		if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
			return openssl_failed(target, errno != 0 ? strerrordesc_np(errno) : "connection closed", err);
		if (!wait_for(fd, reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline, err))
			return false;
	}
}

static bool is_address(const char *text)
{
	struct in6_addr any;
	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

static bool read_leaf(const struct tls_probe_target *target, X509 *leaf, struct tls_probe_result *ret,
		      struct error *err)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct tm date = {0};
	struct tls_probe_result result = {0};
	if (leaf == NULL)
		return failed(target, "no certificate came from", "the server sent none", err);
	if (X509_digest(leaf, EVP_sha256(), digest, &len) != 1 || len * 2 >= sizeof(result.fingerprint_sha256) ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &date) != 1) {
		ERR_clear_error();
		return failed(target, "cannot read the certificate of", "malformed", err);
	}
	for (unsigned i = 0; i < len; i++) {
		result.fingerprint_sha256[2 * i] = hex[digest[i] >> 4];
		result.fingerprint_sha256[2 * i + 1] = hex[digest[i] & 15];
	}
	result.not_after = timegm(&date);
	*ret = result;
	return true;
}

/* RFC 6066 §3: no SNI for addresses. */
static bool set_server_name(const struct tls_probe_target *target, SSL *ssl, struct error *err)
{
	char name[TLSEXT_MAXLEN_host_name + 1];
	if (target->server_name == NULL || is_address(target->server_name))
		return true;
	int len = snprintf(name, sizeof(name), "%s", target->server_name);
	if (len <= 0 || (size_t)len >= sizeof(name) || SSL_set_tlsext_host_name(ssl, name) != 1)
		return openssl_failed(target, "malformed server name", err);
	return true;
}

bool tls_probe_over(int take_fd, const struct tls_probe_target *target, struct deadline deadline,
		    struct tls_probe_result *ret, struct error *err)
{
	CLEANUP(close_fd) int fd = take_fd;
	CLEANUP(context_freep) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	char before[64];

	if (context == NULL)
		return error_oom(err);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
		return openssl_failed(target, "TLS 1.2 is not available", err);
	if (!begin_tls(target, fd, deadline, err)) {
		(void)snprintf(before, sizeof(before), ": before TLS, %s is to be spoken there",
			       starttls_name(target->starttls));
		return silent(target, before, err);
	}

	CLEANUP(ssl_freep) SSL *ssl = SSL_new(context);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		return error_oom(err);
	if (!set_server_name(target, ssl, err))
		return false;
	if (!handshake(target, ssl, fd, deadline, err))
		return silent(target, " when a TLS handshake was begun", err);
	return read_leaf(target, SSL_get0_peer_certificate(ssl), ret, err);
}

bool tls_probe(const struct tls_probe_target *target, struct deadline deadline, struct tls_probe_result *ret,
	       struct error *err)
{
	if (!deadline_check(deadline, NULL, err))
		return false;
	int fd = connect_any(target, deadline, err);
	return fd >= 0 && tls_probe_over(fd, target, deadline, ret, err);
}

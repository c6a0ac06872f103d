/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tls-alpn-01 responder's connections (RFC 8737): a handshake with whoever offers "acme-tls/1" and names a server
 * that is being validated, and not a byte of application data. Everybody else gets the alert no_application_protocol
 * (RFC 7301 §3.2) before a certificate is chosen, so that nobody learns which names there are.
 */
#include "base/str.h"
#include "transport/responder_type.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char PROTOCOL[] = {10, 'a', 'c', 'm', 'e', '-', 't', 'l', 's', '/', '1'};

struct alpn01 {
	struct answers *answers;
	SSL_CTX *tls;
};

/* ---- an answer's value ---- */

struct challenge_pair {
	X509 *certificate;
	EVP_PKEY *key;
};

static void free_pair(void *value)
{
	struct challenge_pair *pair = value;
	X509_free(pair->certificate);
	EVP_PKEY_free(pair->key);
	free(pair);
}

static bool make_pair(const struct responder_answer *answer, void **ret, struct error *err)
{
	const unsigned char *at = answer->certificate, *key_at = (const unsigned char *)answer->key->data;
	struct challenge_pair *pair = calloc(1, sizeof(*pair));

	if (pair == NULL)
		return error_oom(err);
	pair->certificate = d2i_X509(NULL, &at, (long)answer->certificate_len);
	pair->key = d2i_AutoPrivateKey(NULL, &key_at, (long)answer->key->len);
	if (pair->certificate != NULL && pair->key != NULL) {
		*ret = pair;
		return true;
	}
	ERR_clear_error();
	free_pair(pair);
	return error_set(err, ERROR_INTERNAL, NULL, "the certificate for %s's challenge cannot be used", answer->name);
}

/* ---- what a ClientHello must have ---- */

/* First of all: no ALPN, no handshake. The other callbacks would not be asked. */
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *data = NULL;
	size_t len = 0;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &len) == 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static void use_pair(void *ctx, const struct answer *answer)
{
	const struct challenge_pair *pair = answer->value;
	SSL *ssl = ctx;
	/* A failure leaves the handshake without a certificate, which ends it. */
	(void)SSL_use_certificate(ssl, pair->certificate);
	(void)SSL_use_PrivateKey(ssl, pair->key);
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct alpn01 *alpn01 = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	if (name != NULL && answers_use(alpn01->answers, name, strlen(name), use_pair, ssl))
		return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* OFFERED has passed OpenSSL's check of its form: length-prefixed names, none empty. */
static int on_protocols(SSL *ssl, const unsigned char **ret, unsigned char *ret_len, const unsigned char *offered,
			unsigned len, void *arg)
{
	(void)ssl;
	(void)arg;
	for (unsigned at = 0; at < len; at += offered[at] + 1U)
		if (len - at >= sizeof(PROTOCOL) && memcmp(offered + at, PROTOCOL, sizeof(PROTOCOL)) == 0) {
			*ret = offered + at + 1;
			*ret_len = sizeof(PROTOCOL) - 1;
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_ALERT_FATAL; /* OpenSSL's alert is no_application_protocol */
}

/* ---- connections ---- */

static void *alpn01_open(void *ctx, int fd)
{
	struct alpn01 *alpn01 = ctx;
	SSL *ssl = SSL_new(alpn01->tls);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static short alpn01_go_on(void *connection)
{
	SSL *ssl = connection;

	ERR_clear_error();
	int result = SSL_accept(ssl);
	int reason = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, result);
	ERR_clear_error();
	if (reason == SSL_ERROR_WANT_READ)
		return POLLIN;
	if (reason == SSL_ERROR_WANT_WRITE)
		return POLLOUT;
	if (result == 1)
		(void)SSL_shutdown(ssl); /* close_notify; the CA has seen what it came for */
	ERR_clear_error();
	return 0;
}

static void alpn01_close(void *connection)
{
	SSL_free(connection);
}

/* ---- the responder ---- */

static void alpn01_teardown(void *ctx)
{
	struct alpn01 *alpn01 = ctx;
	SSL_CTX_free(alpn01->tls);
	free(alpn01);
}

static void *alpn01_setup(struct answers *answers, struct error *err)
{
	struct alpn01 *alpn01 = calloc(1, sizeof(*alpn01));
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (alpn01 == NULL || tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1) {
		ERR_clear_error();
		free(alpn01);
		SSL_CTX_free(tls);
		(void)error_oom(err);
		return NULL;
	}
	alpn01->answers = answers;
	alpn01->tls = tls;
	/* Each handshake stands for itself: nothing is resumed, nothing follows it. */
	(void)SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(tls, 0);
	(void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_client_hello_cb(tls, on_client_hello, NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(tls, on_server_name);
	(void)SSL_CTX_set_tlsext_servername_arg(tls, alpn01);
	SSL_CTX_set_alpn_select_cb(tls, on_protocols, NULL);
	return alpn01;
}

const struct responder_type responder_alpn01 = {
	.instead = "a server that speaks TLS there can stay if the names are validated by http-01 (--webroot DIR, "
		   "--standalone PORT) or dns-01 (--dns PROVIDER)",
	.any_case = true,
	.make_value = make_pair,
	.free_value = free_pair,
	.setup = alpn01_setup,
	.teardown = alpn01_teardown,
	.protocol = {.open = alpn01_open, .go_on = alpn01_go_on, .close = alpn01_close},
};

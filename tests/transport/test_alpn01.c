/* SPDX-License-Identifier: Apache-2.0 */
/* The tls-alpn-01 responder: the challenge's certificate for a CA, an alert for everybody else. */
#include "acme/alpn_certificate.h"
#include "base/buf.h"
#include "support_client.h"
#include "tests/support/test.h"
#include "transport/responder.h"

#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACME   \
	"\x0a" \
	"acme-tls/1"
#define HTTP   \
	"\x08" \
	"http/1.1"

enum { NO_APPLICATION_PROTOCOL = 120, PROTOCOL_VERSION = 70 };

static struct responder *start(void)
{
	struct listen_address address = {.host = "127.0.0.1"};
	struct error err = {0};
	struct responder *responder = responder_start(&responder_alpn01, &address, &err);
	CHECK_OK(responder != NULL, err);
	return responder;
}

/* Adds the certificate for NAME, whose DER is in OUT afterwards. */
static void add(struct responder *responder, const void *owner, const char *name, struct buf *out)
{
	struct identifier identifier;
	struct error err = {0};
	struct secret key CLEANUP(secret_done) = {0};
	char server_name[IDENTIFIER_MAX];
	buf_init(out, 4096);
	CHECK_OK(identifier_parse(name, &identifier, &err), err);
	CHECK_OK(alpn_certificate_make(&identifier, "token.thumbprint", clock_wall(), out, &key, &err), err);
	struct responder_answer answer = {
		.name = identifier_server_name(&identifier, server_name),
		.key_authorization = "token.thumbprint",
		.certificate = out->data,
		.certificate_len = out->len,
		.key = &key,
	};
	CHECK_OK(responder_add(responder, owner, &answer, 1, -1, deadline_in(1000, NULL), &err), err);
}

static void check_refused(const struct responder *responder, struct client_hello hello)
{
	struct client_seen seen = client_handshake(responder_port(responder), &hello);
	CHECK(!seen.ok);
	CHECK_INT(seen.alert, NO_APPLICATION_PROTOCOL);
}

TEST(a_ca_gets_the_certificate_of_the_name_it_asks_for)
{
	static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
	static const char *const asked[] = {"example.org", "EXAMPLE.org", "1.2.0.192.in-addr.arpa"};
	struct responder *responder = start();
	struct buf dns CLEANUP(buf_done), address CLEANUP(buf_done);
	add(responder, &dns, "example.org", &dns);
	add(responder, &address, "192.0.2.1", &address);
	for (size_t v = 0; v < ARRAY_LEN(versions); v++)
		for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
			struct client_hello hello = {asked[i], HTTP ACME, versions[v]};
			struct client_seen seen = client_handshake(responder_port(responder), &hello);
			const struct buf *want = i < 2 ? &dns : &address;
			CHECK(seen.ok);
			CHECK_STR(seen.protocol, "acme-tls/1");
			CHECK_MEM(seen.der, seen.der_len, want->data, want->len);
			CHECK_INT(seen.application_data, 0);
		}
	responder_stop(responder);
}

TEST(everybody_else_is_refused)
{
	static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
	struct responder *responder = start();
	struct buf dns CLEANUP(buf_done);
	add(responder, &dns, "example.org", &dns);
	for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
		check_refused(responder, (struct client_hello){"example.org", NULL, versions[v]});
		check_refused(responder, (struct client_hello){"example.org", HTTP, versions[v]});
		check_refused(responder, (struct client_hello){"www.example.org", ACME, versions[v]});
		check_refused(responder, (struct client_hello){"example.org.", ACME, versions[v]});
		check_refused(responder, (struct client_hello){NULL, ACME, versions[v]});
		check_refused(responder, (struct client_hello){NULL, NULL, versions[v]});
	}
	responder_remove(responder, &dns);
	check_refused(responder, (struct client_hello){"example.org", ACME, 0});
	responder_stop(responder);
}

TEST(nothing_below_tls_1_2)
{
	struct responder *responder = start();
	struct buf dns CLEANUP(buf_done);
	add(responder, &dns, "example.org", &dns);
	struct client_hello hello = {"example.org", ACME, TLS1_1_VERSION};
	struct client_seen seen = client_handshake(responder_port(responder), &hello);
	CHECK(!seen.ok);
	CHECK_INT(seen.alert, PROTOCOL_VERSION);
	responder_stop(responder);
}

TEST(garbage_ends_the_connection_and_nothing_else)
{
	static const char *const garbage[] = {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", "\x80\x2e\x01\x00\x02"};
	struct responder *responder = start();
	struct buf dns CLEANUP(buf_done);
	char answer[256];
	add(responder, &dns, "example.org", &dns);
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++)
		(void)client_exchange("127.0.0.1", responder_port(responder), garbage[i], strlen(garbage[i]), false,
				      answer, sizeof(answer));
	struct client_hello hello = {"example.org", ACME, 0};
	CHECK(client_handshake(responder_port(responder), &hello).ok);
	responder_stop(responder);
}

TEST(a_wrong_certificate_is_refused_when_it_is_added)
{
	struct responder *responder = start();
	struct secret key CLEANUP(secret_done) = {0};
	struct error err = {0};
	CHECK_OK(secret_set(&key, "x", 1, &err), err);
	struct responder_answer answer = {"example.org", "a.b", "x", 1, &key};
	CHECK(!responder_add(responder, &key, &answer, 1, -1, deadline_in(1000, NULL), &err));
	CHECK_CONTAINS(err.message, "example.org");
	responder_stop(responder);
}

TEST_MAIN()

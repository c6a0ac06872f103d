/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS probe against servers inside the test. */
#include "transport/tls_probe.h"

#include "support_peer.h"
#include "support_pki.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <unistd.h>

enum { NOT_AFTER = 1999999999 };

static bool never(struct peer_connection *connection, const struct peer_request *request)
{
	(void)connection;
	(void)request;
	return false;
}

static struct deadline soon(void)
{
	return deadline_in(10000, NULL);
}

TEST(leaf_and_expiry_are_reported)
{
	char fingerprint[65] = "";
	struct tls_probe_result result = {0};
	struct error err = {0};
	SSL_CTX *tls = pki_server_context(NOT_AFTER);
	struct peer *peer = peer_start(tls, never);
	struct tls_probe_target target = {
		.address = "localhost", .port = peer_port(peer), .server_name = "www.example.com"};
	CHECK_OK(tls_probe(&target, soon(), &result, &err), err);
	pki_fingerprint(tls, fingerprint);
	CHECK_STR(result.fingerprint_sha256, fingerprint);
	CHECK_INT(result.not_after, NOT_AFTER);
	peer_stop(peer);
	SSL_CTX_free(tls);
}

/* Who has none to show is turned away in the midst of a TLS 1.2 handshake, behind the proof of the server's key. */
TEST(a_server_that_wants_a_certificate_of_its_clients_is_seen)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	char fingerprint[65] = "";
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct tls_probe_result result = {0};
		struct error err = {0};
		SSL_CTX *tls = pki_server_context(NOT_AFTER);
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		CHECK_INT(SSL_CTX_set_max_proto_version(tls, versions[i]), 1);
		struct peer *peer = peer_start(tls, never);
		struct tls_probe_target target = {.address = "127.0.0.1", .port = peer_port(peer)};
		CHECK_OK(tls_probe(&target, soon(), &result, &err), err);
		pki_fingerprint(tls, fingerprint);
		CHECK_STR(result.fingerprint_sha256, fingerprint);
		peer_stop(peer);
		SSL_CTX_free(tls);
	}
}

TEST(addresses_that_were_looked_up_are_tried_one_after_the_other)
{
	char v6[] = "::1", v4[] = "127.0.0.1";
	char *items[] = {v6, v4}; /* the peer is only on the second */
	const struct str_list both = {items, 2}, first = {items, 1};
	struct tls_probe_result result = {0};
	struct error err = {0};
	SSL_CTX *tls = pki_server_context(NOT_AFTER);
	struct peer *peer = peer_start(tls, never);
	struct tls_probe_target target = {
		.address = "no-resolver-knows-this.invalid", .addresses = &both, .port = peer_port(peer)};
	CHECK_OK(tls_probe(&target, soon(), &result, &err), err);
	target.addresses = &first;
	CHECK(!tls_probe(&target, soon(), &result, &err));
	CHECK_CONTAINS(err.message, "cannot connect to no-resolver-knows-this.invalid");
	peer_stop(peer);
	SSL_CTX_free(tls);
}

TEST(server_name_is_sent_unless_it_is_an_address)
{
	static const struct {
		const char *server_name, *seen;
	} cases[] = {{"www.example.com", "www.example.com"}, {"127.0.0.1", ""}, {"::1", ""}, {NULL, ""}};
	SSL_CTX *tls = pki_server_context(NOT_AFTER);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tls_probe_result result = {0};
		struct error err = {0};
		struct peer *peer = peer_start(tls, never);
		struct tls_probe_target target = {
			.address = "127.0.0.1", .port = peer_port(peer), .server_name = cases[i].server_name};
		CHECK_OK(tls_probe(&target, soon(), &result, &err), err);
		/* The server's thread writes it down before it answers anything. */
		(void)usleep(50 * 1000);
		char seen[256] = "";
		peer_server_name(peer, seen, sizeof(seen));
		CHECK_STR(seen, cases[i].seen);
		peer_stop(peer);
	}
	SSL_CTX_free(tls);
}

TEST(expired_certificates_are_reported_too)
{
	struct tls_probe_result result = {0};
	struct error err = {0};
	SSL_CTX *tls = pki_server_context(1600000000);
	struct peer *peer = peer_start(tls, never);
	struct tls_probe_target target = {.address = "127.0.0.1", .port = peer_port(peer), .server_name = "localhost"};
	CHECK_OK(tls_probe(&target, soon(), &result, &err), err);
	CHECK_INT(result.not_after, 1600000000);
	peer_stop(peer);
	SSL_CTX_free(tls);
}

TEST(closed_port_and_unknown_host_are_named)
{
	struct tls_probe_result result = {0};
	struct error err = {0};
	struct peer *peer = peer_start(NULL, NULL);
	struct tls_probe_target target = {.address = "127.0.0.1", .port = peer_port(peer), .server_name = "localhost"};
	peer_stop(peer);
	CHECK(!tls_probe(&target, soon(), &result, &err));
	CHECK_INT(err.category, ERROR_NETWORK);
	CHECK(err.transient);
	CHECK_CONTAINS(err.message, "cannot connect to 127.0.0.1:");
	CHECK_CONTAINS(err.message, "Connection refused");
	CHECK_STR(result.fingerprint_sha256, "");
	err = (struct error){0};
	target.address = "host.invalid.";
	CHECK(!tls_probe(&target, deadline_in(3000, NULL), &result, &err));
	CHECK_CONTAINS(err.message, "host.invalid");
}

static bool hang_up(struct peer_connection *connection, const struct peer_request *request)
{
	(void)request;
	(void)peer_say(connection, "HTTP/1.1 400 Bad Request\r\n\r\n");
	return false;
}

TEST(silent_and_plain_servers_fail_in_time)
{
	struct tls_probe_result result = {0};
	struct error err = {0};
	struct peer *silent = peer_start(NULL, NULL), *plain = peer_start(NULL, hang_up);
	struct tls_probe_target target = {
		.address = "127.0.0.1", .port = peer_port(silent), .server_name = "localhost"};
	int64_t before = clock_monotonic_ms();
	CHECK(!tls_probe(&target, deadline_in(300, NULL), &result, &err));
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK_INT(err.category, ERROR_TIMEOUT);
	peer_stop(silent);

	/* It waits for the end of a request that never comes, and is cut off here. */
	err = (struct error){0};
	target.port = peer_port(plain);
	CHECK(!tls_probe(&target, deadline_in(300, NULL), &result, &err));
	peer_stop(plain);
}

/* ---- protocols that begin TLS on demand ---- */

static bool pop3(struct peer_connection *connection)
{
	return peer_say(connection, "+OK ready\r\n") && peer_hears(connection, "STLS\r\n") &&
	       peer_say(connection, "+OK begin\r\n");
}

static bool pop3_refusing(struct peer_connection *connection)
{
	return peer_say(connection, "+OK ready\r\n") && peer_hears(connection, "STLS\r\n") &&
	       peer_say(connection, "-ERR \033[31mno certificate\r\n") && peer_hears(connection, "QUIT");
}

static bool pop3_injecting(struct peer_connection *connection)
{
	return peer_say(connection, "+OK ready\r\n") && peer_hears(connection, "STLS\r\n") &&
	       peer_say(connection, "+OK begin\r\n+OK you are admin\r\n");
}

static bool pop3_hanging_up(struct peer_connection *connection)
{
	return peer_say(connection, "+OK rea") && false;
}

static bool pop3_slow(struct peer_connection *connection)
{
	while (peer_say(connection, "+"))
		(void)usleep(10 * 1000);
	return false;
}

/* What becomes of a probe of a server that says PREFACE; the error is empty where it saw the certificate. */
static struct error probe_pop3(peer_preface *preface, int64_t ms)
{
	struct tls_probe_result result = {0};
	struct error err = {0};
	SSL_CTX *tls = pki_server_context(NOT_AFTER);
	struct peer *peer = peer_start(tls, never);
	peer_set_preface(peer, preface);
	struct tls_probe_target target = {
		.address = "127.0.0.1", .port = peer_port(peer), .server_name = "localhost", .starttls = STARTTLS_POP3};
	CHECK(tls_probe(&target, deadline_in(ms, NULL), &result, &err) == (result.not_after == NOT_AFTER));
	peer_stop(peer);
	SSL_CTX_free(tls);
	return err;
}

TEST(tls_begins_behind_what_the_protocol_says)
{
	enum { LONG = 10000, SHORT = 400 };
	struct error err = probe_pop3(pop3, LONG);
	CHECK_INT(err.category, ERROR_NONE);

	err = probe_pop3(pop3_refusing, LONG);
	CHECK_INT(err.category, ERROR_NETWORK);
	CHECK_CONTAINS(err.message, "cannot begin TLS in pop3 with 127.0.0.1:");
	CHECK_STR(err.said, "-ERR \\x1b[31mno certificate");

	err = probe_pop3(pop3_injecting, LONG);
	CHECK_CONTAINS(err.message, "went on talking");

	err = probe_pop3(pop3_hanging_up, LONG);
	CHECK_CONTAINS(err.message, "connection closed");

	int64_t before = clock_monotonic_ms();
	err = probe_pop3(pop3_slow, SHORT);
	CHECK_INT(err.category, ERROR_TIMEOUT);
	CHECK(clock_monotonic_ms() - before < 15000);
}

static void *cancel_later(void *arg)
{
	(void)usleep(100 * 1000);
	cancel_request(arg);
	return NULL;
}

TEST(cancellation_wakes_at_once)
{
	struct cancel cancel;
	struct tls_probe_result result = {0};
	struct error err = {0};
	pthread_t thread;
	struct peer *silent = peer_start(NULL, NULL);
	struct tls_probe_target target = {
		.address = "127.0.0.1", .port = peer_port(silent), .server_name = "localhost"};
	CHECK_OK(cancel_init(&cancel, &err), err);
	CHECK(pthread_create(&thread, NULL, cancel_later, &cancel) == 0);
	int64_t before = clock_monotonic_ms();
	CHECK(!tls_probe(&target, deadline_in(20000, &cancel), &result, &err));
	CHECK(clock_monotonic_ms() - before < 15000);
	CHECK_INT(err.category, ERROR_CANCELLED);
	(void)pthread_join(thread, NULL);
	cancel_done(&cancel);
	peer_stop(silent);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* What transcripts cannot show: one session shared by threads, and which URLs it keeps to. */
#include "acme/session.h"

#include "acme/key.h"
#include "base/json.h"
#include "base/limits.h"
#include "support_keys.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { THREADS = 8, POSTS = 20 };

static atomic_uint directories, posts_seen, nonces;

static void add_header(struct http_response *response, const char *name, const char *value)
{
	struct error err = {0};
	CHECK_OK(http_response_add_header(response, name, strlen(name), value, strlen(value), &err), err);
}

/* A CA that answers everything, slowly where a race would show. */
static bool send_any(void *ctx, struct http_exchange *exchanges, size_t count, struct deadline deadline,
		     struct error *err)
{
	(void)ctx;
	(void)deadline;
	(void)err;
	for (size_t i = 0; i < count; i++) {
		struct http_response *response = &exchanges[i].response;
		char nonce[32];
		response->status = 200;
		buf_init(&response->body, 4096);
		if (exchanges[i].request.method == HTTP_GET) {
			atomic_fetch_add(&directories, 1);
			(void)nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
			buf_str(&response->body,
				"{\"newNonce\":\"https://ca.example/n\",\"newAccount\":\"https://ca.example/a\","
				"\"newOrder\":\"https://ca.example/o\"}");
		} else {
			(void)snprintf(nonce, sizeof(nonce), "n%u", atomic_fetch_add(&nonces, 1));
			add_header(response, "Replay-Nonce", nonce);
			if (exchanges[i].request.method == HTTP_POST)
				atomic_fetch_add(&posts_seen, 1);
		}
		exchanges[i].ok = true;
	}
	return true;
}

static bool wait_any(void *ctx, int64_t ms, struct deadline deadline, struct error *err)
{
	(void)ctx;
	(void)ms;
	return deadline_check(deadline, NULL, err);
}

static int64_t now_any(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct acme_port port = {.send = send_any, .wait = wait_any, .now = now_any};

struct worker {
	struct acme_session *session;
	struct acme_identity identity;
	bool ok;
};

static void *work(void *ctx)
{
	struct worker *worker = ctx;
	struct error err = {0};
	const struct deadline deadline = deadline_in(10000, NULL);
	worker->ok = acme_session_directory(worker->session, deadline, &err) != NULL;
	for (int i = 0; worker->ok && i < POSTS; i++) {
		struct acme_post pair[2] = {{.url = "https://ca.example/1"}, {.url = "https://ca.example/2"}};
		worker->ok = acme_session_post(worker->session, &worker->identity, pair, 2, "test", deadline, &err);
		acme_post_done(&pair[0]);
		acme_post_done(&pair[1]);
	}
	return NULL;
}

TEST(threads_share_a_session)
{
	struct error err = {0};
	struct acme_signer signer;
	pthread_t threads[THREADS];
	struct worker workers[THREADS];
	struct key *key = vector_key(vector_ec_pem);
	struct acme_session *session = acme_session_new(&port, "https://ca.example/directory", &err);
	CHECK_OK(session != NULL && key_signer(key, &signer, &err), err);
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.session = session,
					     .identity = {.signer = &signer, .kid = "https://ca.example/k"}};
		CHECK_INT(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		CHECK_INT(pthread_join(threads[i], NULL), 0);
		CHECK(workers[i].ok);
	}
	CHECK_INT(atomic_load(&directories), 1);
	CHECK_INT(atomic_load(&posts_seen), THREADS * POSTS * 2);
	acme_session_free(session);
	key_free(key);
}

TEST(directory_urls)
{
	static const struct {
		const char *url;
		bool good;
	} cases[] = {
		{"https://ca.example/directory", true}, {"http://127.0.0.1:14000/dir", true},
		{"http://[::1]:14000/dir", true},       {"http://ca.example/directory", false},
		{"http://localhost/dir", false},        {"ca.example", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		struct acme_session *session = acme_session_new(&port, cases[i].url, &err);
		CHECK_INT(session != NULL, cases[i].good);
		CHECK(cases[i].good || err.category == ERROR_CONFIG);
		acme_session_free(session);
	}
}

TEST(urls_from_the_ca)
{
	struct error err = {0};
	struct acme_session *session = acme_session_new(&port, "https://ca.example/directory", &err);
	CHECK_OK(acme_session_check_url(session, "https://CA.example:443/order/1", "test", &err), err);
	CHECK(!acme_session_check_url(session, "https://ca.example:8443/order/1", "test", &err));
	CHECK_INT(err.category, ERROR_CA);
	CHECK_CONTAINS(err.message, "another server");
	error_clear(&err);
	CHECK(!acme_session_check_url(session, "http://ca.example/order/1", "test", &err));
	error_clear(&err);
	CHECK(!acme_session_check_url(session, "file:///etc/passwd", "test", &err));
	CHECK_STR(err.step, "test");
	acme_session_free(session);
}

TEST_MAIN()

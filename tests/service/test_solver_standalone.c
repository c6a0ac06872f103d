/* SPDX-License-Identifier: Apache-2.0 */
/* The solver with a responder of our own, through a service whose store is a temporary folder. */
#include "service/solver.h"

#include "service/service.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char TOKEN[] = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

static struct service *open_service(struct cancel *cancel)
{
	struct error err = {0};
	const struct service_options options = {
		.state_dir = test_temp_dir(),
		.create_store = true,
		.lock_timeout_ms = 1000,
		.cancel = cancel,
	};
	struct service *service = service_open(&options, &err);
	CHECK_OK(service != NULL, err);
	return service;
}

/* A free port of loopback as a renewal writes it. */
static const char *free_listen(uint16_t *ret_port)
{
	static char text[32];
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(fd, (struct sockaddr *)&address, len) == 0 &&
	      getsockname(fd, (struct sockaddr *)&address, &len) == 0);
	close(fd);
	*ret_port = ntohs(address.sin_port);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)*ret_port);
	return text;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The answer's first bytes to a request for TOKEN. */
static void ask(uint16_t port, char *out, size_t size)
{
	char request[256];
	int fd = connect_to(port);
	CHECK(fd >= 0);
	int len = snprintf(request, sizeof(request), "GET /.well-known/acme-challenge/%s HTTP/1.1\r\n\r\n", TOKEN);
	CHECK(send(fd, request, (size_t)len, MSG_NOSIGNAL) == len);
	ssize_t got = recv(fd, out, size - 1, MSG_WAITALL);
	out[got > 0 ? got : 0] = '\0';
	close(fd);
}

static struct acme_challenge_task task(enum challenge_type type)
{
	return (struct acme_challenge_task){
		.type = type,
		.identifier = {IDENTIFIER_DNS, "example.com"},
		.token = TOKEN,
		.key_authorization = "token.thumbprint",
	};
}

TEST(it_is_bound_from_open_to_close_and_answers_in_between)
{
	struct error err = {0};
	struct acme_solver port;
	struct acme_challenge_task one = task(CHALLENGE_HTTP_01);
	char name[] = "example.com", answer[512], listen[32];
	uint16_t number = 0;
	struct service *service = open_service(NULL);
	(void)snprintf(listen, sizeof(listen), "%s", free_listen(&number));
	struct renewal wanted = {.name = name, .challenge = CHALLENGE_HTTP_01, .listen = listen};

	struct solver *solver = solver_open(service, &wanted, &port, &err);
	CHECK_OK(solver != NULL, err);
	CHECK_INT(port.type, CHALLENGE_HTTP_01);
	ask(number, answer, sizeof(answer));
	CHECK_CONTAINS(answer, " 404 ");
	CHECK_OK(port.present(port.ctx, &one, 1, deadline_in(1000, NULL), &err), err);
	ask(number, answer, sizeof(answer));
	CHECK_CONTAINS(answer, "token.thumbprint");
	CHECK_OK(port.cleanup(port.ctx, &one, 1, &err), err);
	ask(number, answer, sizeof(answer));
	CHECK_CONTAINS(answer, " 404 ");
	solver_close(solver);
	CHECK(connect_to(number) < 0);
	service_close(service);
}

TEST(certificates_share_a_responder_and_the_last_one_closes_it)
{
	struct error err = {0};
	struct acme_solver port;
	char name[] = "example.com", listen[32];
	uint16_t number = 0;
	struct service *service = open_service(NULL);
	(void)snprintf(listen, sizeof(listen), "%s", free_listen(&number));
	struct renewal wanted = {.name = name, .challenge = CHALLENGE_TLS_ALPN_01, .listen = listen};

	struct solver *one = solver_open(service, &wanted, &port, &err);
	struct solver *two = solver_open(service, &wanted, &port, &err);
	CHECK_OK(one != NULL && two != NULL, err);
	solver_close(one);
	int fd = connect_to(number);
	CHECK(fd >= 0);
	close(fd);
	solver_close(two);
	CHECK(connect_to(number) < 0);
	service_close(service);
}

static void *ask_later(void *arg)
{
	const uint16_t *port = arg;
	char answer[512];
	struct error err = {0};
	if (deadline_sleep(deadline_in(10000, NULL), 100, NULL, &err))
		ask(*port, answer, sizeof(answer));
	return NULL;
}

TEST(waiting_ends_when_the_ca_has_asked)
{
	struct error err = {0};
	struct acme_solver port;
	struct acme_challenge_task one = task(CHALLENGE_HTTP_01);
	char name[] = "example.com", listen[32];
	uint16_t number = 0;
	pthread_t ca;
	struct service *service = open_service(NULL);
	(void)snprintf(listen, sizeof(listen), "%s", free_listen(&number));
	struct renewal wanted = {.name = name, .challenge = CHALLENGE_HTTP_01, .listen = listen};
	struct solver *solver = solver_open(service, &wanted, &port, &err);
	CHECK_OK(solver != NULL, err);
	CHECK_OK(port.present(port.ctx, &one, 1, deadline_in(1000, NULL), &err), err);
	CHECK(pthread_create(&ca, NULL, ask_later, &number) == 0);
	int64_t begin = clock_monotonic_ms();
	CHECK_OK(port.await_asked(port.ctx, deadline_in(10000, NULL), &err), err);
	int64_t waited = clock_monotonic_ms() - begin;
	CHECK(waited >= 90 && waited < 2000);
	(void)pthread_join(ca, NULL);
	CHECK_OK(port.cleanup(port.ctx, &one, 1, &err), err);
	solver_close(solver);
	service_close(service);
}

TEST(waiting_ends_without_a_request_and_on_cancellation)
{
	struct error err = {0};
	struct acme_solver port;
	struct acme_challenge_task one = task(CHALLENGE_TLS_ALPN_01);
	struct cancel cancel;
	char name[] = "example.com", listen[32];
	uint16_t number = 0;
	CHECK_OK(cancel_init(&cancel, &err), err);
	struct service *service = open_service(&cancel);
	(void)snprintf(listen, sizeof(listen), "%s", free_listen(&number));
	struct renewal wanted = {.name = name, .challenge = CHALLENGE_TLS_ALPN_01, .listen = listen};
	struct solver *solver = solver_open(service, &wanted, &port, &err);
	CHECK_OK(solver != NULL, err);
	CHECK_OK(port.present(port.ctx, &one, 1, deadline_in(1000, NULL), &err), err);
	int64_t begin = clock_monotonic_ms();
	CHECK_OK(port.await_asked(port.ctx, deadline_in(60000, &cancel), &err), err);
	CHECK(clock_monotonic_ms() - begin < 10000);
	cancel_request(&cancel);
	begin = clock_monotonic_ms();
	CHECK(!port.await_asked(port.ctx, deadline_in(60000, &cancel), &err));
	CHECK(clock_monotonic_ms() - begin < 1000);
	CHECK_INT(err.category, ERROR_CANCELLED);
	error_clear(&err);
	CHECK_OK(port.cleanup(port.ctx, &one, 1, &err), err);
	solver_close(solver);
	service_close(service);
	cancel_done(&cancel);
}

TEST(a_port_that_is_taken_fails_the_opening)
{
	struct error err = {0};
	struct acme_solver port;
	char name[] = "example.com", listen[32];
	uint16_t number = 0;
	struct service *service = open_service(NULL);
	(void)snprintf(listen, sizeof(listen), "%s", free_listen(&number));
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(number), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	struct renewal wanted = {.name = name, .challenge = CHALLENGE_HTTP_01, .listen = listen};
	CHECK(solver_open(service, &wanted, &port, &err) == NULL);
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_STR(err.step, "challenge");
	close(fd);
	error_clear(&err);
	struct solver *solver = solver_open(service, &wanted, &port, &err);
	CHECK_OK(solver != NULL, err);
	solver_close(solver);
	service_close(service);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-01 and tls-alpn-01 by a responder of our own (RFC 8555 §8.3, RFC 8737). The port is bound when the solver is
 * opened, which is before anything is ordered.
 */
#include "service/solver.h"

#include "acme/alpn_certificate.h"
#include "base/limits.h"
#include "service/responders.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ASKED_MS = 2000 }; /* CAs ask within a second; one that does not ask at all has its reason told by the order */

struct standalone {
	struct service *service;
	struct shared_responder *shared;
	int asked; /* eventfd: how many names the CA has asked for */
	size_t count;
};

/* What is made for one answer and needed until it has been added. */
struct material {
	char server_name[IDENTIFIER_MAX];
	struct buf certificate;
	struct secret key;
};

static void materials_free(struct material *materials, size_t count)
{
	for (size_t i = 0; materials != NULL && i < count; i++) {
		buf_done(&materials[i].certificate);
		secret_done(&materials[i].key);
	}
	free(materials);
}

static bool make_answer(const struct acme_challenge_task *task, struct material *material, struct responder_answer *ret,
			struct error *err)
{
	*ret = (struct responder_answer){.name = task->token, .key_authorization = task->key_authorization};
	if (task->type == CHALLENGE_HTTP_01)
		return true;
	buf_init(&material->certificate, LIMIT_KEY_FILE);
	if (!alpn_certificate_make(&task->identifier, task->key_authorization, clock_wall(), &material->certificate,
				   &material->key, err))
		return false;
	ret->name = identifier_server_name(&task->identifier, material->server_name);
	ret->certificate = material->certificate.data;
	ret->certificate_len = material->certificate.len;
	ret->key = &material->key;
	return true;
}

static bool standalone_present(void *ctx, const struct acme_challenge_task *tasks, size_t count,
			       struct deadline deadline, struct error *err)
{
	struct standalone *standalone = ctx;
	AUTO_FREE struct responder_answer *answers = calloc(count ? count : 1, sizeof(*answers));
	struct material *materials = calloc(count ? count : 1, sizeof(*materials));
	bool ok = (answers != NULL && materials != NULL) || error_oom(err);
	eventfd_t of_before = 0;

	/* Some names may have been presented and asked for earlier. */
	(void)eventfd_read(standalone->asked, &of_before);
	for (size_t i = 0; ok && i < count; i++)
		ok = make_answer(&tasks[i], &materials[i], &answers[i], err);
	ok = ok && responder_add(shared_responder_get(standalone->shared), standalone, answers, count,
				 standalone->asked, deadline, err);
	standalone->count = ok ? count : 0;
	materials_free(materials, count);
	return ok;
}

/* Looking at the order before the CA has asked would only make it tell us when to come back. */
static bool standalone_await(void *ctx, struct deadline deadline, struct error *err)
{
	const struct standalone *standalone = ctx;
	struct deadline usual = deadline_within(deadline, ASKED_MS);
	struct pollfd fds[] = {
		{.fd = standalone->asked, .events = POLLIN},
		{.fd = deadline.cancel != NULL ? deadline.cancel->fd : -1, .events = POLLIN},
	};
	size_t asked = 0;
	int64_t left = 0;

	while (asked < standalone->count && (left = deadline_left_ms(usual)) > 0) {
		eventfd_t more = 0;
		(void)poll(fds, ARRAY_LEN(fds), (int)left);
		if (eventfd_read(standalone->asked, &more) == 0)
			asked += (size_t)more;
	}
	return deadline_check(deadline, /* step= */ NULL, err);
}

static bool standalone_cleanup(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct error *err)
{
	struct standalone *standalone = ctx;

	(void)tasks;
	(void)count;
	(void)err;
	responder_remove(shared_responder_get(standalone->shared), standalone);
	return true;
}

void *solver_standalone_open(struct service *service, const struct renewal *wanted, struct acme_solver *ret_port,
			     struct error *err)
{
	struct listen_address listen;
	struct standalone *standalone = calloc(1, sizeof(*standalone));

	if (standalone == NULL) {
		error_oom(err);
		return NULL;
	}
	*standalone = (struct standalone){.service = service};
	standalone->asked = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (standalone->asked < 0)
		error_errno(err, ERROR_INTERNAL, "challenge", errno, "cannot make an eventfd");
	else if (!listen_address_parse(wanted->listen, &listen))
		error_set(err, ERROR_STORE, "challenge", "the record of %s has no usable address to listen on",
			  wanted->name);
	else
		standalone->shared = responders_take(service, wanted->challenge, &listen, err);
	if (standalone->shared == NULL) {
		error_context(err, "challenge", /* certificate= */ NULL, /* server= */ NULL);
		solver_standalone_close(standalone);
		return NULL;
	}
	*ret_port = (struct acme_solver){
		.ctx = standalone,
		.type = wanted->challenge,
		.present = standalone_present,
		.await_asked = standalone_await,
		.cleanup = standalone_cleanup,
	};
	return standalone;
}

void solver_standalone_close(void *ctx)
{
	struct standalone *standalone = ctx;
	if (standalone->shared != NULL)
		responders_release(standalone->service, standalone->shared);
	if (standalone->asked >= 0)
		(void)close(standalone->asked);
	free(standalone);
}

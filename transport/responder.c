/* SPDX-License-Identifier: Apache-2.0 */
/* A listener, a table of answers, and the type that joins them. */
#include "transport/responder.h"

#include "base/str.h"
#include "transport/responder_type.h"

#include <stdlib.h>

struct responder {
	const struct responder_type *type;
	struct answers answers;
	void *ctx; /* the type's */
	struct listener *listener;
};

struct responder *responder_start(const struct responder_type *type, const struct listen_address *address,
				  struct error *err)
{
	struct responder *responder = calloc(1, sizeof(*responder));

	if (responder == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	responder->type = type;
	answers_init(&responder->answers, type->any_case, type->free_value);
	responder->ctx = type->setup(&responder->answers, err);
	if (responder->ctx != NULL)
		responder->listener = listener_start(address, type->instead, &type->protocol, responder->ctx, err);
	if (responder->listener != NULL)
		return responder;
	responder_stop(responder);
	return NULL;
}

void responder_stop(struct responder *responder)
{
	if (responder == NULL)
		return;
	listener_stop(responder->listener);
	if (responder->ctx != NULL)
		responder->type->teardown(responder->ctx);
	answers_done(&responder->answers);
	free(responder);
}

uint16_t responder_port(const struct responder *responder)
{
	return listener_port(responder->listener);
}

bool responder_add(struct responder *responder, const void *owner, const struct responder_answer *answers, size_t count,
		   int asked_fd, struct deadline deadline, struct error *err)
{
	AUTO_FREE struct answer *items = calloc(count ? count : 1, sizeof(*items));
	bool ok = items != NULL || error_oom(err);

	for (size_t i = 0; ok && i < count; i++) {
		items[i].owner = owner;
		items[i].asked_fd = asked_fd;
		ok = str_set(&items[i].name, answers[i].name, err) &&
		     str_set(&items[i].key_authorization, answers[i].key_authorization, err) &&
		     (responder->type->make_value == NULL ||
		      responder->type->make_value(&answers[i], &items[i].value, err));
	}
	if (ok)
		return answers_add(&responder->answers, items, count, deadline, err);
	for (size_t i = 0; items != NULL && i < count; i++)
		answer_done(&responder->answers, &items[i]);
	return false;
}

void responder_remove(struct responder *responder, const void *owner)
{
	answers_remove(&responder->answers, owner);
}

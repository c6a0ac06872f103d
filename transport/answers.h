/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a responder of ours would answer, by name: a small table shared by the threads that validate certificates and
 * the one that is asked. Whoever adds answers owns them, and is told when each is asked for. For responder.c,
 * http01.c, alpn01.c and tests.
 */
#ifndef TRANSPORT_ANSWERS_H
#define TRANSPORT_ANSWERS_H

#include "base/clock.h"
#include "base/error.h"

#include <pthread.h>
#include <stddef.h>

struct answer {
	char *name;              /* a token, or a server name */
	char *key_authorization; /* two answers of one name that agree in it are the same to a CA */
	void *value;             /* the responder type's; may be NULL */
	const void *owner;
	int asked_fd; /* an eventfd of the owner's, written to once: when it is asked for; -1: nobody waits */
	bool asked;
};

struct answers {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	void (*free_value)(void *value); /* NULL: none */
	bool any_case;                   /* names are compared in any case */
	struct answer *items;
	size_t count;
};

void answers_init(struct answers *answers, bool any_case, void (*free_value)(void *value));
void answers_done(struct answers *answers);

/*
 * Add COUNT answers of OWNER, all or none; their strings and values belong to ANSWERS afterwards, whatever comes of it.
 * A name that another owner has another answer for (two certificates of one run may share a name) is waited for until
 * that one is removed, at most until DEADLINE. Refused above LIMIT_RESPONDER_ANSWERS.
 */
MUST_CHECK bool answers_add(struct answers *answers, struct answer *take_items, size_t count, struct deadline deadline,
			    struct error *err);

/* Remove all of OWNER's. Its descriptors are not written to from then on. */
void answers_remove(struct answers *answers, const void *owner);

/* Hand the answer for NAME (LEN bytes) to USE, under the lock, and tell its owners. False when there is none. */
bool answers_use(struct answers *answers, const char *name, size_t len,
		 void (*use)(void *ctx, const struct answer *answer), void *ctx);

/* Release the strings and the value of an answer that was not added. */
void answer_done(const struct answers *answers, struct answer *answer);

#endif

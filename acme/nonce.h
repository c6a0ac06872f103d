/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nonces a CA has handed out and nobody has used yet (RFC 8555 §6.5). Safe to share between threads.
 */
#ifndef ACME_NONCE_H
#define ACME_NONCE_H

#include "base/compiler.h"
#include "base/limits.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct nonce_pool {
	pthread_mutex_t lock;
	char *items[LIMIT_NONCE_POOL]; /* owned, oldest first */
	size_t count;
};

void nonce_pool_init(struct nonce_pool *pool);
void nonce_pool_done(struct nonce_pool *pool);

/* Whether TEXT may be used as a nonce: base64url, 1 to LIMIT_NONCE bytes (§6.5.1). NULL is not. */
bool nonce_is_valid(const char *text);

/* Keep a copy of NONCE; an invalid one is ignored (§6.5.1), a full pool forgets its oldest. */
void nonce_pool_put(struct nonce_pool *pool, const char *nonce);

/* The newest nonce, malloc'd and gone from the pool; NULL when it is dry. */
MUST_CHECK char *nonce_pool_take(struct nonce_pool *pool);

/* Forget all: the CA has begun to refuse them. */
void nonce_pool_drop(struct nonce_pool *pool);

#endif

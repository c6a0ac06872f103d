/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nonce pool. Newest first, because CAs forget the oldest first; kept in memory only, because nonces do not survive
 * a CA's restart either.
 */
#include "acme/nonce.h"

#include <stdlib.h>
#include <string.h>

void nonce_pool_init(struct nonce_pool *pool)
{
	*pool = (struct nonce_pool){0};
	(void)pthread_mutex_init(&pool->lock, NULL);
}

void nonce_pool_done(struct nonce_pool *pool)
{
	nonce_pool_drop(pool);
	(void)pthread_mutex_destroy(&pool->lock);
}

bool nonce_is_valid(const char *text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (text == NULL)
		return false;
	size_t len = strspn(text, alphabet);
	return len > 0 && len <= LIMIT_NONCE && text[len] == '\0';
}

void nonce_pool_put(struct nonce_pool *pool, const char *nonce)
{
	if (!nonce_is_valid(nonce))
		return;
	char *copy = strdup(nonce);
	if (copy == NULL)
		return; /* one more HEAD request later is all that is lost */

	(void)pthread_mutex_lock(&pool->lock);
	if (pool->count == LIMIT_NONCE_POOL) {
		free(pool->items[0]);
		pool->count--;
		memmove(&pool->items[0], &pool->items[1], pool->count * sizeof(pool->items[0]));
	}
	pool->items[pool->count++] = copy;
	(void)pthread_mutex_unlock(&pool->lock);
}

char *nonce_pool_take(struct nonce_pool *pool)
{
	char *nonce = NULL;
	(void)pthread_mutex_lock(&pool->lock);
	if (pool->count > 0)
		nonce = pool->items[--pool->count];
	(void)pthread_mutex_unlock(&pool->lock);
	return nonce;
}

void nonce_pool_drop(struct nonce_pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	while (pool->count > 0)
		free(pool->items[--pool->count]);
	(void)pthread_mutex_unlock(&pool->lock);
}

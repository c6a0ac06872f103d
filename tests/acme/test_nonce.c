/* SPDX-License-Identifier: Apache-2.0 */
/* The nonce pool: newest first, each once, nothing malformed, never too many. */
#include "acme/nonce.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static void check_next(struct nonce_pool *pool, const char *want)
{
	char *got = nonce_pool_take(pool);
	CHECK_STR(got, want);
	free(got);
}

TEST(newest_first_and_once)
{
	struct nonce_pool pool;
	nonce_pool_init(&pool);
	nonce_pool_put(&pool, "first");
	nonce_pool_put(&pool, "second");
	check_next(&pool, "second");
	check_next(&pool, "first");
	check_next(&pool, NULL);
	nonce_pool_put(&pool, "third");
	nonce_pool_drop(&pool);
	check_next(&pool, NULL);
	nonce_pool_done(&pool);
}

TEST(malformed_is_ignored)
{
	struct nonce_pool pool;
	char text[LIMIT_NONCE + 2];
	nonce_pool_init(&pool);
	nonce_pool_put(&pool, NULL);
	nonce_pool_put(&pool, "");
	nonce_pool_put(&pool, "with space");
	nonce_pool_put(&pool, "padded=");
	nonce_pool_put(&pool, "quote\"");
	memset(text, 'n', sizeof(text));
	text[LIMIT_NONCE + 1] = '\0';
	nonce_pool_put(&pool, text);
	check_next(&pool, NULL);
	text[LIMIT_NONCE] = '\0';
	nonce_pool_put(&pool, text);
	check_next(&pool, text);
	nonce_pool_done(&pool);
}

TEST(full_pool_forgets_the_oldest)
{
	struct nonce_pool pool;
	char text[32];
	nonce_pool_init(&pool);
	for (int i = 0; i <= LIMIT_NONCE_POOL; i++) {
		(void)snprintf(text, sizeof(text), "n%d", i);
		nonce_pool_put(&pool, text);
	}
	for (int i = LIMIT_NONCE_POOL; i >= 1; i--) {
		(void)snprintf(text, sizeof(text), "n%d", i);
		check_next(&pool, text);
	}
	check_next(&pool, NULL);
	nonce_pool_done(&pool);
}

TEST_MAIN()

/* SPDX-License-Identifier: Apache-2.0 */
/* A hash of what the config says (FNV-1a): nobody gains anything by two that are equal. */
#include "service/placement.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* With its end, so that "a", "bc" is not "ab", "c"; NULL is another than "". */
static void take(uint64_t *hash, const char *text)
{
	size_t len = text != NULL ? strlen(text) + 1 : 0;
	for (size_t i = 0; i < len; i++)
		*hash = (*hash ^ (unsigned char)text[i]) * FNV_PRIME;
	*hash = (*hash ^ (text != NULL)) * FNV_PRIME;
}

void placement_of(const struct config_server *server, char out[RENEWAL_PLACED_SIZE])
{
	uint64_t hash = FNV_OFFSET;
	char numbers[64];

	(void)snprintf(numbers, sizeof(numbers), "%u %" PRIo32 " %d", (unsigned)server->port, server->key_mode,
		       server->combined);
	const char *const texts[] = {server->host, server->proxy_jump, numbers,
				     server->dir,  server->owner,      server->group};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		take(&hash, texts[i]);
	for (size_t i = 0; i < server->copy_count; i++) {
		take(&hash, server->copies[i].file);
		take(&hash, server->copies[i].path);
	}
	(void)snprintf(out, RENEWAL_PLACED_SIZE, "%016" PRIx64, hash);
}

void placement_compare(const struct config *config, struct renewal *wanted)
{
	for (size_t i = 0; config != NULL && i < wanted->server_count; i++) {
		struct renewal_server *server = &wanted->servers[i];
		const struct config_server *known = config_find_server(config, server->name);
		char placed[RENEWAL_PLACED_SIZE];
		/* Records of older versions do not say. */
		if (known == NULL || server->placed[0] == '\0')
			continue;
		placement_of(known, placed);
		server->moved = !str_equal(placed, server->placed);
	}
}

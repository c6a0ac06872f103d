/* SPDX-License-Identifier: Apache-2.0 */
/* Every reader of Azure DNS's answers. Ids, links and etags that come out may stand in a URL or a header. */
#include "dns-providers/azure_message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool is_visible(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

static void read_zones(const char *text, size_t size)
{
	struct str_list ids = {0};
	struct error listing = {0}, single = {0};
	char *next = NULL;
	bool is_public = false;
	require(azure_read_zones(text, size, &ids, &next, &listing) != error_is_set(&listing));
	for (size_t i = 0; i < ids.len; i++)
		require(azure_zone_name(ids.items[i]) != NULL && strstr(ids.items[i], "/../") == NULL);
	require(next == NULL || (next[0] == '/' && is_visible(next)));
	require(azure_read_zone(text, size, "example.com", &is_public, &single) != error_is_set(&single));
	str_list_done(&ids);
	free(next);
}

/* What was read can be written back. */
static void read_set(const char *text, size_t size)
{
	struct provider_set set = {0};
	struct error reading = {0}, writing = {0};
	struct buf written;
	bool read = azure_read_set(text, size, &set, &reading);
	require(read != error_is_set(&reading));
	buf_init(&written, 4 * 1024 * 1024);
	if (read) {
		require(set.version != NULL && set.version[0] != '\0' && is_visible(set.version));
		require(azure_write_set(&set, &written, &writing));
	}
	buf_done(&written);
	provider_set_done(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct http_response answer = {.status = 400};
	struct provider_failure failure = {0};

	read_zones(text, size);
	read_set(text, size);
	buf_init(&answer.body, 1024 * 1024);
	buf_append(&answer.body, data, size);
	if (azure_read_failure(&answer, &failure))
		require(failure.text[0] != '\0' && failure.count <= PROVIDER_CODES_MAX);
	http_response_done(&answer);
	return 0;
}

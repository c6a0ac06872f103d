/* SPDX-License-Identifier: Apache-2.0 */
/* Every reader of Cloudflare's answers. Ids that come out may stand in a URL. */
#include "dns-providers/cloudflare_message.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char NAME[] = "_acme-challenge.example.com";
static const char VALUE[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void read_zones(const char *text, size_t size)
{
	struct cloudflare_zones zones = {0};
	struct error err = {0};
	bool ok = cloudflare_read_zones(text, size, "example.com", &zones, &err);
	require(ok != error_is_set(&err));
	require(zones.active == 0 || provider_id_is_valid(zones.id));
}

static void read_records(const char *text, size_t size)
{
	struct str_list ids = {0};
	struct provider_pages pages = {.page = 1};
	struct error err = {0};
	bool ok = cloudflare_read_records(text, size, NAME, VALUE, &ids, &pages, &err);
	require(ok != error_is_set(&err));
	for (size_t i = 0; i < ids.len; i++)
		require(provider_id_is_valid(ids.items[i]));
	str_list_done(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct error err = {0};
	char id[CLOUDFLARE_ID_MAX] = "";

	read_zones(text, size);
	read_records(text, size);
	bool created = cloudflare_read_created(text, size, id, &err);
	require(created != error_is_set(&err) && (!created || provider_id_is_valid(id)));
	return 0;
}

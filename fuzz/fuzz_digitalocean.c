/* SPDX-License-Identifier: Apache-2.0 */
/* Every reader of DigitalOcean's answers. Ids that come out may stand in a URL. */
#include "dns-providers/digitalocean.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct str_list ids = {0};
	struct provider_pages pages = {.page = 1};
	struct error domain = {0}, listing = {0}, creation = {0};
	char *id = NULL;

	bool known = digitalocean_read_domain(text, size, "example.com", &domain);
	require(known != error_is_set(&domain));
	bool listed = digitalocean_read_records(text, size, "_acme-challenge",
						"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", &ids, &pages, &listing);
	require(listed != error_is_set(&listing));
	for (size_t i = 0; i < ids.len; i++)
		require(provider_id_is_valid(ids.items[i]));
	bool created = digitalocean_read_created(text, size, &id, &creation);
	require(created != error_is_set(&creation) && created == (id != NULL));
	require(!created || provider_id_is_valid(id));
	str_list_done(&ids);
	free(id);
	return 0;
}

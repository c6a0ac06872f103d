/* SPDX-License-Identifier: Apache-2.0 */
/* Every reader of Google Cloud DNS's answers, and of its credentials files. Names that come out may stand in a URL. */
#include "dns-providers/common.h"
#include "dns-providers/google_account.h"
#include "dns-providers/google_message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void read_zones(const char *text, size_t size)
{
	struct google_zones zones;
	struct error listing = {0}, single = {0};
	char *next = NULL, *apex = NULL;
	google_zones_init(&zones);
	require(google_read_zones(text, size, "example.com.", &zones, &next, &listing) != error_is_set(&listing));
	require(google_read_zone(text, size, &apex, &zones, &single) != error_is_set(&single));
	for (size_t i = 0; i < zones.usable.len; i++)
		require(provider_id_is_valid(zones.usable.items[i]));
	require(apex == NULL || provider_name_is_valid(apex));
	require(next == NULL || next[0] != '\0');
	google_zones_done(&zones);
	free(next);
	free(apex);
}

/* What was read can be written back. */
static void read_set(const char *text, size_t size)
{
	struct provider_set set = {0}, none = {0};
	struct error reading = {0}, writing = {0};
	struct buf change;
	char *next = NULL;
	bool read = google_read_set(text, size, "_acme-challenge.example.com.", &set, &next, &reading);
	require(read != error_is_set(&reading));
	buf_init(&change, 4 * 1024 * 1024);
	if (read)
		require(google_write_change("_acme-challenge.example.com.", &set, &none, &change, &writing));
	buf_done(&change);
	provider_set_done(&set);
	free(next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct error change = {0}, credentials = {0};
	struct google_credentials read = {0};
	char id[64] = "", status[32] = "";

	read_zones(text, size);
	read_set(text, size);
	require(google_read_change(text, size, id, status, &change) != error_is_set(&change));
	bool usable = google_credentials_read(text, size, "the file", &read, &credentials);
	require(usable != error_is_set(&credentials));
	require(!usable || read.token_url != NULL);
	require(usable || (read.email == NULL && read.key == NULL && read.refresh_token.data == NULL));
	google_credentials_done(&read);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of PowerDNS's answers. What was read as a set can be written again. */
#include "dns-providers/common.h"
#include "dns-providers/powerdns.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char NAME[] = "_acme-challenge.example.com.";

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void read_zones(const char *text, size_t size)
{
	struct error err = {0};
	struct buf unusable;
	char *id = NULL;
	buf_init(&unusable, 1024);
	bool ok = powerdns_read_zones(text, size, "example.com.", &id, &unusable, &err);
	require(ok != error_is_set(&err));
	require(id == NULL || provider_name_is_valid(id));
	free(id);
	buf_done(&unusable);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct provider_set set = {0}, again = {0};
	struct error err = {0};
	struct buf body;

	read_zones((const char *)data, size);
	buf_init(&body, 4 * 1024 * 1024);
	bool read = powerdns_read_set((const char *)data, size, NAME, &set, &err) ||
		    (error_clear(&err), powerdns_read_disabled((const char *)data, size, NAME, &set, &err));
	if (read) {
		require(powerdns_write_set(NAME, &set, &body, &err));
		require(set.values.len == 0 || (powerdns_read_set(buf_cstr(&body), body.len, NAME, &again, &err) &&
						again.values.len == set.values.len && again.ttl == set.ttl));
	}
	buf_done(&body);
	provider_set_done(&set);
	provider_set_done(&again);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Route 53's lists. An id may stand in a URL; a set that is read can be written back. */
#include "base/buf.h"
#include "dns-providers/route53.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void read_set(const char *text, size_t size)
{
	struct provider_set set = {0}, none = {0};
	struct error err = {0};
	struct buf out;
	bool routed = false;
	bool ok = route53_read_set(text, size, "_acme-challenge.example.com", &set, &routed, &err);
	require(ok != error_is_set(&err) && (ok || set.values.len == 0));
	require(set.ttl >= 0);
	buf_init(&out, 16 * 1024 * 1024);
	require(route53_write_batch("_acme-challenge.example.com", &set, &none, &out, &err) || !ok);
	buf_done(&out);
	provider_set_done(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct route53_zones zones = {0};
	struct error listing = {0}, change = {0};
	bool ok = route53_read_zones((const char *)data, size, "example.com", &zones, &listing);
	require(ok != error_is_set(&listing));
	require(zones.public_count == 0 || provider_id_is_valid(zones.id));
	read_set((const char *)data, size);
	ok = route53_read_change((const char *)data, size, &change);
	require(ok != error_is_set(&change));
	return 0;
}

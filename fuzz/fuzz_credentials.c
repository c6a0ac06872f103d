/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials files. What is read back is ours or certbot's form of known keys, without duplicates; refusals have a
 * text. */
#include "dns-providers/registry.h"

#include "base/str.h"

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
	size_t module_count = 0;
	const struct dns_provider_module *const *modules = dns_provider_modules(&module_count);

	for (size_t i = 0; i < module_count; i++) {
		struct dns_credentials credentials = {0};
		struct error err = {0};
		const char *nearest = NULL;
		bool ok = dns_credentials_parse(modules[i], (const char *)data, size, "file", &credentials, &err);
		require(ok != error_is_set(&err));
		require(ok || (err.category == ERROR_CONFIG && credentials.count == 0));
		for (size_t j = 0; j < credentials.count; j++) {
			require(dns_provider_key_known(modules[i], credentials.keys[j], &nearest));
			require(credentials.values[j].len > 0);
			for (size_t k = 0; k < j; k++)
				require(!str_equal(credentials.keys[j], credentials.keys[k]));
		}
		dns_credentials_done(&credentials);
	}
	return 0;
}

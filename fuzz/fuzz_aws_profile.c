/* SPDX-License-Identifier: Apache-2.0 */
/* AWS's shared files, as both kinds: profiles and keys come out as whole strings, and values never in an error. */
#include "dns-providers/aws_profile.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int is_config = 0; is_config < 2; is_config++) {
		struct aws_profiles profiles = {0};
		struct error err = {0};
		bool ok = aws_profiles_parse(&profiles, (const char *)data, size, "f", is_config != 0, &err);
		if (ok == error_is_set(&err))
			abort();
		for (size_t i = 0; i < profiles.count; i++) {
			const struct aws_profile_entry *entry = &profiles.entries[i];
			if (entry->profile[0] == '\0' || !aws_profiles_has(&profiles, entry->profile))
				abort();
			if (entry->value.len > 0 && aws_profiles_get(&profiles, entry->profile, entry->key) == NULL)
				abort();
		}
		aws_profiles_done(&profiles);
	}
	return 0;
}

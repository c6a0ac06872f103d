/* SPDX-License-Identifier: Apache-2.0 */
/* known_hosts files: no verdict without a line, no line without a verdict. */
#include "base/buf.h"
#include "base/error.h"
#include "transport/known_hosts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct known_hosts_key keys[] = {
		{"web-1.example.com", 22, "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIAAA"},
		{"192.0.2.1", 2222, "ssh-rsa", "AAAAB3NzaC1yc2EAAAADAQAB"},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		unsigned line = 0;
		enum known_hosts_verdict verdict = known_hosts_check((const char *)data, size, &keys[i], &line);
		if ((verdict == KNOWN_HOSTS_UNKNOWN) != (line == 0))
			abort();
		unsigned types =
			known_hosts_types((const char *)data, size, keys[i].host, keys[i].port, &keys[i].type, 1);
		if (verdict == KNOWN_HOSTS_OK && types != 1)
			abort();
		struct error err = {0};
		struct buf text CLEANUP(buf_done);
		buf_init(&text, 2 * size + 1024);
		unsigned removed = 0;
		if (verdict == KNOWN_HOSTS_REVOKED ||
		    !known_hosts_replace((const char *)data, size, &keys[i], &text, &removed, &err))
			continue;
		if (known_hosts_check(text.data, text.len, &keys[i], &line) != KNOWN_HOSTS_OK)
			abort();
	}
	return 0;
}

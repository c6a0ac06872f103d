/* SPDX-License-Identifier: Apache-2.0 */
/* An SSH config and the jump hosts that it names: whatever it says, a refusal tells where, and hosts are hosts. */
#include "base/error.h"
#include "base/identifier.h"
#include "config/jump.h"
#include "config/ssh_config.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool pass_over(void *ctx, const char *pattern, struct error *err)
{
	(void)ctx;
	(void)err;
	return pattern != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(ssh_config_host_done) struct ssh_config_host host = {.alias = "web-1", .local_user = "root"};
	struct error err = {0};
	bool ok = ssh_config_read(&host, size > 0 ? (const char *)data : "", size, "f", pass_over, NULL, &err);

	if (ok == error_is_set(&err))
		abort();
	if (ok && host.wants_final) {
		ok = ssh_config_begin_final(&host, &err) &&
		     ssh_config_read(&host, size > 0 ? (const char *)data : "", size, "f", pass_over, NULL, &err);
		if (ok == error_is_set(&err))
			abort();
	}
	(void)ssh_config_is_canonicalized(&host);
	for (const char *at = host.proxy_jump.texts.len > 0 ? host.proxy_jump.texts.items[0] : NULL; at != NULL;) {
		CLEANUP(jump_done) struct jump jump = {0};
		error_clear(&err);
		if (!jump_next(&at, &jump, &err))
			break;
		if (!host_is_valid(jump.host))
			abort();
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* authorization_parse(), then everything the flow does with an authorization: whatever reaches a solver has a good
 * token. */
#include "acme/authorization.h"
#include "base/buf.h"

#include <stdint.h>

static const struct challenge_context context = {.account_url = "https://ca.example/account/1", .thumbprint = "t"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct authorization authorization;
	struct error err = {0}, reason = {0};
	struct buf said;
	if (!authorization_parse((const char *)data, size, &authorization, &err)) {
		if (!error_is_set(&err))
			__builtin_trap();
		return 0;
	}
	for (int type = CHALLENGE_HTTP_01; type <= CHALLENGE_UNKNOWN; type++) {
		struct acme_challenge_task task;
		struct error refused = {0};
		const struct challenge *challenge =
			authorization_choose(&authorization, (enum challenge_type)type, &refused);
		if (challenge == NULL)
			continue;
		if (!challenge_token_is_valid(challenge->token) ||
		    !challenge_task(challenge, &authorization.identifier, &context, &task, &refused))
			__builtin_trap();
		challenge_task_done(&task);
	}
	buf_init(&said, 1 << 20);
	authorization_failures(&authorization, &said, &reason);
	buf_done(&said);
	authorization_done(&authorization);
	return 0;
}

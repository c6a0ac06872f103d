/* SPDX-License-Identifier: Apache-2.0 */
/* authorization_parse(), then everything the flow does with an authorization: whatever reaches a solver has a good
 * token. */
#include "acme/authorization.h"
#include "acme/session.h"
#include "base/buf.h"

#include <stdint.h>

static char prefix[] = "https://ca.example/account-hash/";
static const struct acme_directory directory = {.account_hash_prefix = prefix};
static const struct challenge_context context = {
	.directory = &directory, .account_url = "https://ca.example/account/1", .thumbprint = "t"};

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
		bool persist = type == CHALLENGE_DNS_PERSIST_01;
		if (!persist && !challenge_token_is_valid(challenge->token))
			__builtin_trap();
		/* Only a record may be refused: it might name somebody else's account. */
		if (challenge_task(challenge, &authorization.identifier, &context, &task, &refused))
			challenge_task_done(&task);
		else if (!persist)
			__builtin_trap();
	}
	buf_init(&said, 1 << 20);
	authorization_failures(&authorization, &said, &reason);
	buf_done(&said);
	authorization_done(&authorization);
	return 0;
}

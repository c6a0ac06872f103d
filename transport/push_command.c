/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own commands: the test of what is about to be loaded, and the reload. */
#include "transport/push_transaction.h"

bool push_test(struct transaction *t, struct error *err)
{
	return remote_run(&t->remote, t->job->test_command, t->job->command_ms, t->cancel, err);
}

bool push_reload(struct transaction *t, struct error *err)
{
	uint32_t ms = (uint32_t)push_patience_ms(t, t->job->command_ms, PUSH_BRIEF_RELOAD_MS);

	t->reloaded = true;
	return remote_run(&t->remote, t->job->reload_command, ms, t->cancel, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own commands: the test of what is about to be loaded, and the reload. */
#include "transport/push_transaction.h"

bool push_test(struct transaction *t, struct error *err)
{
	return remote_run(&t->remote, t->job->test_command, t->job->command_ms, err);
}

bool push_reload(struct transaction *t, struct error *err)
{
	t->reloaded = true;
	return remote_run(&t->remote, t->job->reload_command, t->job->command_ms, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What failed behind the switch is taken back: files first, then what was loaded. */
#include "transport/push_transaction.h"

#include <string.h>

/* ERR stays the first cause, and says how undoing went wrong too. */
static void add_second_cause(struct error *err, const char *what, const struct error *second, const char *hint)
{
	error_reword(err, "%s; %s: %s", err->message, what, second->message);
	error_said(err, second->said, strlen(second->said));
	err->hint[0] = '\0';
	error_hint(err, "%s", hint);
}

static const char *reload_hint(const struct transaction *t, const struct error *failure)
{
	if (t->interrupted)
		return "the server may serve the new certificate until it is reloaded: do that there, or let "
		       "`certferry deploy` bring the new one again";
	return failure->hint[0] != '\0' ? failure->hint : "log in there and find out why the reload command fails";
}

/* The files that were live before live again, and reloaded. False when they could not be put back. */
bool push_roll_back(struct transaction *t, struct error *err)
{
	struct cancel *cancel = t->cancel;
	struct error second = {0};
	int64_t ms = push_patience_ms(t, push_transfer_ms(t->job), PUSH_BRIEF_BACK_MS);

	t->cancel = NULL;
	if (!push_over_any(t, ms, push_switch_back, &second)) {
		add_second_cause(err, "and putting the previous files back failed", &second,
				 t->robbed ? second.hint
					   : "look at this server now: its files are the new ones or the previous "
					     "ones, key and certificate matching; the next run will try again");
		return false;
	}
	t->cancel = t->interrupted ? NULL : cancel;
	if (t->reloaded && !push_reload(t, &second))
		add_second_cause(err, "the previous files are back, but reloading them failed too", &second,
				 reload_hint(t, &second));
	return true;
}

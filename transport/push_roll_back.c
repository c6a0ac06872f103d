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

/*
 * What failed may have been the connection, without having been noticed: a command that did not end in time may be one
 * whose end was never heard of. So half of the time is for the connection that is there, and the rest for another one.
 */
static bool switch_back_somehow(struct transaction *t, struct error *err)
{
	int64_t ms = push_patience_ms(t, push_transfer_ms(t->job), PUSH_BRIEF_BACK_MS);
	struct deadline whole = deadline_in(ms, NULL);
	struct error lost = {0};

	if (remote_is_connected(&t->remote)) {
		t->transfer = deadline_within(whole, ms / 2);
		if (push_switch_back(t, &lost))
			return true;
	}
	if (remote_is_connected(&t->remote)) {
		*err = lost;
		return false;
	}
	t->transfer = whole;
	remote_disconnect(&t->remote);
	return push_connect(t, err) && push_switch_back(t, err);
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

	t->cancel = NULL;
	if (!switch_back_somehow(t, &second)) {
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

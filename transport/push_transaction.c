/* SPDX-License-Identifier: Apache-2.0 */
/* What every step needs: the connection, how long its work may take, and whom an error concerns. */
#include "transport/push_transaction.h"

#include "transport/remote_room.h"

bool push_blame(struct error *err, const struct placement *placement)
{
	error_context(err, NULL, placement->certificate->name, NULL);
	return false;
}

bool push_blame_writing(struct transaction *t, const struct placement *placement, struct error *err)
{
	static const char then[] = "`certferry deploy` tries again at once";
	struct sftp *sftp = t->remote.sftp;
	bool told = placement->live.home != NULL && remote_blame_room(sftp, placement->live.home, then, err);

	for (size_t i = 0; i < placement->copy_count && !told; i++)
		told = remote_blame_room(sftp, placement->copies[i].path, then, err);
	return push_blame(err, placement);
}

bool push_may_go_on(const struct transaction *t, struct error *err)
{
	return !cancel_requested(t->cancel) || error_set(err, ERROR_CANCELLED, NULL, "interrupted");
}

int64_t push_patience_ms(const struct transaction *t, int64_t ms, int64_t brief_ms)
{
	return t->interrupted && ms > brief_ms ? brief_ms : ms;
}

/* Not cut short by an interruption: a request whose answer nobody heard would take the connection with it. */
void push_allow_time(struct transaction *t)
{
	sftp_set_deadline(t->remote.sftp, deadline_within(t->transfer, t->job->transfer_ms));
}

bool push_connect(struct transaction *t, struct error *err)
{
	struct deadline deadline = deadline_within(t->transfer, t->job->transfer_ms);

	deadline.cancel = t->cancel;
	if (!remote_connect(&t->remote, &t->job->target, deadline, err))
		return false;
	if (sftp_offers(t->remote.sftp, SFTP_HAS_POSIX_RENAME))
		return true;
	(void)error_set(err, ERROR_REMOTE, NULL,
			"the server's SFTP lacks posix-rename@openssh.com: files could not be "
			"replaced atomically");
	error_hint(err, "use OpenSSH's sftp-server or internal-sftp");
	return false;
}

bool push_reconnect(struct transaction *t, struct error *err)
{
	remote_disconnect(&t->remote);
	if (push_connect(t, err))
		return true;
	error_context(err, "connect", NULL, t->job->target.server);
	return false;
}

bool push_over_any(struct transaction *t, int64_t ms, bool (*act)(struct transaction *, struct error *),
		   struct error *err)
{
	struct deadline whole = deadline_in(ms, NULL);
	struct error lost = {0};

	if (remote_is_connected(&t->remote)) {
		t->transfer = deadline_within(whole, ms / 2);
		if (act(t, &lost))
			return true;
	}
	if (remote_is_connected(&t->remote)) {
		*err = lost;
		return false;
	}
	t->transfer = whole;
	return push_reconnect(t, err) && act(t, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction whose files are proven is made final. Its journal left there would have the next one that fails go back
 * to what was there before this one, which may be out of date by then: so that it ends is part of the deployment.
 */
#include "transport/push_transaction.h"

#include "base/str.h"

/* Copies are on disk before the journal ends, which is what they are put back by. */
static bool settle_place(struct transaction *t, struct placement *p, struct error *err)
{
	push_allow_time(t);
	for (size_t i = 0; i < p->copy_count; i++)
		if (!live_copy_flush(t->remote.sftp, &p->copies[i], err))
			return push_blame(err, p);
	if (p->live.home != NULL && !live_dir_settle(t->remote.sftp, &p->live, err))
		return push_blame(err, p);
	p->settled = true;
	return true;
}

static bool settle(struct transaction *t, struct error *err)
{
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct placement *p = &t->placements[i];
		if (p->wanted && !p->settled && !settle_place(t, p, err))
			return false;
	}
	return true;
}

bool push_settle(struct transaction *t, struct error *err)
{
	t->cancel = NULL; /* a moment more, and it is done */
	if (push_over_any(t, push_transfer_ms(t->job), settle, err))
		return true;
	error_reword(err, "the new files are live and proven, but that they are could not be noted there: %s",
		     err->message);
	err->hint[0] = '\0';
	error_hint(err, "nothing needs to be done on the server; the next run notes it");
	error_context(err, "switch", NULL, t->job->target.server);
	return false;
}

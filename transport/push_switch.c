/* SPDX-License-Identifier: Apache-2.0 */
/* What was uploaded goes live, certificate by certificate, and back. */
#include "transport/push_transaction.h"

/* Where the directory has its files already, the journal is begun for the copies. */
static bool switch_copy(struct transaction *t, struct placement *p, struct live_copy *copy, struct error *err)
{
	if (p->live.home != NULL && p->live.fresh == NULL && !live_dir_mark(t->remote.sftp, &p->live, err))
		return false;
	return live_copy_switch(t->remote.sftp, copy, err);
}

bool push_switch(struct transaction *t, struct error *err)
{
	t->switched = true;
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct placement *p = &t->placements[i];
		push_allow_time(t);
		if (!push_may_go_on(t, err))
			return push_blame(err, p);
		/* The new files of one that was cut off may have been loaded: what is there in the end is reloaded. */
		t->reloaded = t->reloaded || push_place_unsettled(p);
		if (p->live.fresh != NULL && !live_dir_switch(t->remote.sftp, &p->live, &p->files, err))
			return push_blame_writing(t, p, err);
		for (size_t j = 0; j < p->copy_count; j++)
			if (p->copies[j].staged && !switch_copy(t, p, &p->copies[j], err))
				return push_blame_writing(t, p, err);
	}
	return true;
}

static bool check_previous(struct transaction *t, const struct placement *p, struct error *err)
{
	struct sftp *sftp = t->remote.sftp;
	bool ok = !live_dir_moved(&p->live) || live_dir_check_previous(sftp, &p->live, &p->files, err);

	for (size_t i = 0; i < p->copy_count && ok; i++)
		ok = live_copy_check_previous(sftp, &p->copies[i], err);
	t->robbed = t->robbed || (!ok && sftp_usable(sftp));
	return ok || push_blame(err, p);
}

/* All of a certificate's files or none, lest a key and a certificate of two generations stand beside each other. */
static bool put_back(struct transaction *t, struct placement *p, struct error *err)
{
	struct sftp *sftp = t->remote.sftp;

	if (!check_previous(t, p, err))
		return false;
	/* The directory last: on a full disk its journal is used up by that, without which no copy is put back. */
	for (size_t i = 0; i < p->copy_count; i++)
		if (!live_copy_switch_back(sftp, &p->copies[i], err))
			return push_blame(err, p);
	if (live_dir_moved(&p->live) && !live_dir_switch_back(sftp, &p->live, &p->files, err))
		return push_blame(err, p);
	return true;
}

bool push_switch_back(struct transaction *t, struct error *err)
{
	bool ok = true;

	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct error cause = {0};
		push_allow_time(t);
		if (put_back(t, &t->placements[i], &cause))
			continue;
		if (ok)
			*err = cause;
		ok = false;
		if (!remote_is_connected(&t->remote))
			break;
	}
	return ok;
}

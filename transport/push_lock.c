/* SPDX-License-Identifier: Apache-2.0 */
/* Turns: two that deploy to one directory do so one after the other (live_lock.h), and each sweeps up for the last. */
#include "base/log.h"
#include "transport/push_transaction.h"

#include <stdlib.h>
#include <string.h>

static void sweep(struct transaction *t, struct placement *p)
{
	if (p->littered)
		live_dir_sweep(t->remote.sftp, &p->live);
	for (size_t i = 0; i < p->copy_count; i++)
		live_copy_sweep(t->remote.sftp, &p->copies[i]);
	p->littered = false;
}

static bool lock_directory(struct transaction *t, struct placement *p, bool *ret_waited, struct error *err)
{
	const struct push_job *job = t->job;
	struct deadline half = deadline_within(t->transfer, job->transfer_ms / 2);
	struct sftp_entry entry;

	half.cancel = t->cancel;
	if (!sftp_look(t->remote.sftp, p->live.home, true, &entry, err))
		return false;
	p->made_home = p->made_home || entry.kind == SFTP_ABSENT || (p->littered && p->live.current == NULL);
	if ((entry.kind != SFTP_DIRECTORY && !sftp_create_directories(t->remote.sftp, p->live.home, err)) ||
	    !live_lock_take(t->remote.sftp, p->live.home, job->holder, push_longest_ms(job), half, &p->lock, err))
		return false;
	p->littered = p->littered || p->lock.left_over;
	*ret_waited = p->lock.waited;
	return true;
}

void push_unlock(struct transaction *t, struct placement *p)
{
	struct error err = {0};

	if (p->lock.turn != NULL && !live_lock_release(t->remote.sftp, &p->lock, &err))
		log_debug("%s: not unlocked: %s", p->live.home, err.message);
}

void push_sweep_unchanged(struct transaction *t, struct placement *p)
{
	struct error err = {0};
	bool waited;

	push_allow_time(t);
	if (!lock_directory(t, p, &waited, &err)) {
		log_debug("%s: not swept: %s", p->live.home, err.message);
		return;
	}
	if (!waited)
		sweep(t, p);
	push_unlock(t, p);
}

/* Whether `current` is where it was: others may have been here between the look and the lock. */
static bool is_as_seen(struct transaction *t, const struct placement *p, bool *ret, struct error *err)
{
	struct live_dir now CLEANUP(live_dir_done) = {0};

	if (!live_dir_inspect(t->remote.sftp, p->live.home, &now, err))
		return false;
	*ret = (now.current == p->live.current || str_equal(now.current, p->live.current)) &&
	       now.unsettled == p->live.unsettled;
	return true;
}

/* From here to the end the directory is ours alone; what has changed since it was looked at is looked at again. */
static bool lock(struct transaction *t, struct placement *p, struct error *err)
{
	bool waited = false, same = true;

	push_allow_time(t);
	if (!lock_directory(t, p, &waited, err) || (!waited && !is_as_seen(t, p, &same, err)))
		return false;
	if (waited || !same) {
		bool littered = p->littered;
		push_forget_place(p);
		if (!push_compare_place(t, p, err))
			return false;
		p->littered = littered;
	}
	if (push_place_is_littered(p))
		sweep(t, p);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct placement *const *first = a, *const *second = b;
	return strcmp((*first)->certificate->name, (*second)->certificate->name);
}

/* In the order of names, so that two that lock several cannot each wait for the other. */
bool push_lock_all(struct transaction *t, struct error *err)
{
	size_t count = t->job->certificate_count;
	struct placement **sorted AUTO_FREE = calloc(count + 1, sizeof(struct placement *));

	if (sorted == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &t->placements[i];
	qsort(sorted, count, sizeof(struct placement *), by_name);
	for (size_t i = 0; i < count; i++)
		if (sorted[i]->wanted && sorted[i]->live.home != NULL && !lock(t, sorted[i], err))
			return push_blame_writing(t, sorted[i], err);
	t->unchanged = true;
	for (size_t i = 0; i < count; i++)
		t->unchanged = t->unchanged && !t->placements[i].wanted;
	return true;
}

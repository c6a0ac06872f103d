/* SPDX-License-Identifier: Apache-2.0 */
/* What is there already? Whatever is, and is served, is left alone. */
#include "transport/push_transaction.h"

bool push_compare(struct transaction *t, struct error *err)
{
	const struct push_job *job = t->job;

	push_allow_time(t);
	if ((job->owner != NULL && !remote_find_account(&t->remote, REMOTE_USER, job->owner, &t->owner.uid, err)) ||
	    (job->group != NULL && !remote_find_account(&t->remote, REMOTE_GROUP, job->group, &t->owner.gid, err)))
		return false;
	bool unchanged = true;
	for (size_t i = 0; i < job->certificate_count; i++) {
		push_allow_time(t);
		if (!push_may_go_on(t, err) || !push_compare_place(t, &t->placements[i], err))
			return false;
		unchanged = unchanged && !t->placements[i].wanted;
	}
	for (size_t i = 0; i < job->certificate_count; i++)
		if (!t->placements[i].wanted && push_place_is_littered(&t->placements[i]))
			push_sweep_unchanged(t, &t->placements[i]);
	t->unchanged = unchanged;
	t->compared = true;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Everything new arrives beside what is live. */
#include "base/str.h"
#include "transport/push_transaction.h"

static bool upload_directory(struct transaction *t, struct placement *p, struct error *err)
{
	const struct push_certificate *c = p->certificate;
	char *label AUTO_FREE = str_format(err, "%llu-%.8s", (unsigned long long)c->generation, c->fingerprint_sha256);

	return label != NULL && live_dir_upload(t->remote.sftp, &p->live, label, &p->files, t->owner, err) &&
	       live_dir_take_over(t->remote.sftp, &p->live, &p->files, err);
}

bool push_upload(struct transaction *t, struct error *err)
{
	if (!push_lock_all(t, err))
		return false;
	for (size_t i = 0; i < t->job->certificate_count && !t->unchanged; i++) {
		struct placement *p = &t->placements[i];
		push_allow_time(t);
		if (!push_may_go_on(t, err))
			return push_blame(err, p);
		if (!p->live_same && !upload_directory(t, p, err))
			return push_blame_writing(t, p, err);
		for (size_t j = 0; j < p->copy_count; j++)
			if (!p->copies[j].same && !live_copy_upload(t->remote.sftp, &p->copies[j], t->owner, err))
				return push_blame_writing(t, p, err);
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One server's deployment, as a transaction: the table of steps below, run in order, each in a file of its own. Until
 * "switch" nothing that a reader on the server can see has changed, so a failure only leaves rubbish to remove; from
 * then on a failure puts the previous files back and reloads again. The connection cut at any point, even with us gone,
 * leaves key and certificate matching (live_dir.h), and a journal from which the next run goes on.
 */
#include "transport/push.h"

#include "base/log.h"
#include "base/str.h"
#include "transport/push_transaction.h"

#include <stdlib.h>

static const struct step {
	const char *name;
	bool (*run)(struct transaction *, struct error *);
} steps[] = {
	{"connect", push_connect}, {"compare", push_compare}, {"upload", push_upload}, {"switch", push_switch},
	{"test", push_test},       {"reload", push_reload},   {"verify", push_verify},
};

static void announce(const struct transaction *t, const char *step)
{
	log_debug("%s: %s", t->job->target.server, step);
	if (t->watch != NULL && t->watch->step != NULL)
		t->watch->step(t->watch->ctx, step);
}

/*
 * Asked behind "compare": what does not differ needs no leave, and what was looked at is looked at again under the
 * lock. A server that was left alone for long may have tired of us.
 */
static bool may_change(struct transaction *t, struct error *err)
{
	enum { LONG_MS = 10 * 1000 };
	int64_t asked = clock_monotonic_ms();

	if (t->watch == NULL || t->watch->may_change == NULL)
		return true;
	if (!t->watch->may_change(t->watch->ctx, err))
		return false;
	int64_t waited = clock_monotonic_ms() - asked;
	t->transfer.at_ms += waited;
	return waited < LONG_MS || push_reconnect(t, err);
}

static bool run_steps(struct transaction *t, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(steps) && !t->unchanged; i++) {
		bool goes_on = push_may_go_on(t, err) && (steps[i].run != push_upload || may_change(t, err));
		if (goes_on)
			announce(t, steps[i].name);
		if (!goes_on || !steps[i].run(t, err)) {
			error_context(err, steps[i].name, NULL, t->job->target.server);
			return false;
		}
	}
	return true;
}

/* What to do, where what failed does not say it: first of all to know what is live now. */
static void advise(const struct transaction *t, bool rolled_back, struct error *err)
{
	if (!t->switched)
		error_hint(err, "nothing that is live there was changed; `certferry deploy` tries again at once");
	else if (rolled_back)
		error_hint(err, "the previous files are live again; `certferry deploy` tries once more");
}

static void give_up(struct transaction *t, struct placement *p)
{
	struct error err = {0};

	for (size_t i = 0; i < p->copy_count && t->switched; i++)
		if (!live_copy_flush(t->remote.sftp, &p->copies[i], &err))
			return;
	live_dir_abandon(t->remote.sftp, &p->live, t->switched);
	for (size_t i = 0; i < p->copy_count; i++)
		(t->switched ? live_copy_settle : live_copy_abandon)(t->remote.sftp, &p->copies[i]);
}

static void clear_away(struct transaction *t, struct placement *p)
{
	live_dir_prune(t->remote.sftp, &p->live);
	for (size_t i = 0; i < p->copy_count; i++)
		live_copy_settle(t->remote.sftp, &p->copies[i]);
}

/* Rubbish goes, as far as the connection still lets us; what stays, the next run finds. */
static void tidy_up(struct transaction *t, bool proven)
{
	if (!remote_is_connected(&t->remote))
		return;
	t->transfer = deadline_in(push_patience_ms(t, push_transfer_ms(t->job), PUSH_BRIEF_TIDY_MS), NULL);
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct placement *p = &t->placements[i];
		push_allow_time(t);
		if (p->settled)
			clear_away(t, p);
		else if (!proven)
			give_up(t, p);
		push_unlock(t, p);
		if (!proven && p->made_home)
			live_dir_vanish(t->remote.sftp, &p->live);
	}
}

static bool begin(struct transaction *t, struct push_outcome *outcomes, struct error *err)
{
	t->placements = calloc(t->job->certificate_count + 1, sizeof(t->placements[0]));
	if (t->placements == NULL)
		return error_oom(err);
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		t->placements[i].certificate = &t->job->certificates[i];
		t->placements[i].outcome = &outcomes[i];
		outcomes[i] = (struct push_outcome){.result = PUSH_FAILED};
	}
	t->owner = (struct sftp_owner){-1, -1};
	t->transfer = deadline_in(push_transfer_ms(t->job), NULL);
	return true;
}

static void end(struct transaction *t)
{
	remote_disconnect(&t->remote);
	for (size_t i = 0; t->placements != NULL && i < t->job->certificate_count; i++) {
		push_forget_place(&t->placements[i]);
		live_lock_done(&t->placements[i].lock);
	}
	free(t->placements);
}

/* What was seen while the new files were live is not what is served now that they were taken back. */
static void forget_new_leaf(struct placement *p)
{
	if (p->outcome->result == PUSH_ROLLED_BACK &&
	    str_equal(p->outcome->served_sha256, p->certificate->fingerprint_sha256))
		p->outcome->served_sha256[0] = '\0';
}

/* On failure every certificate of the job shares the cause, but for those that there was nothing to do for. */
static void report(struct transaction *t, bool ok, bool rolled_back, const struct error *err)
{
	for (size_t i = 0; i < t->job->certificate_count; i++) {
		struct placement *p = &t->placements[i];
		if (t->compared && !p->wanted) {
			p->outcome->result = PUSH_UNCHANGED;
		} else if (ok) {
			p->outcome->result = PUSH_DEPLOYED;
		} else {
			p->outcome->result = rolled_back && push_place_moved(p) ? PUSH_ROLLED_BACK : PUSH_FAILED;
			p->outcome->error = *err;
			error_context(&p->outcome->error, NULL, p->certificate->name, NULL);
			forget_new_leaf(p);
		}
	}
}

bool push_run(const struct push_job *job, struct cancel *cancel, const struct push_watch *watch,
	      struct push_outcome *outcomes, struct error *err)
{
	struct transaction t CLEANUP(end) = {.job = job, .cancel = cancel, .watch = watch};
	bool rolled_back = false;

	if (!begin(&t, outcomes, err))
		return false;
	bool proven = run_steps(&t, err);
	t.interrupted = !proven && err->category == ERROR_CANCELLED;
	if (!proven && t.switched) {
		announce(&t, "roll-back");
		rolled_back = push_roll_back(&t, err);
	}
	bool ok = proven && (!t.switched || push_settle(&t, err));
	if (proven || !t.switched || rolled_back)
		tidy_up(&t, proven);
	if (!ok)
		advise(&t, rolled_back, err);
	report(&t, ok, rolled_back, err);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's end of the installation of a virtual host. Files of a certificate match each other wherever a courier is
 * cut off; a virtual host that was not tested yet must not stay, or the next reload by anybody would fail.
 */
#include "transport/courier_internal.h"

#include "base/str.h"
#include "transport/remote.h"

static const char program[] = "/proc/self/exe";

struct watched {
	push_step *step;
	void *ctx;
	bool live; /* what the web server reads may have changed */
};

static void encode(const void *job, struct buf *out)
{
	courier_encode_site(job, out);
}

static bool decode(void *outcome, const void *data, size_t len, struct error *err)
{
	return courier_decode_site_report(data, len, outcome, err);
}

static void on_step(void *ctx, const char *step)
{
	struct watched *watched = ctx;
	watched->live = watched->live || str_equal(step, "switch");
	if (watched->step != NULL)
		watched->step(watched->ctx, step);
}

/* By a second courier. Whoever interrupted us has waited for the first one's grace already: he waits no longer again.
 */
static void put_back(struct courier_errand what, const struct site_job *job, struct watched *watched,
		     const struct cancel *cancel, struct site_outcome *ret)
{
	int64_t most = (int64_t)job->transfer_ms + remote_run_longest_ms(job->command_ms);
	struct deadline deadline = deadline_in(cancel_requested(cancel) ? COURIER_GRACE_MS : most, NULL);
	struct site_job undo = *job; /* borrows everything */
	struct site_outcome undone = {.result = PUSH_FAILED};
	const struct push_watch watch = {.step = on_step, .ctx = watched};
	struct error second = {0};

	undo.undo = true;
	what.job = &undo;
	what.outcomes = &undone;
	if (!courier_errand_run(program, &what, &watch, deadline, &second))
		undone = (struct site_outcome){.result = PUSH_FAILED, .error = second};
	ret->place = undone.place;
	ret->error.hint[0] = '\0';
	if (undone.result == PUSH_FAILED || undone.result == PUSH_ROLLED_BACK) {
		error_hint(&ret->error,
			   "look at this server now: putting back what was there before failed too: %s; "
			   "the next `vhost --install` begins with that",
			   undone.error.message);
		return;
	}
	error_hint(&ret->error, undone.result == PUSH_DEPLOYED ? "what was there before is there again"
							       : "nothing there was left half done");
	if (undone.result == PUSH_DEPLOYED)
		ret->result = PUSH_ROLLED_BACK;
}

bool courier_install_site(const struct site_job *job, push_step *step, void *ctx, int lock, struct deadline deadline,
			  struct site_outcome *ret)
{
	struct watched watched = {step, ctx, false};
	const struct push_watch watch = {.step = on_step, .ctx = &watched};
	const struct courier_errand what = {.type = COURIER_SITE,
					    .job = job,
					    .server = job->target.server,
					    .kept = &lock,
					    .outcomes = ret,
					    .encode = encode,
					    .decode = decode};
	struct error err = {0};

	*ret = (struct site_outcome){.result = PUSH_FAILED};
	if (!courier_errand_run(program, &what, &watch, deadline, &err)) {
		*ret = (struct site_outcome){.result = PUSH_FAILED, .error = err};
		if (watched.live)
			put_back(what, job, &watched, deadline.cancel, ret);
	}
	if (ret->place >= job->place_count)
		ret->place = 0;
	return ret->result == PUSH_DEPLOYED || ret->result == PUSH_UNCHANGED;
}

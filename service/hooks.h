/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks of one run: pre hooks before the first certificate that needs them is tried, deploy hooks when one is live,
 * post hooks when all have been tried. docs/hooks.md is what users read about it.
 */
#ifndef SERVICE_HOOKS_H
#define SERVICE_HOOKS_H

#include "service/plan.h"
#include "service/result.h"

struct hook_run;

/* SERVICE and RESULTS are borrowed; what comes of hooks is added to RESULTS. */
MUST_CHECK struct hook_run *hooks_open(struct service *service, struct run_result *results, struct error *err);
void hooks_close(struct hook_run *run);
DEFINE_FREEP(hooks_closep, struct hook_run, hooks_close)

/* Whether WANTED's own pre hook may take away what other certificates are validated through. */
bool hooks_may_disturb(const struct service *service, const struct renewal *wanted);

/*
 * WANTED's certificate is about to be tried: run its pre hooks, each unless this run has run it already. One that fails
 * does not keep it from being tried. False, ERROR_CANCELLED, only when the run was interrupted meanwhile. WANTED and
 * RESULT stay borrowed. Thread-safe; hooks never run at the same time.
 */
MUST_CHECK bool hooks_before(struct hook_run *run, const struct renewal *wanted, struct certificate_result *result,
			     struct error *err);

/* Whether there is a deploy hook for WANTED's certificate. */
bool hooks_has_deploy(struct hook_run *run, const struct renewal *wanted);

/*
 * Run the deploy hooks that ITEM's record says are due for its live generation, and write down what came of them. One
 * that failed before waits for its back-off unless ASKED otherwise; another run's are left to it. Without any lock
 * held.
 */
void hooks_deploy(struct hook_run *run, struct plan_item *item, bool by_hand, struct certificate_result *result);

/* Everything has been tried: run the post hooks of whatever was, each once, even when the run was interrupted. */
void hooks_after(struct hook_run *run);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate's state on its way, and the steps that flow.c, the order, is made of: solving.c (its authorizations),
 * preauthorize.c, download.c; flow_step.c has what they do alike. Each calls those below it only.
 */
#ifndef ACME_FLOW_INTERNAL_H
#define ACME_FLOW_INTERNAL_H

#include "acme/authorization.h"
#include "acme/flow.h"
#include "acme/order.h"
#include "acme/pace.h"

struct flow {
	struct acme_session *session;
	const struct acme_identity *account;
	const struct acme_certificate_request *request;
	const struct acme_solver *solver;
	const struct acme_observer *observer; /* may be NULL */
	struct deadline deadline;

	char *url;             /* the order's, from Location or from an earlier run */
	bool resumed;          /* it is an earlier run's */
	struct order order;    /* as last seen */
	struct pace pace;      /* of looking at it again */
	unsigned failed_looks; /* in a row */
	struct error *trouble; /* what the last of them, or of the other requests that may pass, failed with; or NULL */
	unsigned orders;       /* placed by this run */
	int64_t placed_at;     /* the last of them; 0: none */
	bool replaces_refused; /* the CA does not take our orders as replacements */
};

/* STEP begins: the observer hears of it. */
void flow_begin(const struct flow *flow, const char *step);

/* Something that does not fail the certificate, for the observer. */
void flow_note(const struct flow *flow, const struct error *note);

/* FAILURE may pass: wait as long as it asks for before the next try. It is kept for flow_wait(). */
void flow_keep_trouble(struct flow *flow, const struct error *failure);

/* pace_wait(); where there is no time left, the trouble before it is the error, since it says why. */
MUST_CHECK bool flow_wait(struct flow *flow, const char *step, struct error *err);

/* §7.4.2: the order's certificate, in the chain that is preferred where the CA has it. */
MUST_CHECK bool flow_download(struct flow *flow, struct acme_certificate *ret, struct error *err);

/* The authorizations of FLOW's order while their challenges are being solved. */
struct solving {
	struct flow *flow;
	struct authorization *authorizations;
	size_t count;
	struct acme_challenge_task *tasks; /* for the solver */
	struct challenge_pick {
		const char *url; /* of the authorization, borrowed from the order */
		const struct challenge *challenge;
	} * picks; /* at the same index as tasks */
	size_t task_count;
	bool presented; /* the solver has to clean up */
};

/* Read all authorizations of the order (RFC 8555 §7.5). */
MUST_CHECK bool solving_read(struct solving *solving, struct error *err);

/* Whether an authorization is in a final state other than valid: this order cannot succeed any more. */
bool solving_is_dead(const struct solving *solving);

/* Choose a challenge for each authorization that is not valid yet (§7.5.1). */
MUST_CHECK bool solving_choose(struct solving *solving, struct error *err);

/* Have the solver provision all challenges, then tell the CA (§7.5.1). */
MUST_CHECK bool solving_present(struct solving *solving, struct error *err);
MUST_CHECK bool solving_answer(struct solving *solving, struct error *err);

/* Read those again that are not decided yet; what the CA says about when to ask again goes to the flow's pace. */
MUST_CHECK bool solving_refresh(struct solving *solving, struct error *err);

/* Whether all are decided, one way or the other. */
bool solving_is_decided(const struct solving *solving);

/* Those that failed as ERR, in the CA's words. False when none has. */
bool solving_failures(const struct solving *solving, struct error *err);

/*
 * Give up the authorizations that still wait for us (§7.5.2): they count against the CA's limits, and their order leads
 * nowhere any more. As well as it goes, within a few seconds. Never for an order that a later run may take up.
 */
void solving_deactivate(const struct solving *solving);

/* §7.4.1: authorize the request's names, wildcards excepted, before there is an order. */
MUST_CHECK bool flow_preauthorize(struct flow *flow, struct error *err);

/* Where the solver itself is asked, until it was: looking at the order any sooner is of no use. */
MUST_CHECK bool solving_await_asked(struct solving *solving, struct error *err);

/* Clean up behind the solver, once, and release everything. */
void solving_done(struct solving *solving);

/* Why FLOW's order went invalid: what the CA says about each challenge, else about the order. Always false. */
bool solving_explain(struct flow *flow, struct error *err);

#endif

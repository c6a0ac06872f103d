/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results for people or as JSON (keys fixed by design: users' scripts read them).
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "service/accounts.h"
#include "service/dns_test.h"
#include "service/inventory.h"
#include "service/plan.h"
#include "service/result.h"
#include "service/revoke.h"

enum output_form { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_QUIET };

/* What `apply`, `renew`, `issue` and `deploy` say: a summary on stdout (none when quiet), every failure whole on
 * stderr. */
MUST_CHECK bool output_results(const struct run_result *results, enum output_form form, struct error *err);

/* `plan` */
MUST_CHECK bool output_plan(const struct plan *plan, bool json, struct error *err);

/* `list`; `show` with DETAILS. */
MUST_CHECK bool output_inventory(const struct inventory *inventory, bool json, bool details, struct error *err);

/* `account`: every account, failures whole on stderr. */
MUST_CHECK bool output_accounts(const struct account_list *list, enum output_form form, struct error *err);

/* `revoke` */
MUST_CHECK bool output_revocation(const struct revoke_request *request, const struct revoke_result *result,
				  enum output_form form, struct error *err);

/* `delete`; STILL_WANTED: the config has it. */
MUST_CHECK bool output_deletion(const char *name, bool still_wanted, enum output_form form, struct error *err);

/* `dns test` of NAME: the document, or the servers on stdout; every step's failure whole on stderr. */
MUST_CHECK bool output_dns_test(const struct dns_test *test, const char *name, enum output_form form,
				struct error *err);

/* {"error":{…}} for a command that failed before it had results. */
void output_error_json(const struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problem documents (RFC 8555 §6.7, RFC 7807) and what each type means for a client: one table.
 */
#ifndef ACME_PROBLEM_H
#define ACME_PROBLEM_H

#include "acme/port.h"
#include "base/str.h"

API_BEGIN

struct json_t; /* jansson's */

/* How a client should take a problem. */
struct acme_problem_advice {
	const char *type; /* the last part of the URN, e.g. "rateLimited" */
	bool transient;   /* trying again later may work */
	const char *hint; /* what the operator can do; NULL: nothing general */
};

/* The table's entry for a full URN ("urn:ietf:params:acme:error:…", or the old "urn:acme:error:…"); NULL: not listed.
 */
const struct acme_problem_advice *acme_problem_advice(const char *urn);

/* Whether URN is the ACME error NAME ("badNonce"). NULL is none. */
bool acme_problem_is(const char *urn, const char *name);

/*
 * Describe a failed RESPONSE in ERR as ERROR_CA at STEP: our sentence names URL's host and the status; the CA's detail,
 * type, subproblems with their identifiers and instance become `said`; Retry-After becomes retry_at. A body that is no
 * problem document (HTML from a load balancer) is described by its status and its first 200 bytes. Always returns
 * false.
 */
bool acme_problem_from_response(const struct http_response *response, const char *url, const char *step, int64_t now,
				struct error *err);

/*
 * The `algorithms` of a badSignatureAlgorithm refusal (RFC 8555 §6.2), added to RET; nothing for any other RESPONSE.
 * False only when out of memory.
 */
MUST_CHECK bool acme_problem_algorithms(const struct http_response *response, struct str_list *ret, struct error *err);

/* acme_problem_from_response() for a problem object inside an order or a challenge (§7.1.3, §8). Always returns false.
 */
bool acme_problem_from_json(const struct json_t *problem, const char *step, const char *sentence, struct error *err);

API_END

#endif

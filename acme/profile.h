/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate profiles: what a CA lists in its directory (draft-ietf-acme-profiles §3), and what that means for a
 * request.
 */
#ifndef ACME_PROFILE_H
#define ACME_PROFILE_H

#include "base/error.h"

API_BEGIN

struct json_t; /* jansson's */

struct acme_profile {
	char *name;
	char *text; /* for a person; may be a URL, may be empty */
};

/* Zeroed: the CA lists none. */
struct acme_profiles {
	struct acme_profile *items; /* in the CA's order, at most LIMIT_PROFILES */
	size_t count;
	bool more; /* the CA lists more than were kept */
};

/*
 * META's "profiles" (may be missing or null). An entry whose text is no text keeps its name; one whose name no request
 * could hold is passed over. RET must be empty.
 */
MUST_CHECK bool acme_profiles_parse(const struct json_t *meta, struct acme_profiles *ret, struct error *err);
void acme_profiles_done(struct acme_profiles *profiles);

bool acme_profiles_have(const struct acme_profiles *profiles, const char *name);

/*
 * May NAME be asked for? ERROR_CA, with those on offer and their texts as the hint, when the CA lists profiles and NAME
 * is not among them. A CA that lists none may know some all the same, or pass the wish over: the order tells (§4).
 */
MUST_CHECK bool acme_profiles_check(const struct acme_profiles *profiles, const char *name, struct error *err);

/* What is on offer, as the hint of ERR; it takes the place of a hint that is there. */
void acme_profiles_hint(const struct acme_profiles *profiles, struct error *err);

API_END

#endif

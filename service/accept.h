/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA sent becomes the live certificate, if it is exactly what was ordered.
 */
#ifndef SERVICE_ACCEPT_H
#define SERVICE_ACCEPT_H

#include "acme/flow.h"
#include "service/service.h"
#include "store/renewal.h"

struct key;

/* What is accepted, and from whom. Everything is borrowed. */
struct acceptance {
	struct service *service;
	const struct key *key; /* the one whose certificate was ordered */
	const char *account;   /* URL */
	const char *profile;   /* asked for; NULL: none */
	int64_t not_after;     /* asked for; 0: none */
	bool has_deploy_hooks; /* which are due once it is live */
	bool may_end_earlier;  /* than the live one: it was due, or forced, or other terms were ordered */
	struct str_list *notes;
};

/*
 * Check CERTIFICATE's chain (its fallback, where that fails), make it live and fill WANTED's facts from it. On failure
 * the previous one stays live and the order in flight, which is spent, is forgotten.
 */
MUST_CHECK bool accept_certificate(const struct acceptance *acceptance, const struct acme_certificate *certificate,
				   struct renewal *wanted, struct error *err);

#endif

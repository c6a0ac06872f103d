/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the config's words to how a certificate is to be issued: the same struct that is remembered for renewal.
 */
#ifndef SERVICE_WANTED_H
#define SERVICE_WANTED_H

#include "service/service.h"
#include "store/renewal.h"

struct config_domain;

/* DOMAIN of the service's config, with the CA the command line or the config names. State fields stay empty. */
MUST_CHECK bool wanted_from_domain(const struct service *service, const struct config_domain *domain,
				   struct renewal *ret, struct error *err);

/* The CA that the command line, else the config, else the default names, into WANTED's ca fields. */
MUST_CHECK bool wanted_set_ca(const struct service *service, struct renewal *wanted, struct error *err);

/*
 * The CAs that WANTED may be ordered from, the preferred one first: those of the config's list, for a certificate of
 * the config whose CA the command line does not name; else its own alone.
 */
size_t wanted_ca_count(const struct service *service, const struct renewal *wanted);

/* The directory of the one at INDEX. Borrowed from the config, or from WANTED. */
const char *wanted_ca_url(const struct service *service, const struct renewal *wanted, size_t index);

/* The one at INDEX into WANTED's ca fields, with the profile and chain that go with it. */
MUST_CHECK bool wanted_use_ca(const struct service *service, struct renewal *wanted, size_t index, struct error *err);

/*
 * WANTED's CA is the one that issued its live certificate, where it may be ordered from: a certificate that came from
 * the second is as good as one from the first. Otherwise the preferred one.
 */
MUST_CHECK bool wanted_keep_ca(const struct service *service, struct renewal *wanted, const struct renewal *stored,
			       struct error *err);

/* Move everything that is state (dates, failures, per-server results) from STORED into WANTED. */
MUST_CHECK bool wanted_take_state(struct renewal *wanted, struct renewal *stored, struct error *err);

/* Whether both name the same set, in any order. */
bool identifiers_equal(const struct identifier *a, size_t a_count, const struct identifier *b, size_t b_count);

#endif

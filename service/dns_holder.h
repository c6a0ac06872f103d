/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds the zone of a name: the certificate's own DNS provider, or another one of the config, such as the one that
 * a CNAME at `_acme-challenge` leads to. The others are opened and asked only when the own one has no such zone.
 */
#ifndef SERVICE_DNS_HOLDER_H
#define SERVICE_DNS_HOLDER_H

#include "service/service.h"

/* A provider that may be asked. Borrowed from the holders. */
struct dns_holder {
	const char *name;        /* as service_dns_provider() takes them */
	const char *credentials; /* NULL: none */
	const struct dns_provider_module *module;
	struct dns_provider *provider; /* NULL: not opened yet */
	struct error *trouble;         /* owned; it could not be asked, and is not asked again */
};

struct dns_holders {
	struct service *service;
	struct dns_holder *items; /* the certificate's own one, then the others in the order of the config */
	size_t count;
};

/* Open the certificate's own provider. NAME and CREDENTIALS (NULL: none) are borrowed. */
MUST_CHECK bool dns_holders_open(struct service *service, const char *name, const char *credentials,
				 struct dns_holders *ret, struct error *err);
void dns_holders_done(struct dns_holders *holders);

/* A name that a value is to be put at. Texts are borrowed. */
struct dns_place_wanted {
	const char *asked; /* by the CA */
	const char *name;  /* the end of its CNAMEs */
	const char *apex;  /* of its zone as DNS has it; empty: not known */
};

struct dns_place {
	const struct dns_holder *holder;
	char *zone_id; /* the holder's */
	char *zone;    /* for messages */
};

void dns_place_done(struct dns_place *place);

/*
 * The first provider that has the zone which DNS names, else the first that has one which holds the name. ERROR_DNS,
 * absent, telling who was asked for what when none has. One at a time.
 */
MUST_CHECK bool dns_holders_find(struct dns_holders *holders, const struct dns_place_wanted *wanted,
				 struct deadline deadline, struct dns_place *ret, struct error *err);

#endif

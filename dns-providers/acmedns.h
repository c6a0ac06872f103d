/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme-dns (https://github.com/joohoi/acme-dns): a small name server that holds nothing but challenges. Each account
 * may write one name there, its fulldomain, to which the domain's _acme-challenge is a CNAME. The readers are pure and
 * fuzzed; they fail with ERROR_DATA.
 */
#ifndef DNS_PROVIDERS_ACMEDNS_H
#define DNS_PROVIDERS_ACMEDNS_H

#include "dns-providers/provider.h"

extern const struct dns_provider_module acmedns_module;

/* An account, as acme-dns's clients store it. */
struct acmedns_account {
	char *domain;     /* that it was registered for; NULL: not told */
	char *fulldomain; /* lower case, without final dot; NULL: only its first label is known */
	char *subdomain;
	char *server; /* its server's address; NULL: not told */
	struct secret username, password;
};

struct acmedns_accounts {
	struct acmedns_account *items;
	size_t count;
};

void acmedns_accounts_done(struct acmedns_accounts *accounts);

/* The storage file of lego, acme-dns-client and others: an object of accounts by domain. */
MUST_CHECK bool acmedns_read_accounts(const char *text, size_t len, struct acmedns_accounts *ret, struct error *err);

/* The answer to an update: it must name VALUE. */
MUST_CHECK bool acmedns_read_updated(const char *text, size_t len, const char *value, struct error *err);

#endif

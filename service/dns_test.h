/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dns test`: the round trip of a dns-01 challenge without a CA. A value of its own is put where a challenge for the
 * name would stand, seen at every authoritative server, and removed again, whatever happened between.
 */
#ifndef SERVICE_DNS_TEST_H
#define SERVICE_DNS_TEST_H

#include "service/service.h"

enum { DNS_TEST_STEPS = 6 };

/* One step that was tried. */
struct dns_test_step {
	const char *name; /* "open", "follow-aliases", "find-zone", "add-record", "propagation", "remove-record" */
	int64_t ms;
	char detail[ERROR_TEXT_MAX]; /* what came out of it: the alias's target, the zone, the servers; or empty */
	struct error *error;         /* owned; NULL: it worked */
};

struct dns_test_server {
	char name[256];
	char address[64]; /* the one that answered, or the only one; else empty */
	bool ready;
	int64_t ms;                   /* from the begin of the wait until it showed the value */
	char trouble[ERROR_NAME_MAX]; /* why it does not count, or what it lacks; empty when ready */
};

struct dns_test {
	const char *title; /* of the provider: "Cloudflare"; NULL: not known yet */
	char record[256];  /* where the value was put */
	char zone[256];    /* empty: not found */
	struct dns_test_step steps[DNS_TEST_STEPS];
	size_t step_count;
	struct dns_test_server *servers;
	size_t server_count;
};

void dns_test_done(struct dns_test *test);

struct dns_test_request {
	const char *provider;    /* an entry of the config's dns_providers, or with CREDENTIALS (or its environment) a
				  * provider's name */
	const char *credentials; /* file with the provider's settings; NULL: the config, or the environment */
	const char *name;        /* as a certificate would name it, "*." too; or the _acme-challenge name itself */
	void (*finished)(void *ctx, const struct dns_test_step *step); /* called as each step ends; may be NULL */
	void *ctx;
};

/*
 * Do the round trip. False with the first step's error where one failed; RET then tells how far it came, and a removal
 * that failed is told as its step whatever failed before. ERROR_USAGE for a name that can have no such record.
 */
MUST_CHECK bool dns_test_run(struct service *service, const struct dns_test_request *request, struct dns_test *ret,
			     struct error *err);

#endif

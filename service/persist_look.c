/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for standing records: CNAMEs first, then every server that decides, once. */
#include "service/persist_look.h"

#include "store/account_record.h"
#include "transport/dns_zone.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 20 * 1000 };

/* The worst counts: the CA may ask any of the servers. */
static bool is_worse(const struct persist_finding *a, const struct persist_finding *b)
{
	if (a->verdict != b->verdict)
		return a->verdict > b->verdict;
	return a->until != 0 && (b->until == 0 || a->until < b->until);
}

/* What one server shows. Called by dns_check_published(). */
static bool judge(void *ctx, const struct str_list *values)
{
	struct persist_look *look = ctx;
	struct persist_finding finding;

	if (!persist_judge(look->expectation, values, look->now, &finding, &look->error))
		return false;
	if (!look->looked || is_worse(&finding, &look->finding))
		look->finding = finding;
	look->looked = true;
	return finding.verdict == PERSIST_FITS;
}

bool persist_look(struct service *service, struct persist_look *looks, size_t count, struct deadline deadline,
		  struct error *err)
{
	struct dns_resolver *resolver = service_resolver(service, err);
	AUTO_FREE struct dns_expectation *expected = calloc(count + 1, sizeof(*expected));
	AUTO_FREE const char **names = calloc(count + 1, sizeof(*names));
	AUTO_FREE char(*ends)[256] = calloc(count + 1, sizeof(*ends));
	bool published = false;

	if (resolver == NULL)
		return false;
	if (expected == NULL || names == NULL || ends == NULL)
		return error_oom(err);
	deadline = deadline_within(deadline, LOOK_MS);
	for (size_t i = 0; i < count; i++) {
		looks[i].finding.verdict = PERSIST_ABSENT; /* until some server says otherwise */
		names[i] = looks[i].expectation->name;
	}
	if (!dns_follow_aliases(resolver, names, count, deadline, ends, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct persist_look *look = &looks[i];
		memcpy(look->where, ends[i], sizeof(ends[i]));
		expected[i] = (struct dns_expectation){.name = look->where, .fits = judge, .ctx = look};
	}
	bool ok = dns_check_published(resolver, expected, count, deadline, &published, err);
	for (size_t i = 0; ok && i < count; i++)
		if (error_is_set(&looks[i].error)) {
			*err = looks[i].error;
			ok = false;
		}
	return ok;
}

void persist_name_account(const struct service *service, const char *account_uri, struct buf *out)
{
	struct store *store = service_store(service);
	CLEANUP(str_list_done) struct str_list names = {0};
	struct error ignored = {0};

	if (!store_list_records(store, STORE_ACCOUNT, &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP(account_record_done) struct account_record record = {0};
		bool found = false;
		error_clear(&ignored);
		if (account_record_load(store, names.items[i], &record, &found, &ignored) && found &&
		    str_equal(record.url, account_uri)) {
			buf_printf(out, " (an account of ours: %s)", names.items[i]);
			return;
		}
	}
}

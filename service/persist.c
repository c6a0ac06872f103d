/* SPDX-License-Identifier: Apache-2.0 */
/* Top to bottom: the account, what the CA wants, what stands, what is published. */
#include "service/persist.h"

#include "acme/account.h"
#include "acme/key.h"
#include "acme/persist_learn.h"
#include "base/limits.h"
#include "base/log.h"
#include "dns-providers/provider.h"
#include "service/dns_propagation.h"
#include "service/persist_look.h"

#include <stdio.h>
#include <stdlib.h>

/* One report in the making. */
struct making {
	struct service *service;
	const struct renewal *wanted;
	const struct persist_request *request;
	struct deadline deadline;
	struct acme_session *session;
	struct acme_identity account;
	const struct acme_directory *directory;
	struct persist_offer offer;
	struct persist_look *looks; /* at the same index as the report's entries */
	struct persist_report report;
};

static void making_done(struct making *making)
{
	persist_offer_done(&making->offer);
	free(making->looks);
	persist_report_done(&making->report);
}

const char *persist_status_name(enum persist_status status)
{
	static const char *const names[] = {
		[PERSIST_PUBLISHED] = "published",
		[PERSIST_MISSING] = "missing",
		[PERSIST_WRONG] = "wrong",
		[PERSIST_UNKNOWN] = "unknown",
	};
	return names[status];
}

void persist_report_done(struct persist_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		persist_expectation_done(&report->entries[i].expectation);
		free(report->entries[i].value);
		free(report->entries[i].detail);
	}
	free(report->entries);
	free(report->ca_url);
	free(report->account_url);
	str_list_done(&report->caa_identities);
	*report = (struct persist_report){0};
}

/* --- What the CA wants --- */

/* By an order for the first name that shows it. */
static bool learn(struct making *making, struct error *err)
{
	const struct persist_request *request = making->request;
	bool found = false;

	for (size_t i = 0; i < request->count && !found; i++) {
		log_info("asking the CA for the form of its records by an order for %s, which is then given up",
			 request->identifiers[i].value);
		if (!acme_persist_learn(making->session, &making->account, &request->identifiers[i], making->deadline,
					&making->offer, &found, err))
			return false;
	}
	if (found)
		return true;
	(void)error_set(err, ERROR_CA, "persist",
			"the CA counts %s as authorized already and does not show what record it wants",
			request->identifiers[0].value);
	error_hint(err, "ask again when that has run out, or for a name that the CA has not seen yet");
	return false;
}

/* -02 §4.5: an account that has ended would make records that nobody can use. */
static bool check_account(struct making *making, struct error *err)
{
	CLEANUP(acme_account_done) struct acme_account seen = {0};
	if (making->offer.form != PERSIST_FORM_02)
		return true;
	if (!acme_account_read(making->session, &making->account, making->deadline, &seen, err))
		return false;
	return seen.status == ACME_ACCOUNT_VALID ||
	       error_set(err, ERROR_CA, "account", "the account %s is %s", making->account.kid,
			 acme_account_status_name(seen.status));
}

static bool find_offer(struct making *making, struct error *err)
{
	bool known = false;
	if (!service_ca(making->service, making->wanted, making->deadline, &making->session, &making->account, err))
		return false;
	making->directory = acme_session_directory(making->session, making->deadline, err);
	if (making->directory == NULL ||
	    !persist_offer_from_directory(making->directory, &making->offer, &known, err) ||
	    (!known && !learn(making, err)))
		return false;
	return persist_offer_check(&making->offer, making->directory, err) && check_account(making, err);
}

/* --- The records --- */

/* The entry of DOMAIN; a new one where there is none. */
static struct persist_entry *entry_of(struct persist_report *report, const char *domain)
{
	for (size_t i = 0; i < report->count; i++)
		if (str_equal(report->entries[i].domain, domain))
			return &report->entries[i];
	struct persist_entry *entry = &report->entries[report->count++];
	(void)snprintf(entry->domain, sizeof(entry->domain), "%s", domain);
	return entry;
}

static bool set_value(struct persist_entry *entry, int64_t until, struct error *err)
{
	CLEANUP(buf_done) struct buf value;
	buf_init(&value, LIMIT_ISSUE_VALUE);
	return persist_record(&entry->expectation, until, &value, err) && str_set(&entry->value, buf_cstr(&value), err);
}

static bool make_entries(struct making *making, struct error *err)
{
	const struct persist_request *request = making->request;
	struct persist_report *report = &making->report;
	char thumbprint[44];
	const struct persist_account account = {
		.url = making->account.kid,
		.thumbprint = thumbprint,
		.hash_prefix = making->directory->account_hash_prefix,
	};

	report->entries = calloc(request->count, sizeof(*report->entries));
	making->looks = calloc(request->count, sizeof(*making->looks));
	if (report->entries == NULL || making->looks == NULL)
		return error_oom(err);
	report->form = making->offer.form;
	if (!jwk_thumbprint(making->account.signer->jwk, thumbprint, err) ||
	    !str_set(&report->ca_url, making->wanted->ca_url, err) ||
	    !str_set(&report->account_url, making->account.kid, err) ||
	    !str_list_copy(&report->caa_identities, &making->directory->caa_identities, err))
		return false;
	for (size_t i = 0; i < request->count; i++) {
		const struct identifier *identifier = &request->identifiers[i];
		struct persist_entry *entry = entry_of(report, identifier_base(identifier));
		bool wildcard = entry->expectation.wildcard || request->wildcard;
		persist_expectation_done(&entry->expectation);
		if (!persist_expect(&making->offer, &account, identifier, &entry->expectation, err))
			return false;
		entry->expectation.wildcard = entry->expectation.wildcard || wildcard;
	}
	for (size_t i = 0; i < report->count; i++)
		if (!set_value(&report->entries[i], request->until, err))
			return false;
	return true;
}

/* --- What stands --- */

static bool describe(struct making *making, size_t index, struct error *err)
{
	struct persist_entry *entry = &making->report.entries[index];
	const struct persist_finding *finding = &making->looks[index].finding;
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, ERROR_TEXT_MAX);

	persist_describe(finding, entry->expectation.form, &text);
	if (finding->verdict == PERSIST_OTHER_ACCOUNT)
		persist_name_account(making->service, finding->text, &text);
	entry->status = finding->verdict == PERSIST_FITS     ? PERSIST_PUBLISHED
			: finding->verdict == PERSIST_ABSENT ? PERSIST_MISSING
							     : PERSIST_WRONG;
	if (entry->status == PERSIST_PUBLISHED)
		entry->until = finding->until;
	return entry->status != PERSIST_WRONG || str_set(&entry->detail, buf_cstr(&text), err);
}

static bool look(struct making *making, struct error *err)
{
	struct persist_report *report = &making->report;
	struct error failure = {0};

	for (size_t i = 0; i < report->count; i++) {
		making->looks[i].expectation = &report->entries[i].expectation;
		making->looks[i].now = clock_wall();
	}
	bool looked = persist_look(making->service, making->looks, report->count, making->deadline, &failure);
	if (!looked && failure.category == ERROR_CANCELLED) {
		*err = failure;
		return false;
	}
	for (size_t i = 0; i < report->count; i++) {
		struct persist_entry *entry = &report->entries[i];
		if (looked || making->looks[i].looked) {
			if (!describe(making, i, err))
				return false;
			continue;
		}
		entry->status = PERSIST_UNKNOWN;
		if (!str_set(&entry->detail, failure.message, err))
			return false;
	}
	return true;
}

/* --- Publishing --- */

/* Whether the operator asked for another record than the one that stands. */
static bool is_wanting(const struct making *making, const struct persist_entry *entry)
{
	return entry->status != PERSIST_PUBLISHED ||
	       (making->request->until != 0 && entry->until != making->request->until);
}

static bool publish_one(struct making *making, size_t index, const struct dns_provider_module *module,
			struct dns_provider *provider, struct error *err)
{
	const struct persist_entry *entry = &making->report.entries[index];
	struct dns_resolver *resolver = service_resolver(making->service, err);
	AUTO_FREE char *zone_id = NULL, *zone = NULL, *record = NULL;
	const char *name = entry->expectation.name, *where = making->looks[index].where;

	if (resolver == NULL ||
	    !dns_follow_aliases(resolver, &name, 1, making->deadline, &making->looks[index].where, err) ||
	    !module->find_zone(provider, where, making->deadline, &zone_id, &zone, err))
		return false;
	log_info("%s: publishing the record at %s in zone %s", module->title, where, zone);
	return module->add_txt(provider, zone_id, where, entry->value, making->deadline, &record, err);
}

/* All first, then one wait for all, as for dns-01. */
static bool publish(struct making *making, struct error *err)
{
	struct persist_report *report = &making->report;
	AUTO_FREE struct dns_expectation *expected = calloc(report->count + 1, sizeof(*expected));
	const struct dns_provider_module *module = NULL;
	struct dns_provider *provider = NULL;
	size_t count = 0;

	if (expected == NULL)
		return error_oom(err);
	if (!service_dns_provider(making->service, making->wanted->dns_provider, making->wanted->dns_credentials,
				  &module, &provider, err))
		return false;
	for (size_t i = 0; i < report->count; i++) {
		struct persist_entry *entry = &report->entries[i];
		if (!is_wanting(making, entry))
			continue;
		if (!publish_one(making, i, module, provider, err))
			return false;
		entry->published_now = true;
		expected[count++] = (struct dns_expectation){.name = making->looks[i].where, .value = entry->value};
	}
	if (!dns_propagation_wait(module, provider, service_resolver(making->service, err), expected, count,
				  making->deadline, /* progress= */ NULL, /* ctx= */ NULL, err))
		return false;
	for (size_t i = 0; i < report->count; i++) {
		struct persist_entry *entry = &report->entries[i];
		if (!entry->published_now)
			continue;
		entry->status = PERSIST_PUBLISHED;
		entry->until = making->request->until;
		free(entry->detail);
		entry->detail = NULL;
	}
	return true;
}

bool persist_report(struct service *service, const struct renewal *wanted, const struct persist_request *request,
		    struct deadline deadline, struct persist_report *ret, struct error *err)
{
	CLEANUP(making_done)
	struct making making = {.service = service, .wanted = wanted, .request = request, .deadline = deadline};

	if (!find_offer(&making, err) || !make_entries(&making, err) || !look(&making, err) ||
	    (request->publish && !publish(&making, err))) {
		error_context(err, "persist", /* certificate= */ NULL, /* server= */ NULL);
		return false;
	}
	*ret = making.report;
	making.report = (struct persist_report){0};
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One thread per order that does nothing but ask the DNS, so that an order takes no longer than without it. */
#include "service/caa_watch.h"

#include "acme/caa.h"
#include "acme/problem.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/renewal.h"
#include "transport/dns_caa.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 5 * 1000 };

struct caa_watch {
	struct service *service;
	const struct renewal *wanted;
	const struct acme_directory *directory;
	const struct acme_identity *account;
	struct cancel cancel;
	pthread_t thread;
	/* The thread's until it is joined: */
	struct dns_caa *sets; /* one for each identifier; that of an address stays empty */
	bool looked;          /* the sets are filled in */
	struct str_list warnings;
};

static void watch_free(struct caa_watch *watch)
{
	for (size_t i = 0; watch->sets != NULL && i < watch->wanted->identifier_count; i++)
		dns_caa_done(&watch->sets[i]);
	free(watch->sets);
	str_list_done(&watch->warnings);
	cancel_done(&watch->cancel);
	free(watch);
}

/* Whether an identifier before INDEX is judged by the same records in the same way. */
static bool is_repeated(const struct caa_watch *watch, size_t index)
{
	const struct identifier *identifiers = watch->wanted->identifiers;
	for (size_t i = 0; i < index; i++)
		if (watch->sets[i].known && str_equal(watch->sets[i].owner, watch->sets[index].owner) &&
		    identifier_is_wildcard(&identifiers[i]) == identifier_is_wildcard(&identifiers[index]))
			return true;
	return false;
}

/* DNS names only: CAA says nothing of addresses (RFC 8738 has none for them). */
static bool look(struct caa_watch *watch, struct deadline deadline, struct error *err)
{
	const struct renewal *wanted = watch->wanted;
	struct dns_resolver *resolver = service_resolver(watch->service, err);
	AUTO_FREE struct dns_caa *asked = calloc(wanted->identifier_count, sizeof(*asked));
	AUTO_FREE size_t *places = calloc(wanted->identifier_count, sizeof(*places));
	size_t count = 0;

	if (resolver == NULL)
		return false;
	if (asked == NULL || places == NULL)
		return error_oom(err);
	for (size_t i = 0; i < wanted->identifier_count; i++) {
		if (wanted->identifiers[i].type != IDENTIFIER_DNS)
			continue;
		places[count] = i;
		asked[count++].name = identifier_base(&wanted->identifiers[i]);
	}
	bool ok = dns_find_caa(resolver, asked, count, deadline, err);
	for (size_t i = 0; i < count; i++)
		watch->sets[places[i]] = asked[i];
	watch->looked = true;
	return ok;
}

static void tell(struct caa_watch *watch, const struct buf *text)
{
	struct error ignored = {0};
	log_warning("%s: %s", watch->wanted->name, buf_cstr(text));
	if (!str_list_add(&watch->warnings, buf_cstr(text), &ignored))
		log_debug("%s", ignored.message);
}

static void judge(struct caa_watch *watch, size_t index)
{
	const struct identifier *identifier = &watch->wanted->identifiers[index];
	const struct dns_caa *set = &watch->sets[index];
	const struct caa_question question = {
		.identities = &watch->directory->caa_identities,
		.account_url = watch->account->kid,
		.method = watch->wanted->challenge,
		.wildcard = identifier_is_wildcard(identifier),
	};
	CLEANUP(buf_done) struct buf shown, text;
	struct caa_finding finding;
	struct error err = {0};
	buf_init(&shown, ERROR_TEXT_MAX);
	buf_init(&text, (size_t)4 * ERROR_TEXT_MAX);

	if (!set->known) {
		log_debug("%s: CAA of %s is not known: %s", watch->wanted->name, identifier->value, set->reason);
		return;
	}
	if (set->records.len == 0 || !caa_judge(&set->records, &question, &finding, &err))
		return;
	caa_show(&set->records, &shown);
	const char *records = shown.failed ? "too long to show" : buf_cstr(&shown);
	if (!finding.allowed) {
		buf_printf(&text,
			   "CAA may keep this CA from issuing for %s: %s. At %s stands: %s. This would allow it: %s. "
			   "IN CAA %s",
			   identifier->value, finding.reason, set->owner, records, set->owner, finding.fix);
		tell(watch, &text);
	}
	if (finding.critical[0] != '\0') {
		buf_reset(&text);
		buf_printf(&text,
			   "the CAA records at %s have the critical property \"%s\": a CA that does not know it "
			   "refuses (%s)",
			   set->owner, finding.critical, records);
		tell(watch, &text);
	}
}

static void *watch_main(void *arg)
{
	struct caa_watch *watch = arg;
	struct deadline deadline = deadline_in(LOOK_MS, &watch->cancel);
	struct error err = {0};

	/* A CA that does not say what it is called cannot be looked for. */
	if (watch->directory->caa_identities.len == 0)
		return NULL;
	if (!look(watch, deadline, &err))
		log_debug("%s: CAA is not known: %s", watch->wanted->name, err.message);
	for (size_t i = 0; watch->looked && i < watch->wanted->identifier_count; i++)
		if (watch->sets[i].name != NULL && !is_repeated(watch, i) && !cancel_requested(&watch->cancel))
			judge(watch, i);
	return NULL;
}

static bool has_dns_name(const struct renewal *wanted)
{
	for (size_t i = 0; i < wanted->identifier_count; i++)
		if (wanted->identifiers[i].type == IDENTIFIER_DNS)
			return true;
	return false;
}

struct caa_watch *caa_watch_begin(struct service *service, const struct renewal *wanted,
				  const struct acme_directory *directory, const struct acme_identity *account)
{
	struct error ignored = {0};
	struct caa_watch *watch = has_dns_name(wanted) ? calloc(1, sizeof(*watch)) : NULL;
	if (watch == NULL)
		return NULL;
	*watch = (struct caa_watch){
		.service = service, .wanted = wanted, .directory = directory, .account = account, .cancel = {.fd = -1}};
	watch->sets = calloc(wanted->identifier_count, sizeof(*watch->sets));
	if (watch->sets == NULL || !cancel_init(&watch->cancel, &ignored) ||
	    pthread_create(&watch->thread, /* attr= */ NULL, watch_main, watch) != 0) {
		watch_free(watch);
		return NULL;
	}
	return watch;
}

/* The CA's own name for it, for the whole order or for one of its names. */
static bool is_refusal(const struct error *err)
{
	struct error_part part;
	if (err == NULL || err->category != ERROR_CA)
		return false;
	for (size_t i = 0; error_part_at(err, i, &part); i++)
		if (acme_problem_is(part.type, "caa"))
			return true;
	return acme_problem_is(err->type, "caa");
}

/* What stands, in place of the general advice. */
static void show_found(struct caa_watch *watch, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	struct error unknown = {0};
	buf_init(&text, ERROR_TEXT_MAX);

	/* A CA that does not say what it is called has not been looked for. */
	if (!watch->looked && !look(watch, deadline_in(LOOK_MS, service_options(watch->service)->cancel), &unknown))
		log_debug("%s: CAA is not known: %s", watch->wanted->name, unknown.message);
	for (size_t i = 0; i < watch->wanted->identifier_count; i++) {
		CLEANUP(buf_done) struct buf line;
		const struct dns_caa *set = &watch->sets[i];
		buf_init(&line, ERROR_TEXT_MAX / 2);
		if (!set->known || set->records.len == 0)
			continue;
		buf_printf(&line, "%s%s has CAA at %s: ", text.len > 0 ? "; " : "", watch->wanted->identifiers[i].value,
			   set->owner);
		caa_show(&set->records, &line);
		if (!line.failed && text.len + line.len < ERROR_TEXT_MAX * 3 / 4)
			buf_str(&text, buf_cstr(&line));
	}
	if (text.len == 0)
		return;
	err->hint[0] = '\0';
	error_hint(err, "%s. Add a record that names the CA, or remove the one that does not", buf_cstr(&text));
}

void caa_watch_end(struct caa_watch *watch, struct str_list *notes, struct error *err)
{
	struct error ignored = {0};
	if (watch == NULL)
		return;
	if (!is_refusal(err))
		cancel_request(&watch->cancel);
	(void)pthread_join(watch->thread, /* result= */ NULL);
	for (size_t i = 0; i < watch->warnings.len; i++)
		if (!str_list_add(notes, watch->warnings.items[i], &ignored))
			log_debug("%s", ignored.message);
	if (is_refusal(err))
		show_found(watch, err);
	watch_free(watch);
}

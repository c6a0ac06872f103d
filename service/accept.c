/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing received becomes live unless it is exactly what was ordered, for our key. The chain is checked before it is
 * written, and what was written is read back before the switch (store.h).
 */
#include "service/accept.h"

#include "acme/chain.h"
#include "base/limits.h"
#include "base/log.h"
#include "service/live_facts.h"
#include "store/order_record.h"

#include <string.h>

enum {
	CLOSE_ENOUGH = 3600, /* seconds between the end that was asked for and the one that was given: CAs round */
};

/* Fill the record's facts from the certificate that is about to be live. */
static bool take_facts(const struct acceptance *acceptance, const struct chain *chain, const char *profile,
		       struct renewal *wanted, struct error *err)
{
	if (!live_facts_take(acceptance->service, chain, wanted, err) ||
	    !str_set(&wanted->account, acceptance->account, err) ||
	    !str_set(&wanted->profile_issued, profile != NULL ? profile : acceptance->profile, err))
		return false;
	wanted->rolled_back_from = 0;
	renewal_forget_failures(wanted);
	return true;
}

static bool add_note(const struct acceptance *acceptance, const struct renewal *wanted, struct error *note,
		     struct error *err)
{
	error_context(note, "certificate", wanted->name, /* server= */ NULL);
	log_failure(LOG_LEVEL_WARNING, note);
	return str_list_add(acceptance->notes, note->message, err);
}

/*
 * An end before the live one's is fine where a renewal was due (lifetimes shrink, and a CA may call for an early one)
 * or other terms were ordered. Otherwise the live one serves longer, and stays.
 */
static bool check_end(const struct acceptance *acceptance, const struct chain *chain, const struct renewal *wanted,
		      struct error *err)
{
	char ends[RFC3339_SIZE], other[RFC3339_SIZE];
	struct chain_info info;
	struct error note = {0};

	if (!chain_info(chain, &info, err))
		return error_attribute(err, ERROR_CA, "certificate");
	rfc3339_format(info.not_after, ends);
	if (info.not_after < wanted->not_after && !acceptance->may_end_earlier) {
		(void)error_set(err, ERROR_CA, "certificate",
				"the certificate ends at %s, before the live one (%s), which was not due for renewal",
				ends, rfc3339_format(wanted->not_after, other));
		error_hint(err, "the live one stays; if this is what you want, run again with --force");
		return false;
	}
	if (info.not_after < wanted->not_after &&
	    (error_set(&note, ERROR_CA, NULL, "the new certificate ends at %s, earlier than the one before it (%s)",
		       ends, rfc3339_format(wanted->not_after, other)),
	     !add_note(acceptance, wanted, &note, err)))
		return false;
	int64_t off = info.not_after - acceptance->not_after;
	if (acceptance->not_after == 0 || (off >= -CLOSE_ENOUGH && off <= CLOSE_ENOUGH))
		return true;
	error_clear(&note);
	(void)error_set(&note, ERROR_CA, NULL, "the certificate ends at %s although %s was asked for", ends,
			rfc3339_format(acceptance->not_after, other));
	return add_note(acceptance, wanted, &note, err);
}

/* PEM as a chain that may become live; NULL and ERR (ERROR_CA). */
static struct chain *check(const struct acceptance *acceptance, const char *pem, const struct renewal *wanted,
			   struct error *err)
{
	CLEANUP(chain_freep) struct chain *chain = chain_parse(pem, strlen(pem), err);
	if (chain == NULL ||
	    !chain_verify(chain, acceptance->key, wanted->identifiers, wanted->identifier_count, clock_wall(), err)) {
		error_hint(err,
			   "the certificate was refused and the previous one stays live; this is the CA's mistake");
		(void)error_attribute(err, ERROR_CA, "certificate");
		return NULL;
	}
	return check_end(acceptance, chain, wanted, err) ? STEAL(chain) : NULL;
}

/* The preferred chain, or where that is no good, the CA's default. */
static struct chain *choose(const struct acceptance *acceptance, const struct acme_certificate *certificate,
			    const struct renewal *wanted, struct error *err)
{
	struct error refused = {0};
	if (certificate->fallback == NULL)
		return check(acceptance, certificate->chain, wanted, err);
	struct chain *chain = check(acceptance, certificate->chain, wanted, &refused);
	if (chain != NULL)
		return chain;
	chain = check(acceptance, certificate->fallback, wanted, err);
	if (chain != NULL && !add_note(acceptance, wanted, &refused, err)) {
		chain_free(chain);
		return NULL;
	}
	return chain;
}

/* What is live from now on goes on record, with what is still to be done for it. */
static bool remember(const struct acceptance *acceptance, struct renewal *wanted, struct error *err)
{
	renewal_forget_hooks(wanted);
	wanted->deploy_hooks_due = acceptance->has_deploy_hooks;
	return renewal_save(service_store(acceptance->service), wanted, err);
}

bool accept_certificate(const struct acceptance *acceptance, const struct acme_certificate *certificate,
			struct renewal *wanted, struct error *err)
{
	struct store *store = service_store(acceptance->service);
	CLEANUP(buf_done) struct buf cert, rest, full;
	buf_init(&cert, LIMIT_CHAIN_BODY);
	buf_init(&rest, LIMIT_CHAIN_BODY);
	buf_init(&full, LIMIT_CHAIN_BODY);

	CLEANUP(chain_freep) struct chain *chain = choose(acceptance, certificate, wanted, err);
	if (chain == NULL) {
		/* The order is spent: the next run must place a new one rather than fetch the same answer. */
		struct error unwritten = {0};
		if (!store_delete_record(store, STORE_ORDER, wanted->name, &unwritten))
			log_failure(LOG_LEVEL_WARNING, &unwritten);
		return false;
	}
	return take_facts(acceptance, chain, certificate->profile, wanted, err) && chain_leaf_pem(chain, &cert, err) &&
	       chain_rest_pem(chain, &rest, err) && chain_full_pem(chain, &full, err) &&
	       store_commit(store, wanted->name, buf_cstr(&cert), buf_cstr(&rest), buf_cstr(&full), &wanted->generation,
			    err) &&
	       remember(acceptance, wanted, err) && store_delete_record(store, STORE_ORDER, wanted->name, err);
}

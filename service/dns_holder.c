/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS says which zone a name is in, providers say which zones they have. A provider that has the very zone is taken at
 * once; one that has only a zone above it may have a left-over, or DNS may look different from here: it is taken when
 * nobody has the zone itself.
 */
#include "service/dns_holder.h"

#include "base/buf.h"
#include "base/log.h"
#include "config/config.h"
#include "dns-providers/provider.h"

#include <stdlib.h>
#include <string.h>

bool dns_holders_open(struct service *service, const char *name, const char *credentials, struct dns_holders *ret,
		      struct error *err)
{
	const struct config *config = service_options(service)->config;
	size_t others = config != NULL ? config->dns_provider_count : 0;
	struct dns_holders holders = {.service = service, .items = calloc(others + 1, sizeof(*holders.items))};
	if (holders.items == NULL)
		return error_oom(err);
	holders.items[holders.count++] = (struct dns_holder){.name = name, .credentials = credentials};
	for (size_t i = 0; i < others; i++) {
		const char *other = config->dns_providers[i].name;
		if (credentials != NULL || !str_equal(other, name))
			holders.items[holders.count++] = (struct dns_holder){.name = other};
	}
	if (!service_dns_provider(service, name, credentials, &holders.items[0].module, &holders.items[0].provider,
				  err)) {
		dns_holders_done(&holders);
		return false;
	}
	*ret = holders;
	return true;
}

void dns_holders_done(struct dns_holders *holders)
{
	for (size_t i = 0; i < holders->count; i++)
		free(holders->items[i].trouble);
	free(holders->items);
	*holders = (struct dns_holders){0};
}

void dns_place_done(struct dns_place *place)
{
	free(place->zone_id);
	free(place->zone);
	*place = (struct dns_place){0};
}

static bool takes_any_name(const struct dns_holder *holder)
{
	return holder->module->takes_any_name != NULL && holder->module->takes_any_name(holder->provider);
}

static bool ask(const struct dns_holder *holder, const char *name, struct deadline deadline, struct dns_place *ret,
		struct error *err)
{
	ret->holder = holder;
	return holder->module->find_zone(holder->provider, name, deadline, &ret->zone_id, &ret->zone, err);
}

/* HOLDER's zone for WANTED. The apex comes first: it is the answer for many names, so they cost one question. */
static bool claim(const struct dns_holder *holder, const struct dns_place_wanted *wanted, struct deadline deadline,
		  struct dns_place *ret, struct error *err)
{
	CLEANUP(dns_place_done) struct dns_place place = {0};
	struct error cause = {0};
	if (wanted->apex[0] != '\0' && !takes_any_name(holder)) {
		bool found = ask(holder, wanted->apex, deadline, &place, &cause);
		if (!found && !cause.absent) {
			*err = cause;
			return false;
		}
		if (!found || !str_equal_nocase(place.zone, wanted->apex))
			dns_place_done(&place);
	}
	if (place.zone == NULL && !ask(holder, wanted->name, deadline, &place, err))
		return false;
	*ret = place;
	place = (struct dns_place){0};
	return true;
}

/* Whether there is nobody better to be asked than the one of PLACE. */
static bool is_sure(const struct dns_place *place, const struct dns_place_wanted *wanted)
{
	/* With a zone given by its id the operator has said where the names are, but not where their CNAMEs lead. */
	if (takes_any_name(place->holder))
		return str_equal_nocase(wanted->asked, wanted->name);
	return wanted->apex[0] == '\0' || str_equal_nocase(place->zone, wanted->apex);
}

/* As claim(), for a provider that is not the certificate's own: what is wrong with it is no failure. */
static bool claim_other(const struct dns_holders *holders, struct dns_holder *holder,
			const struct dns_place_wanted *wanted, struct deadline deadline, struct dns_place *ret)
{
	struct error cause = {0};
	bool opened = holder->provider != NULL;
	if (holder->trouble != NULL)
		return false;
	if (!opened)
		opened = service_dns_provider(holders->service, holder->name, holder->credentials, &holder->module,
					      &holder->provider, &cause);
	/* One that does not know its zones would take the names of all others. */
	if (opened && takes_any_name(holder))
		return false;
	if (opened && claim(holder, wanted, deadline, ret, &cause))
		return true;
	if (!cause.absent) {
		log_debug("%s cannot be asked for the zone of %s: %s", holder->name, wanted->name, cause.message);
		error_keep(&holder->trouble, &cause);
	}
	return false;
}

/* CAUSE is what the certificate's own provider said; what the others said is added. */
static bool nobody(const struct dns_holders *holders, const struct dns_place_wanted *wanted, const struct error *cause,
		   struct error *err)
{
	CLEANUP(buf_done) struct buf others;
	buf_init(&others, ERROR_TEXT_MAX);
	for (size_t i = 1; i < holders->count; i++) {
		const struct dns_holder *holder = &holders->items[i];
		const char *before = others.len > 0 ? ", " : "; asked too: ";
		if (holder->trouble != NULL)
			buf_printf(&others, "%s%s (%s)", before, holder->name, holder->trouble->message);
		else if (holder->provider != NULL && !takes_any_name(holder))
			buf_printf(&others, "%s%s", before, holder->name);
	}
	const char *zone = wanted->apex[0] != '\0' ? wanted->apex : wanted->name;
	if (!str_equal_nocase(wanted->asked, wanted->name))
		error_hint(err, "the CNAME at %s leads to %s: the DNS provider that has the zone %s must be %s%s%s",
			   wanted->asked, wanted->name, zone,
			   service_options(holders->service)->config != NULL
				   ? "under dns_providers in the config too"
				   : "the one that is named, or one under dns_providers of a config",
			   cause->hint[0] != '\0' ? "; or " : "", cause->hint);
	error_hint(err, "%s", cause->hint);
	error_said(err, cause->said, strlen(cause->said));
	err->absent = true;
	return error_set(err, ERROR_DNS, "find-zone", "%s%s", cause->message, buf_cstr(&others));
}

bool dns_holders_find(struct dns_holders *holders, const struct dns_place_wanted *wanted, struct deadline deadline,
		      struct dns_place *ret, struct error *err)
{
	CLEANUP(dns_place_done) struct dns_place first = {0};
	struct error cause = {0};
	bool sure = false;

	if (claim(&holders->items[0], wanted, deadline, &first, &cause)) {
		sure = is_sure(&first, wanted);
	} else if (!cause.absent) {
		*err = cause;
		return false;
	}
	for (size_t i = 1; i < holders->count && !sure; i++) {
		CLEANUP(dns_place_done) struct dns_place other = {0};
		if (!claim_other(holders, &holders->items[i], wanted, deadline, &other))
			continue;
		sure = is_sure(&other, wanted);
		if (sure || first.holder == NULL) {
			struct dns_place better = other;
			other = first;
			first = better;
		}
	}
	if (first.holder == NULL)
		return deadline_check(deadline, "find-zone", err) && nobody(holders, wanted, &cause, err);
	*ret = first;
	first = (struct dns_place){0};
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compare and swap. Where the vendor refuses writes upon a wrong belief, the belief is what we wrote last, at first
 * that nothing is there: the usual addition is then one call.
 */
#include "dns-providers/recordset.h"

#include "base/log.h"
#include "dns-providers/common.h"
#include "dns-providers/zones.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	WRITE_TRIES = 8,
	CONFLICT_MS = 50, /* after the first conflict at most twice that, then more */
	KNOWN_MAX = 1000,
};

/* What we wrote last at a name. */
struct provider_owner {
	char *zone_id;
	char *name;
	struct provider_set set;
};

void provider_set_done(struct provider_set *set)
{
	str_list_done(&set->values);
	free(set->version);
	free(set->extra);
	*set = (struct provider_set){0};
}

static void owner_done(struct provider_owner *owner)
{
	free(owner->zone_id);
	free(owner->name);
	provider_set_done(&owner->set);
}

void provider_owners_init(struct provider_owners *owners)
{
	*owners = (struct provider_owners){0};
	(void)pthread_mutex_init(&owners->lock, NULL);
	for (size_t i = 0; i < PROVIDER_OWNER_LOCKS; i++)
		(void)pthread_mutex_init(&owners->queues[i], NULL);
}

void provider_owners_done(struct provider_owners *owners)
{
	for (size_t i = 0; i < owners->count; i++)
		owner_done(&owners->known[i]);
	free(owners->known);
	(void)pthread_mutex_destroy(&owners->lock);
	for (size_t i = 0; i < PROVIDER_OWNER_LOCKS; i++)
		(void)pthread_mutex_destroy(&owners->queues[i]);
}

static pthread_mutex_t *queue_of(struct provider_owners *owners, const char *name)
{
	uint32_t hash = 5381;
	for (; *name != '\0'; name++)
		hash = hash * 33 + (unsigned char)*name;
	return &owners->queues[hash % PROVIDER_OWNER_LOCKS];
}

static bool copy_set(struct provider_set *ret, const struct provider_set *set, struct error *err)
{
	provider_set_done(ret);
	ret->ttl = set->ttl;
	return str_list_copy(&ret->values, &set->values, err) && str_set(&ret->version, set->version, err) &&
	       str_set(&ret->extra, set->extra, err);
}

/* Called with the lock. */
static struct provider_owner *find_owner(struct provider_owners *owners, const char *zone_id, const char *name)
{
	for (size_t i = 0; i < owners->count; i++) {
		if (str_equal(owners->known[i].name, name) && str_equal(owners->known[i].zone_id, zone_id))
			return &owners->known[i];
	}
	return NULL;
}

/* What is believed to stand at NAME: what we wrote last; false when we know nothing. */
static bool recall(struct provider_owners *owners, const char *zone_id, const char *name, struct provider_set *ret)
{
	struct error ignored = {0};
	(void)pthread_mutex_lock(&owners->lock);
	const struct provider_owner *owner = find_owner(owners, zone_id, name);
	bool known = owner != NULL && copy_set(ret, &owner->set, &ignored);
	(void)pthread_mutex_unlock(&owners->lock);
	return known;
}

/* SET NULL: forget. Failing to remember is no failure: it is read again then. */
static void remember(struct provider_owners *owners, const char *zone_id, const char *name,
		     const struct provider_set *set)
{
	struct error ignored = {0};
	struct provider_owner entry = {0};
	(void)pthread_mutex_lock(&owners->lock);
	struct provider_owner *owner = find_owner(owners, zone_id, name);
	if (owner != NULL) {
		owner_done(owner);
		*owner = owners->known[--owners->count];
	}
	if (set != NULL && owners->count < KNOWN_MAX && str_set(&entry.zone_id, zone_id, &ignored) &&
	    str_set(&entry.name, name, &ignored) && copy_set(&entry.set, set, &ignored)) {
		struct provider_owner *known = reallocarray(owners->known, owners->count + 1, sizeof(*known));
		if (known != NULL) {
			owners->known = known;
			known[owners->count++] = entry;
			entry = (struct provider_owner){0};
		}
	}
	owner_done(&entry);
	(void)pthread_mutex_unlock(&owners->lock);
}

/* One change of a set. */
struct change {
	const struct provider_sets *sets;
	struct provider_owners *owners;
	struct dns_provider *provider;
	const char *step, *zone_id, *name;
	char *raw; /* the value as the vendor writes it */
	bool adds;
	struct deadline deadline;
};

/* What WAS becomes by CHANGE. */
static bool make_next(const struct change *change, const struct provider_set *was, struct provider_set *ret,
		      struct error *err)
{
	ret->ttl = was->values.len > 0 ? was->ttl : change->sets->ttl;
	for (size_t i = 0; i < was->values.len; i++) {
		if (!str_equal(was->values.items[i], change->raw) &&
		    !str_list_add(&ret->values, was->values.items[i], err))
			return false;
	}
	return !change->adds || str_list_add(&ret->values, change->raw, err);
}

/* A write upon WAS. */
static enum provider_written write_once(const struct change *change, const struct provider_set *was, struct error *err)
{
	CLEANUP(provider_set_done) struct provider_set next = {0};
	if (!make_next(change, was, &next, err))
		return PROVIDER_WRITTEN_NOT;
	enum provider_written written = change->sets->write(change->provider, change->step, change->zone_id,
							    change->name, was, &next, change->deadline, err);
	remember(change->owners, change->zone_id, change->name,
		 written == PROVIDER_WRITTEN && change->sets->guesses ? &next : NULL);
	return written;
}

static bool make_change(const struct change *change, struct error *err)
{
	bool guessing = change->sets->guesses;
	for (unsigned attempt = 1;; attempt++) {
		CLEANUP(provider_set_done) struct provider_set was = {0};
		struct error cause = {0}, waiting = {0};
		bool known = guessing && (recall(change->owners, change->zone_id, change->name, &was) || change->adds);
		/* A guess that says there is nothing to do is no proof of it. */
		if (known && str_list_has(&was.values, change->raw) == change->adds) {
			provider_set_done(&was);
			known = false;
		}
		if (!known && !change->sets->read(change->provider, change->step, change->zone_id, change->name,
						  change->deadline, &was, err))
			return false;
		if (str_list_has(&was.values, change->raw) == change->adds)
			return true;
		enum provider_written written = write_once(change, &was, &cause);
		if (written == PROVIDER_WRITTEN)
			return true;
		/* A wrong guess costs no wait. */
		bool again = written == PROVIDER_WRITE_CONFLICT && attempt < WRITE_TRIES;
		if (again && !known)
			again = provider_jitter(CONFLICT_MS << (attempt < 5 ? attempt : 5), change->step,
						change->deadline, &waiting);
		if (!again) {
			*err = waiting.category == ERROR_CANCELLED ? waiting : cause;
			err->transient = err->transient || written == PROVIDER_WRITE_CONFLICT;
			return false;
		}
		log_debug("the TXT records at %s are not as expected: reading them", change->name);
		guessing = false;
	}
}

static bool change_set(struct change *change, const char *value, struct error *err)
{
	pthread_mutex_t *queue = queue_of(change->owners, change->name);
	AUTO_FREE char *raw = str_format(err, "%s%s%s", change->sets->before, value, change->sets->after);
	change->raw = raw;
	if (raw == NULL || !provider_lock(queue, change->step, change->deadline, err))
		return false;
	bool done = make_change(change, err);
	(void)pthread_mutex_unlock(queue);
	return done;
}

bool provider_sets_add(const struct provider_sets *sets, struct provider_owners *owners, struct dns_provider *provider,
		       const char *zone_id, const char *name, const char *value, struct deadline deadline,
		       struct error *err)
{
	struct change change = {
		.sets = sets,
		.owners = owners,
		.provider = provider,
		.step = "add-record",
		.zone_id = zone_id,
		.name = name,
		.adds = true,
		.deadline = deadline,
	};
	return change_set(&change, value, err);
}

bool provider_sets_remove(const struct provider_sets *sets, struct provider_owners *owners,
			  struct dns_provider *provider, const char *zone_id, const char *name, const char *value,
			  struct deadline deadline, struct error *err)
{
	struct change change = {
		.sets = sets,
		.owners = owners,
		.provider = provider,
		.step = "remove-record",
		.zone_id = zone_id,
		.name = name,
		.adds = false,
		.deadline = deadline,
	};
	return change_set(&change, value, err);
}

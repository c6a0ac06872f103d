/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Candidates are asked for one by one instead of listing an account's zones: an account may have thousands. The lock is
 * held while a vendor is asked, since whoever else searches would ask for the same zones.
 */
#include "dns-providers/zones.h"

#include "base/str.h"
#include "dns-providers/common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { KNOWN_MAX = 1000 /* names asked for, found or not; beyond that they are asked for again */ };

/* What a candidate turned out to be. */
struct provider_zone {
	char *name;
	char *id; /* NULL: no zone */
};

void provider_zones_init(struct provider_zones *zones)
{
	*zones = (struct provider_zones){0};
	(void)pthread_mutex_init(&zones->lock, NULL);
}

void provider_zones_done(struct provider_zones *zones)
{
	for (size_t i = 0; i < zones->count; i++) {
		free(zones->known[i].name);
		free(zones->known[i].id);
	}
	free(zones->known);
	(void)pthread_mutex_destroy(&zones->lock);
}

bool provider_lock(pthread_mutex_t *lock, const char *step, struct deadline deadline, struct error *err)
{
	struct timespec until;
	/* In slices, so that a cancelled run is not held up by another thread's request. */
	for (;;) {
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 100 * 1000 * 1000;
		if (until.tv_nsec >= 1000 * 1000 * 1000) {
			until.tv_nsec -= 1000 * 1000 * 1000;
			until.tv_sec++;
		}
		if (pthread_mutex_timedlock(lock, &until) == 0)
			return true;
		if (!deadline_check(deadline, step, err))
			return false;
	}
}

static const struct provider_zone *find_known(const struct provider_zones *zones, const char *name)
{
	for (size_t i = 0; i < zones->count; i++) {
		if (str_equal(zones->known[i].name, name))
			return &zones->known[i];
	}
	return NULL;
}

/* Forgetting is no failure: the name is asked for again then. */
static void remember(struct provider_zones *zones, const char *name, const char *id)
{
	struct error ignored = {0};
	struct provider_zone entry = {0};
	struct provider_zone *known = NULL;
	if (zones->count < KNOWN_MAX && str_set(&entry.name, name, &ignored) && str_set(&entry.id, id, &ignored))
		known = reallocarray(zones->known, zones->count + 1, sizeof(*known));
	if (known == NULL) {
		free(entry.name);
		free(entry.id);
		return;
	}
	zones->known = known;
	known[zones->count++] = entry;
}

/* *RET_ID: the id of the usable zone called NAME, or NULL. UNUSABLE collects those that cannot be used. */
static bool look_up(struct provider_zones *zones, const struct provider_zone_search *search,
		    struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
		    struct buf *unusable, struct error *err)
{
	CLEANUP(buf_done) struct buf reason;
	const struct provider_zone *known = find_known(zones, name);

	buf_init(&reason, ERROR_TEXT_MAX);
	if (known != NULL)
		return str_set(ret_id, known->id, err);
	if (!search->ask(provider, name, deadline, ret_id, &reason, err))
		return false;
	if (reason.len > 0)
		buf_printf(unusable, "; the zone %s is there, but %s", name, buf_cstr(&reason));
	else
		remember(zones, name, *ret_id);
	return true;
}

/* The longest candidate that is a zone: *RET_ID and *RET_ZONE, or an error that says what was tried. */
static bool search_longest(struct provider_zones *zones, const struct provider_zone_search *search,
			   struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			   char **ret_zone, struct error *err)
{
	CLEANUP(buf_done) struct buf tried;
	CLEANUP(buf_done) struct buf unusable;

	buf_init(&tried, ERROR_TEXT_MAX);
	buf_init(&unusable, ERROR_TEXT_MAX);
	/* From the full name, since _acme-challenge itself may be delegated, down to two labels. */
	for (const char *at = name; strchr(at, '.') != NULL; at = strchr(at, '.') + 1) {
		if (!look_up(zones, search, provider, at, deadline, ret_id, &unusable, err))
			return false;
		if (*ret_id != NULL)
			return str_set(ret_zone, at, err);
		buf_printf(&tried, "%s%s", tried.len > 0 ? ", " : "", at);
	}
	error_hint(err, "%s", unusable.len > 0 && search->unusable_hint ? search->unusable_hint : search->hint);
	err->absent = true;
	return error_set(err, ERROR_DNS, "find-zone", "%s: %s sees no zone that holds %s; asked for %s%s",
			 search->title, search->source, name, buf_cstr(&tried), buf_cstr(&unusable));
}

/* Lower case, without a final dot: how vendors and our own candidates are compared. malloc'd. */
static char *plain_name(const char *name, struct error *err)
{
	char *plain = str_format(err, "%s", name);
	size_t len = plain != NULL ? strlen(plain) : 0;
	if (len > 0 && plain[len - 1] == '.')
		plain[len - 1] = '\0';
	for (size_t i = 0; i < len; i++) {
		if (plain[i] >= 'A' && plain[i] <= 'Z')
			plain[i] = (char)(plain[i] - 'A' + 'a');
	}
	return plain;
}

bool provider_zones_find(struct provider_zones *zones, const struct provider_zone_search *search,
			 struct dns_provider *provider, const char *name, struct deadline deadline, char **ret_id,
			 char **ret_zone, struct error *err)
{
	AUTO_FREE char *id = NULL;
	AUTO_FREE char *zone = NULL;
	AUTO_FREE char *plain = plain_name(name, err);

	if (plain == NULL)
		return false;
	if (!provider_name_is_valid(plain))
		return error_set(err, ERROR_DNS, "find-zone", "%s: not a name that can have a zone", search->title);
	if (!provider_lock(&zones->lock, "find-zone", deadline, err))
		return false;
	bool found = search_longest(zones, search, provider, plain, deadline, &id, &zone, err);
	(void)pthread_mutex_unlock(&zones->lock);
	if (!found)
		return false;
	*ret_id = STEAL(id);
	*ret_zone = STEAL(zone);
	return true;
}

bool provider_relative_name(const char *name, const char *zone, char **ret, struct error *err)
{
	size_t name_len = strlen(name), zone_len = strlen(zone);
	if (str_equal_nocase(name, zone))
		return str_set(ret, "@", err);
	if (name_len < zone_len + 2 || name[name_len - zone_len - 1] != '.' ||
	    strcasecmp(name + name_len - zone_len, zone) != 0)
		return error_set(err, ERROR_DNS, NULL, "%s is not inside the zone %s", name, zone);
	return str_set_n(ret, name, name_len - zone_len - 1, err);
}

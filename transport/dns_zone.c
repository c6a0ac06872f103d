/* SPDX-License-Identifier: Apache-2.0 */
/* Where names lead, and which zones hold them: CNAMEs one hop at a time, labels from the longest up. */
#include "transport/dns_zone.h"

#include "base/limits.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	NAME_SIZE = 256,
	TOGETHER = 64, /* questions at once: their answers fit the socket that they share */
};

bool dns_name_is_within(const char *name, const char *zone)
{
	size_t name_len = strlen(name), zone_len = strlen(zone);
	if (zone_len == 0 || zone_len > name_len || !str_equal_nocase(name + name_len - zone_len, zone))
		return false;
	return zone_len == name_len || name[name_len - zone_len - 1] == '.';
}

static bool copy_name(char ret[NAME_SIZE], const char *name, struct error *err)
{
	size_t len = strlen(name);
	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len >= NAME_SIZE)
		return error_set(err, ERROR_DNS, NULL, "malformed DNS name");
	memcpy(ret, name, len);
	ret[len] = '\0';
	return true;
}

/* One name on its way along CNAMEs. */
struct trail {
	const char *name;
	char at[NAME_SIZE];   /* where they have led so far */
	struct str_list seen; /* and before */
	bool ended;
};

/* Names that are asked for side by side, a few of them at a time. */
struct round {
	struct dns_question questions[TOGETHER];
	size_t of[TOGETHER]; /* which name each question is about */
	size_t count;
};

static void round_done(struct round *round)
{
	for (size_t i = 0; i < round->count; i++)
		dns_answer_done(&round->questions[i].answer);
}

static void round_add(struct round *round, size_t index, const char *name, enum dns_type type)
{
	round->questions[round->count] = (struct dns_question){.name = name, .type = type};
	round->of[round->count++] = index;
}

static void trails_done(struct trail *trails, size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_list_done(&trails[i].seen);
	free(trails);
}

/* One CNAME further, or the end. */
static bool advance(struct trail *trail, const struct dns_question *question, struct error *err)
{
	const struct dns_answer *answer = &question->answer;
	if (answer->outcome == DNS_NO_ANSWER) {
		err->transient = true;
		return error_set(err, ERROR_DNS, NULL, "%s", question->reason);
	}
	trail->ended = answer->alias[0] == '\0';
	if (trail->ended)
		return true;
	if (trail->seen.len == LIMIT_DNS_CNAME_HOPS)
		return error_set(err, ERROR_DNS, NULL, "more than %d CNAME records lead away from %s",
				 LIMIT_DNS_CNAME_HOPS, trail->name);
	if (!str_list_add(&trail->seen, trail->at, err))
		return false;
	memcpy(trail->at, answer->alias, sizeof(trail->at));
	return !str_list_has(&trail->seen, trail->at) ||
	       error_set(err, ERROR_DNS, NULL, "the CNAME records of %s lead in a circle", trail->name);
}

/* The next CNAME of some of those that have not ended; *RET_MORE: there were any. */
static bool advance_some(struct dns_resolver *resolver, struct trail *trails, size_t count, struct deadline deadline,
			 bool *ret_more, struct error *err)
{
	CLEANUP(round_done) struct round round = {.count = 0};
	for (size_t i = 0; i < count && round.count < TOGETHER; i++)
		if (!trails[i].ended)
			round_add(&round, i, trails[i].at, DNS_TYPE_CNAME);
	*ret_more = round.count > 0;
	if (round.count > 0 && !dns_ask(resolver, round.questions, round.count, deadline, err))
		return false;
	for (size_t i = 0; i < round.count; i++)
		if (!advance(&trails[round.of[i]], &round.questions[i], err))
			return false;
	return true;
}

bool dns_follow_aliases(struct dns_resolver *resolver, const char *const *names, size_t count, struct deadline deadline,
			char (*ret)[256], struct error *err)
{
	struct trail *trails = calloc(count + 1, sizeof(*trails));
	bool fine = trails != NULL || error_oom(err), more = true;
	for (size_t i = 0; fine && i < count; i++) {
		trails[i].name = names[i];
		fine = copy_name(trails[i].at, names[i], err);
	}
	while (fine && more)
		fine = advance_some(resolver, trails, count, deadline, &more, err);
	for (size_t i = 0; fine && i < count; i++)
		memcpy(ret[i], trails[i].at, sizeof(trails[i].at));
	if (trails != NULL)
		trails_done(trails, count);
	return fine;
}

bool dns_alias_is_wildcard(struct dns_resolver *resolver, const char *name, const char *end, struct deadline deadline)
{
	const char *parent = strchr(name, '.');
	struct error ignored = {0};
	char beside[NAME_SIZE], found[1][NAME_SIZE];
	const char *asked = beside;
	uint64_t random = 0;
	if (parent == NULL || str_equal_nocase(name, end) ||
	    getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random) ||
	    snprintf(beside, sizeof(beside), "_%016" PRIx64 "%s", random, parent) >= (int)sizeof(beside))
		return false;
	return dns_follow_aliases(resolver, &asked, 1, deadline, found, &ignored) && str_equal_nocase(found[0], end);
}

/* One name on its way up to its zone. */
struct climb {
	char name[NAME_SIZE];
	const char *candidate; /* in NAME; NULL: settled */
};

/* What QUESTION about the candidate says: the apex in RET, or where to ask next. */
static void climb_on(struct climb *climb, const struct dns_question *question, char ret[NAME_SIZE])
{
	const struct dns_answer *answer = &question->answer;
	if (answer->outcome == DNS_NO_ANSWER) {
		log_debug("the zone of %s is not known: %s", climb->name, question->reason);
		climb->candidate = NULL;
	} else if (dns_name_is_within(climb->name, answer->zone)) {
		memcpy(ret, answer->zone, sizeof(answer->zone));
		climb->candidate = NULL;
	} else {
		/* An SOA from elsewhere, such as that of a CNAME's target, says nothing about NAME. */
		climb->candidate = strchr(climb->candidate, '.');
		if (climb->candidate != NULL)
			climb->candidate++;
	}
}

bool dns_find_zones(struct dns_resolver *resolver, const char *const *names, size_t count, struct deadline deadline,
		    char (*ret)[256], struct error *err)
{
	AUTO_FREE struct climb *climbs = calloc(count + 1, sizeof(*climbs));
	if (climbs == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		ret[i][0] = '\0';
		if (!copy_name(climbs[i].name, names[i], err))
			return false;
		climbs[i].candidate = climbs[i].name;
	}
	for (;;) {
		CLEANUP(round_done) struct round round = {.count = 0};
		for (size_t i = 0; i < count && round.count < TOGETHER; i++)
			if (climbs[i].candidate != NULL)
				round_add(&round, i, climbs[i].candidate, DNS_TYPE_SOA);
		if (round.count == 0)
			return true;
		if (!dns_ask(resolver, round.questions, round.count, deadline, err))
			return false;
		for (size_t i = 0; i < round.count; i++)
			climb_on(&climbs[round.of[i]], &round.questions[i], ret[round.of[i]]);
	}
}

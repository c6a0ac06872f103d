/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wait for TXT records to be everywhere. All names, zones and servers are asked side by side, so that a round takes
 * no longer than its slowest server. A server that answers without authority and without the value is lame: it counts
 * as one that cannot be reached, not as one that lags behind.
 */
#include "transport/dns_zone.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_SIZE = 256,
	DNS_PORT = 53,
	ADDRESSES_MAX = 8, /* of one name server */
	PAUSE_FIRST_MS = 500,
	PAUSE_MAX_MS = 5000,
	QUIET_ROUNDS = 2, /* before servers that do not answer are done without */
};

/* A name server of a zone, or one of the resolver's servers in its place. */
struct zone_server {
	char name[NAME_SIZE];
	struct dns_address addresses[ADDRESSES_MAX];
	size_t address_count;
	const struct dns_address *chosen; /* one that answered; NULL: none yet */
	bool ready;                       /* showed everything */
	bool answered;                    /* in this round */
	char state[512];                  /* what is wrong, in words */
};

struct server_set {
	struct zone_server *servers;
	size_t count;
	bool recurse;
};

struct zone {
	char apex[NAME_SIZE]; /* empty: not found */
	struct server_set authoritative;
	struct server_set resolvers; /* asked while no authoritative server answers */
	int quiet_rounds;            /* in a row: some server showed everything, the others did not answer */
	bool published;
};

/* An expected name, once. */
struct watch {
	const char *name;
	size_t zone;
};

struct wait {
	struct dns_resolver *resolver;
	const struct dns_expectation *expectations;
	size_t expectation_count;
	struct watch *watches;
	size_t watch_count;
	struct zone *zones; /* as many as watches, at most */
	size_t zone_count;
	int quiet_rounds; /* before servers that do not answer are done without */
};

static void wait_done(struct wait *wait)
{
	for (size_t i = 0; i < wait->zone_count; i++) {
		free(wait->zones[i].authoritative.servers);
		free(wait->zones[i].resolvers.servers);
	}
	free(wait->zones);
	free(wait->watches);
}

struct questions {
	struct dns_question *items;
	size_t count;
};

static void questions_done(struct questions *questions)
{
	for (size_t i = 0; i < questions->count; i++)
		dns_answer_done(&questions->items[i].answer);
	free(questions->items);
}

static bool questions_init(struct questions *questions, size_t count, struct error *err)
{
	questions->items = calloc(count + 1, sizeof(*questions->items));
	if (questions->items == NULL)
		return error_oom(err);
	questions->count = count;
	return true;
}

/* The set of the resolver's own servers. */
static bool init_resolvers(struct server_set *set, const struct dns_resolver *resolver, struct error *err)
{
	size_t count = 0;
	const struct dns_address *addresses = dns_resolver_servers(resolver, &count);
	set->servers = calloc(count + 1, sizeof(*set->servers));
	if (set->servers == NULL)
		return error_oom(err);
	for (set->count = 0; set->count < count; set->count++) {
		struct zone_server *server = &set->servers[set->count];
		(void)snprintf(server->name, sizeof(server->name), "resolver");
		server->addresses[0] = addresses[set->count];
		server->address_count = 1;
	}
	set->recurse = true;
	return true;
}

static bool zone_index(struct wait *wait, const char *apex, size_t *ret, struct error *err)
{
	for (*ret = 0; *ret < wait->zone_count; ++*ret)
		if (str_equal_nocase(wait->zones[*ret].apex, apex) ||
		    (apex[0] == '\0' && wait->zones[*ret].apex[0] == '\0'))
			return true;
	struct zone *zone = &wait->zones[wait->zone_count];
	memcpy(zone->apex, apex, strlen(apex) + 1);
	wait->zone_count++;
	return init_resolvers(&zone->resolvers, wait->resolver, err);
}

static bool find_zones(struct wait *wait, struct deadline deadline, struct error *err)
{
	AUTO_FREE const char **names = calloc(wait->watch_count + 1, sizeof(*names));
	AUTO_FREE char(*apexes)[NAME_SIZE] = calloc(wait->watch_count + 1, sizeof(*apexes));
	if (names == NULL || apexes == NULL)
		return error_oom(err);
	for (size_t i = 0; i < wait->watch_count; i++)
		names[i] = wait->watches[i].name;
	if (!dns_find_zones(wait->resolver, names, wait->watch_count, deadline, apexes, err))
		return false;
	for (size_t i = 0; i < wait->watch_count; i++) {
		if (apexes[i][0] == '\0')
			log_debug("%s: asking the resolver's servers instead of the zone's", names[i]);
		if (!zone_index(wait, apexes[i], &wait->watches[i].zone, err))
			return false;
	}
	return true;
}

/* The addresses of all servers of ZONE, in one go. A server without any stays: it will be named as unreachable. */
static bool find_addresses(struct wait *wait, struct server_set *set, struct deadline deadline, struct error *err)
{
	static const enum dns_type types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
	CLEANUP(questions_done) struct questions questions = {0};
	if (!questions_init(&questions, set->count * ARRAY_LEN(types), err))
		return false;
	for (size_t i = 0; i < questions.count; i++)
		questions.items[i] = (struct dns_question){.name = set->servers[i / ARRAY_LEN(types)].name,
							   .type = types[i % ARRAY_LEN(types)]};
	if (!dns_ask(wait->resolver, questions.items, questions.count, deadline, err))
		return false;
	for (size_t i = 0; i < questions.count; i++) {
		struct zone_server *server = &set->servers[i / ARRAY_LEN(types)];
		const struct str_list *values = &questions.items[i].answer.values;
		struct error ignored = {0};
		/* Half of the room for each family. */
		size_t room = (i % ARRAY_LEN(types) + 1) * ADDRESSES_MAX / ARRAY_LEN(types);
		for (size_t j = 0; j < values->len && server->address_count < room; j++)
			if (dns_address_parse(values->items[j], DNS_PORT, &server->addresses[server->address_count],
					      &ignored))
				server->address_count++;
		if (server->address_count == 0)
			(void)snprintf(server->state, sizeof(server->state), "the address of %s is not known",
				       server->name);
	}
	return true;
}

static bool find_servers(struct wait *wait, struct deadline deadline, struct error *err)
{
	CLEANUP(questions_done) struct questions questions = {0};
	if (!questions_init(&questions, wait->zone_count, err))
		return false;
	for (size_t i = 0; i < wait->zone_count; i++)
		questions.items[i] = (struct dns_question){
			.name = wait->zones[i].apex[0] == '\0' ? "." : wait->zones[i].apex, .type = DNS_TYPE_NS};
	if (!dns_ask(wait->resolver, questions.items, questions.count, deadline, err))
		return false;
	for (size_t i = 0; i < wait->zone_count; i++) {
		struct server_set *set = &wait->zones[i].authoritative;
		const struct str_list *names = &questions.items[i].answer.values;
		size_t count = wait->zones[i].apex[0] == '\0' ? 0 : names->len;
		set->servers = calloc(LIMIT_DNS_NAMESERVERS, sizeof(*set->servers));
		if (set->servers == NULL)
			return error_oom(err);
		for (size_t j = 0; j < count && set->count < LIMIT_DNS_NAMESERVERS; j++)
			memcpy(set->servers[set->count++].name, names->items[j], strlen(names->items[j]) + 1);
		if (!find_addresses(wait, set, deadline, err))
			return false;
	}
	return true;
}

/* The names of ZONE at all of SERVER's addresses, or at the chosen one. Returns how many; ITEMS may be NULL. */
static size_t server_questions(const struct wait *wait, size_t zone, const struct server_set *set,
			       const struct zone_server *server, struct dns_question *items)
{
	const struct dns_address *first = server->chosen != NULL ? server->chosen : server->addresses;
	size_t addresses = server->chosen != NULL ? 1 : server->address_count, count = 0;
	for (size_t i = 0; i < addresses; i++)
		for (size_t j = 0; j < wait->watch_count; j++) {
			if (wait->watches[j].zone != zone)
				continue;
			if (items != NULL)
				items[count] = (struct dns_question){.server = &first[i],
								     .name = wait->watches[j].name,
								     .type = DNS_TYPE_TXT,
								     .recurse = set->recurse};
			count++;
		}
	return count;
}

static struct server_set *zone_set(struct zone *zone, bool resolvers)
{
	return resolvers ? &zone->resolvers : &zone->authoritative;
}

/* No authoritative server said anything in this round. */
static bool needs_resolvers(const struct zone *zone)
{
	for (size_t i = 0; i < zone->authoritative.count; i++)
		if (zone->authoritative.servers[i].answered || zone->authoritative.servers[i].ready)
			return false;
	return true;
}

/* Whether this server takes part in the round: of the authoritative ones, or of the resolver's. */
static bool is_asked(const struct zone *zone, const struct zone_server *server, bool resolvers)
{
	return !zone->published && !server->ready && (!resolvers || needs_resolvers(zone));
}

static bool ask_round(struct wait *wait, bool resolvers, struct questions *questions, struct deadline deadline,
		      struct error *err)
{
	for (int counting = 1; counting >= 0; counting--) {
		size_t count = 0;
		for (size_t z = 0; z < wait->zone_count; z++) {
			const struct server_set *set = zone_set(&wait->zones[z], resolvers);
			for (size_t s = 0; s < set->count; s++)
				if (is_asked(&wait->zones[z], &set->servers[s], resolvers))
					count += server_questions(wait, z, set, &set->servers[s],
								  counting ? NULL : questions->items + count);
		}
		if (counting && !questions_init(questions, count, err))
			return false;
	}
	return questions->count == 0 || dns_ask(wait->resolver, questions->items, questions->count, deadline, err);
}

/* The first expectation at NAME that ANSWER does not meet; NULL: none. All are asked: they may keep what they see. */
static const struct dns_expectation *unmet(const struct wait *wait, const char *name, const struct dns_answer *answer)
{
	const struct dns_expectation *first = NULL;
	for (size_t i = 0; i < wait->expectation_count; i++) {
		const struct dns_expectation *expectation = &wait->expectations[i];
		if (!str_equal_nocase(expectation->name, name))
			continue;
		bool met = expectation->value != NULL ? str_list_has(&answer->values, expectation->value)
						      : expectation->fits(expectation->ctx, &answer->values);
		if (!met && first == NULL)
			first = expectation;
	}
	return first;
}

static void set_state(struct zone_server *server, const char *format, ...) PRINTF_LIKE(2, 3);
static void set_state(struct zone_server *server, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (vsnprintf(server->state, sizeof(server->state), format, args) < 0)
		server->state[0] = '\0';
	va_end(args);
}

/* What one address of SERVER said about all names. False: it is of no use. */
static bool judge_address(const struct wait *wait, struct zone_server *server, bool recurse,
			  const struct dns_question *questions, size_t count)
{
	bool complete = true;
	for (size_t i = 0; i < count; i++) {
		const struct dns_question *question = &questions[i];
		if (question->answer.outcome == DNS_NO_ANSWER) {
			if (question->reason[0] != '\0') /* else the deadline came first */
				set_state(server, "%s: %s", server->name, question->reason);
			return false;
		}
		bool lame = !recurse && !question->answer.authoritative;
		const struct dns_expectation *missing = NULL;
		/* What a lame server lacks is not to be kept by anybody. */
		if (!lame || question->answer.values.len > 0)
			missing = unmet(wait, question->name, &question->answer);
		if (lame && (missing != NULL || question->answer.values.len == 0)) {
			set_state(server, "%s (%s) is not authoritative for %s", server->name, question->server->text,
				  question->name);
			return false;
		}
		if (missing != NULL && complete) {
			set_state(server, "%s (%s) does not show %s%s at %s yet", server->name, question->server->text,
				  missing->value != NULL ? "the value " : "what is expected",
				  missing->value != NULL ? missing->value : "", question->name);
			complete = false;
		}
	}
	server->ready = complete;
	return true;
}

/* The first address that is of use decides, and is asked alone from then on. */
static void judge_server(const struct wait *wait, struct zone_server *server, bool recurse,
			 const struct dns_question *questions, size_t count)
{
	size_t addresses = server->chosen != NULL ? 1 : server->address_count;
	server->answered = false;
	for (size_t i = 0; i < addresses && !server->answered; i++) {
		const struct dns_question *own = questions + i * (count / addresses);
		server->answered = judge_address(wait, server, recurse, own, count / addresses);
		if (server->answered)
			server->chosen = own->server;
	}
	if (!server->answered)
		server->chosen = NULL;
}

static void judge_round(struct wait *wait, bool resolvers, const struct questions *questions)
{
	size_t at = 0;
	for (size_t z = 0; z < wait->zone_count; z++) {
		struct zone *zone = &wait->zones[z];
		struct server_set *set = zone_set(zone, resolvers);
		for (size_t s = 0; s < set->count; s++) {
			struct zone_server *server = &set->servers[s];
			if (!is_asked(zone, server, resolvers))
				continue;
			size_t count = server_questions(wait, z, set, server, NULL);
			judge_server(wait, server, set->recurse, questions->items + at, count);
			at += count;
		}
	}
}

/* The servers that decide about ZONE in this round. */
static const struct server_set *deciding_set(const struct zone *zone)
{
	return needs_resolvers(zone) ? &zone->resolvers : &zone->authoritative;
}

static void conclude_zone(struct zone *zone, int quiet_rounds)
{
	const struct server_set *set = deciding_set(zone);
	size_t ready = 0, lagging = 0;
	for (size_t i = 0; i < set->count; i++) {
		ready += set->servers[i].ready;
		lagging += !set->servers[i].ready && set->servers[i].answered;
	}
	zone->quiet_rounds = ready > 0 && lagging == 0 ? zone->quiet_rounds + 1 : 0;
	zone->published = (ready > 0 && ready == set->count) || zone->quiet_rounds >= quiet_rounds;
}

/* True: everything is published. */
static bool conclude_round(struct wait *wait)
{
	bool all = true;
	for (size_t z = 0; z < wait->zone_count; z++) {
		struct zone *zone = &wait->zones[z];
		if (!zone->published)
			conclude_zone(zone, wait->quiet_rounds);
		all = all && zone->published;
	}
	return all;
}

static const char *known_address(const struct zone_server *server)
{
	if (server->chosen != NULL)
		return server->chosen->text;
	return server->address_count == 1 ? server->addresses[0].text : "";
}

/* The servers that decide, of all zones. */
static bool tell(const struct wait *wait, dns_progress *progress, void *ctx, struct error *err)
{
	size_t count = 0;
	for (size_t z = 0; z < wait->zone_count; z++)
		count += deciding_set(&wait->zones[z])->count;
	AUTO_FREE struct dns_server_state *states = calloc(count + 1, sizeof(*states));
	if (states == NULL)
		return error_oom(err);
	count = 0;
	for (size_t z = 0; z < wait->zone_count; z++) {
		const struct server_set *set = deciding_set(&wait->zones[z]);
		for (size_t s = 0; s < set->count; s++) {
			const struct zone_server *server = &set->servers[s];
			states[count++] = (struct dns_server_state){
				.name = server->name,
				.address = known_address(server),
				.trouble = server->ready ? "" : server->state,
				.ready = server->ready,
			};
		}
	}
	progress(ctx, states, count);
	return true;
}

static bool run_round(struct wait *wait, struct deadline deadline, struct error *err)
{
	for (int resolvers = 0; resolvers <= 1; resolvers++) {
		CLEANUP(questions_done) struct questions questions = {0};
		bool asked = ask_round(wait, resolvers != 0, &questions, deadline, err);
		/* What came in before the deadline is worth telling. */
		if (questions.items != NULL)
			judge_round(wait, resolvers != 0, &questions);
		if (!asked)
			return false;
	}
	return true;
}

/* WHAT: the first server that is not ready of each zone that is not. */
static bool explain(const struct wait *wait, const char *what, struct error *err)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, ERROR_TEXT_MAX);
	for (size_t z = 0; z < wait->zone_count; z++) {
		const struct zone *zone = &wait->zones[z];
		const struct server_set *set = deciding_set(zone);
		for (size_t s = 0; s < set->count && !zone->published; s++)
			if (!set->servers[s].ready && set->servers[s].state[0] != '\0')
				buf_printf(&text, "%s%s", text.len > 0 ? "; " : "", set->servers[s].state);
	}
	error_clear(err);
	err->transient = true;
	error_hint(err,
		   "check that the DNS provider's zone is the one that is delegated, and that this host may send DNS "
		   "queries to it");
	return error_set(err, ERROR_DNS, NULL, "%s: %s", what,
			 text.len > 0 ? buf_cstr(&text) : "no server was asked in time");
}

static bool init_wait(struct wait *wait, struct error *err)
{
	wait->watches = calloc(wait->expectation_count, sizeof(*wait->watches));
	wait->zones = calloc(wait->expectation_count, sizeof(*wait->zones));
	if (wait->watches == NULL || wait->zones == NULL)
		return error_oom(err);
	for (size_t i = 0; i < wait->expectation_count; i++) {
		const char *name = wait->expectations[i].name;
		size_t known = 0;
		while (known < wait->watch_count && !str_equal_nocase(wait->watches[known].name, name))
			known++;
		if (known == wait->watch_count)
			wait->watches[wait->watch_count++].name = name;
	}
	return true;
}

bool dns_wait_published(struct dns_resolver *resolver, const struct dns_expectation *expectations, size_t count,
			struct deadline deadline, dns_progress *progress, void *ctx, struct error *err)
{
	CLEANUP(wait_done)
	struct wait wait = {
		.resolver = resolver,
		.expectations = expectations,
		.expectation_count = count,
		.quiet_rounds = QUIET_ROUNDS,
	};
	int64_t pause = PAUSE_FIRST_MS;
	if (count == 0)
		return true;
	bool fine = init_wait(&wait, err) && find_zones(&wait, deadline, err) && find_servers(&wait, deadline, err);
	while (fine && (fine = run_round(&wait, deadline, err))) {
		bool published = conclude_round(&wait);
		if (progress != NULL && !tell(&wait, progress, ctx, err))
			return false;
		if (published)
			return true;
		fine = deadline_sleep(deadline, pause, NULL, err);
		pause = pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause * 2;
	}
	return err->category == ERROR_TIMEOUT ? explain(&wait, "the TXT records did not show up in time", err) : false;
}

/* Some server that decides about ZONE answered. */
static bool zone_answered(const struct zone *zone)
{
	const struct server_set *set = deciding_set(zone);
	for (size_t i = 0; i < set->count; i++)
		if (set->servers[i].answered)
			return true;
	return false;
}

bool dns_check_published(struct dns_resolver *resolver, const struct dns_expectation *expectations, size_t count,
			 struct deadline deadline, bool *ret_published, struct error *err)
{
	static const char what[] = "cannot read the TXT records";
	CLEANUP(wait_done)
	struct wait wait = {
		.resolver = resolver,
		.expectations = expectations,
		.expectation_count = count,
		.quiet_rounds = 1,
	};
	*ret_published = true;
	if (count == 0)
		return true;
	if (!init_wait(&wait, err) || !find_zones(&wait, deadline, err) || !find_servers(&wait, deadline, err) ||
	    !run_round(&wait, deadline, err))
		return err->category == ERROR_TIMEOUT ? explain(&wait, what, err) : false;
	*ret_published = conclude_round(&wait);
	for (size_t i = 0; i < wait.zone_count; i++)
		if (!zone_answered(&wait.zones[i]))
			return explain(&wait, what, err);
	return true;
}
